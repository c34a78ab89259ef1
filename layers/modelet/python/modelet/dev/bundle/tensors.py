"""Derive the tensors of the Open Inference Protocol for a contract from its JSON schemas.

`modelet.protocols.oip.signature` describes how requests use them.
"""

from __future__ import annotations

import json
from typing import Any

Schema = dict[str, Any]

_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "string": "BYTES"}
_JSON = {"datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "json"}}


def tensors(instance: Schema, prediction: Schema, *, nested: bool = False) -> dict[str, Any]:
    """Return the bundle's `tensors` from the JSON schemas of an instance and a prediction.

    An object of scalars, or of lists of scalars, becomes one tensor per field. A scalar or a list of scalars becomes
    one tensor, `instances` or `predictions`. For all other types, such as nested objects and unions, the elements of
    that tensor are JSON texts.

    instance: the schema for validation. prediction: the schema for serialisation. nested: the prediction is a default
    one. Then an object of numbers inside it, such as `probabilities`, becomes one tensor with a column for each member,
    whose names are in the parameter `labels` as JSON; and another object becomes a tensor for each of its members.
    """
    inputs = _Side(instance, answers=False)
    outputs = _Side(prediction, answers=True, nested=nested)
    input_fields, output_fields = inputs.fields(), outputs.fields()
    return {
        "inputs": input_fields or [inputs.whole("instances")],
        "outputs": output_fields or [outputs.whole("predictions")],
        "fields": {"inputs": input_fields is not None, "outputs": output_fields is not None},
        **({"paths": outputs.paths} if outputs.paths else {}),
    }


class _Side:
    """One of the contract's two schemas.

    answers: whether its values are sent, not received. nested: whether objects inside it become tensors. paths: the
    names that lead to the value of each tensor from inside an object, and the members that are its columns.
    """

    def __init__(self, schema: Schema, *, answers: bool, nested: bool = False) -> None:
        self._schema = schema
        self._answers = answers
        self._nested = nested
        self.paths: dict[str, dict[str, list[str]]] = {}

    def fields(self) -> list[Schema] | None:
        """Return one tensor per field of an object, or None if it is not an object or a field fits no tensor."""
        return self._members(self._resolve(self._schema), ())

    def _members(self, root: Schema, path: tuple[str, ...]) -> list[Schema] | None:
        properties = root.get("properties")
        if not properties or root.get("additionalProperties"):
            return None
        required = root.get("required", ())
        found: list[Schema] = []
        for name, node in properties.items():
            made = self._member((*path, name), node, required=name in required)
            if made is None:
                return None
            found += made
        return found

    def _member(self, path: tuple[str, ...], node: Schema, *, required: bool) -> list[Schema] | None:
        """Return the tensors of one member of an object, or None if it fits none."""
        name, inner = ".".join(path), self._resolve(node)
        if not self._nested or "properties" not in inner:
            tensor = self._tensor(name, node, required)
            if tensor is not None and len(path) > 1:
                self.paths[name] = {"path": list(path)}
            return None if tensor is None else [tensor]
        columns = list(inner["properties"])
        if {self._kind(self._resolve(each)) for each in inner["properties"].values()} != {"number"}:
            return self._members(inner, path)
        self.paths[name] = {"path": list(path), "columns": columns}
        labels = {"labels": json.dumps(columns, ensure_ascii=False)}
        return [{"name": name, "datatype": "FP64", "shape": [-1, len(columns)], "parameters": labels}]

    def whole(self, name: str) -> Schema:
        """Return the single tensor that holds complete values."""
        return self._tensor(name, self._schema, required=True) or {"name": name, **_JSON}

    def _tensor(self, name: str, node: Schema, required: bool) -> Schema | None:
        node, nullable = self._without_null(node)
        shape, kind = [-1], self._kind(node)
        if kind is None and node.get("type") == "array":
            # A flat tensor cannot leave out the list of one row, only the lists of all rows.
            if nullable and (required or self._answers):
                return None
            width, kind, nullable = self._items(node)
            shape = [-1, width]
        # In a response, a field must be in every row; and numpy clients would read a null among booleans as false.
        if kind is None or (self._answers and (not required or (nullable and kind == "boolean"))):
            return None
        parameters = {"optional": not required, "nullable": nullable}
        said = {key: True for key, holds in parameters.items() if holds}
        tensor = {"name": name, "datatype": _DATATYPES[kind], "shape": shape}
        return {**tensor, "parameters": said} if said else tensor

    def _items(self, node: Schema) -> tuple[int, str | None, bool]:
        """Return the length of a list (-1: any), its items' common kind or None, and whether they may be null."""
        places = node.get("prefixItems")
        if places is None:
            item, nullable = self._without_null(node.get("items", {}))
            low, high = node.get("minItems", 0), node.get("maxItems")
            return (low if low == high else -1), self._kind(item), nullable
        parts = [self._without_null(place) for place in places]
        if node.get("items") or node.get("minItems") != len(places):
            return -1, None, False
        return len(places), _common({self._kind(part) for part, _ in parts}), any(null for _, null in parts)

    def _kind(self, node: Schema) -> str | None:
        """Return the JSON type of all values of a node, or None if they differ or are not scalars."""
        options = node.get("anyOf") or node.get("oneOf")
        if options:
            return _common({self._kind(self._resolve(option)) for option in options})
        if "enum" in node or "const" in node:
            return _common({_kind_of(value) for value in node.get("enum", [node.get("const")])})
        kind = node.get("type")
        return kind if isinstance(kind, str) and kind in _DATATYPES else None

    def _without_null(self, node: Schema) -> tuple[Schema, bool]:
        """Return a node without its null, and whether it had one."""
        node = self._resolve(node)
        for key in ("anyOf", "oneOf"):
            options = [self._resolve(option) for option in node.get(key, ())]
            others = [option for option in options if option.get("type") != "null"]
            if len(others) < len(options):
                return (others[0] if len(others) == 1 else {key: others}), True
        if None in node.get("enum", ()):
            return {"enum": [value for value in node["enum"] if value is not None]}, True
        return node, False

    def _resolve(self, node: Schema) -> Schema:
        """Follow a node's references into the schema's definitions."""
        seen = set()
        while "$ref" in node and node["$ref"] not in seen:
            seen.add(node["$ref"])
            node = self._schema.get("$defs", {}).get(node["$ref"].rpartition("/")[2], {})
        return node


def _common(kinds: set[str | None]) -> str | None:
    """Return the kind that includes all others (a whole number is also a number), or None."""
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else None


def _kind_of(value: Any) -> str | None:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return kinds.get(type(value))
