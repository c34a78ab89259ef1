"""Derive the tensors of the Open Inference Protocol for a contract from its JSON schemas.

`modelet.protocols.oip.signature` describes how requests use them.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "string": "BYTES"}
_JSON = {"datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "json"}}


def tensors(instance: Schema, prediction: Schema) -> dict[str, Any]:
    """Return the bundle's `tensors` from the JSON schemas of an instance and a prediction.

    An object of scalars, or of lists of scalars, becomes one tensor per field. A scalar or a list of scalars becomes
    one tensor, `instances` or `predictions`. For all other types, such as nested objects and unions, the elements of
    that tensor are JSON texts.

    instance: the schema for validation. prediction: the schema for serialisation.
    """
    inputs = _Side(instance, answers=False)
    outputs = _Side(prediction, answers=True)
    input_fields, output_fields = inputs.fields(), outputs.fields()
    return {
        "inputs": input_fields or [inputs.whole("instances")],
        "outputs": output_fields or [outputs.whole("predictions")],
        "fields": {"inputs": input_fields is not None, "outputs": output_fields is not None},
    }


class _Side:
    """One of the contract's two schemas. answers: whether its values are sent, not received."""

    def __init__(self, schema: Schema, *, answers: bool) -> None:
        self._schema = schema
        self._answers = answers

    def fields(self) -> list[Schema] | None:
        """Return one tensor per field of an object, or None if it is not an object or a field fits no tensor."""
        root = self._resolve(self._schema)
        properties = root.get("properties")
        if not properties or root.get("additionalProperties"):
            return None
        required = root.get("required", ())
        found = [self._tensor(name, node, name in required) for name, node in properties.items()]
        return [each for each in found if each is not None] if None not in found else None

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
