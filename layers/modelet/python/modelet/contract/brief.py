"""Core schemas that accept the same values and report few violations, so that rejecting costs no more than answering.

pydantic-core records every violation with a copy of the invalid value, which for a missing field is the whole object:
400 kB of empty objects become gigabytes. In a brief schema, a list stops at its first invalid item, a missing field
gets a small default that its schema rejects, and an unknown field stops the validation at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.contract.schema import DATA, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.schema import Core

MANY = frozenset({"list", "tuple", "set", "frozenset", "dict"})
"""Core schemas of values with any number of items."""
TYPED = MANY | {
    *("bool", "bytes", "date", "datetime", "decimal", "float", "int", "none", "str", "time", "timedelta"),
    *("dataclass-args", "typed-dict", "url", "uuid"),
}
"""Core schemas that always reject an object of an unknown class."""
WRAPPING = frozenset({"chain", "custom-error", "dataclass", "definitions", "function-after", "model", "nullable"})
"""Core schemas that reject it if their inner (or first) schema does, unless it is an instance of their class."""
PLAIN = (bool, bytes, int, str, type(None))
"""Types whose values never equal an object of an unknown class; values of an author's class may equal anything."""
FIELDS = frozenset({"dataclass-field", "model-field", "typed-dict-field"})


class UnknownFieldError(Exception):
    """An object has a field that is not in its contract."""


class _Missing:
    """The placeholder for a missing field."""

    def __repr__(self) -> str:
        return "a missing field"


MISSING = _Missing()


def brief(core: Core, *, stops: bool = True) -> Core:
    """Return a copy of a core schema that accepts the same values and reports few violations.

    In its ValidationError, the input of a missing field is MISSING. stops: an unknown field of a typed dict raises
    UnknownFieldError instead, except in unions.
    """
    return _Brief(core, stops).schema(core, stops)


def has_union(core: Core) -> bool:
    """Return whether a core schema tries several schemas on one value."""
    return any(node["type"] == "union" for node in nodes(core))


def nodes(core: Any, key: str = "") -> Iterator[Core]:
    """Yield all schemas in a core schema, including itself. key: the key under which its parent has it."""
    if isinstance(core, list | tuple):
        for child in core:
            yield from nodes(child)
    elif isinstance(core, dict):
        is_schema = isinstance(core.get("type"), str)
        if is_schema:
            yield core
        for name, child in core.items():
            if key in NAMES and not is_schema:  # the keys are names that the author chose
                yield from nodes(child)
            elif name not in DATA:
                yield from nodes(child, name)


class _Brief:
    """One walk through a schema."""

    def __init__(self, core: Core, stops: bool) -> None:
        self._definitions = {each.get("ref"): each for each in core.get("definitions", ())}
        # A definition may be used inside a union, where another schema may know the field.
        self._shared_ends = stops and not (self._definitions and has_union(core))

    def schema(self, node: Core, stops: bool) -> Core:
        kind = node["type"]
        if kind == "function-wrap" or node.get("on_error", "raise") != "raise":
            return node  # after an error, the author's code or a default may be used
        stops = stops and kind != "union"
        made = {
            key: child
            if key in DATA
            else self._member(key, child, self._shared_ends if key == "definitions" else stops)
            for key, child in node.items()
        }
        if kind in MANY:
            made["fail_fast"] = True
        if kind in FIELDS:
            self._set_default(made, node)
        if kind == "typed-dict" and stops and node.get("extra_behavior") == "forbid":
            made["extra_behavior"] = "allow"
            made["extras_schema"] = {
                "type": "function-plain",
                "function": {"type": "no-info", "function": _raise_unknown},
            }
        return made

    def _member(self, key: str, child: Any, stops: bool) -> Any:
        if isinstance(child, list):
            return [self._member(key, item, stops) for item in child]
        if isinstance(child, tuple):  # a union's choice with its label
            return tuple(self._member(key, item, stops) for item in child)
        if not isinstance(child, dict):
            return child
        if key in NAMES and not isinstance(child.get("type"), str):
            return {name: self._member("", item, stops) for name, item in child.items()}
        return self.schema(child, stops) if isinstance(child.get("type"), str) else child

    def _set_default(self, made: Core, node: Core) -> None:
        """Give a required field a default that its schema rejects."""
        if not _is_required(node) or not self._rejects(node["schema"], set()):
            return
        made["schema"] = {"type": "default", "schema": made["schema"], "default": MISSING, "validate_default": True}
        if node["type"] == "typed-dict-field":
            made["required"] = False

    def _rejects(self, schema: Core, seen: set[Any], config: Core | None = None) -> bool:
        """Return whether a schema certainly rejects MISSING before the author's code sees it.

        A schema with a default does not: its field may be left out. config: the configuration of the enclosing model,
        which applies to its fields; None if unknown.
        """
        kind = schema["type"]
        if kind == "definition-ref":
            named = schema["schema_ref"]
            known = self._definitions.get(named) if named not in seen else None
            return known is not None and self._rejects(known, {*seen, named})
        if kind in WRAPPING:
            if isinstance(MISSING, schema.get("cls", ())):  # a class may define __instancecheck__
                return False
            inner = schema["steps"][0] if kind == "chain" else schema["schema"]
            return self._rejects(inner, seen, schema.get("config", {}) if kind == "model" else config)
        if kind == "model-fields":  # with from_attributes, it reads an object of any class
            return config is not None and not schema.get("from_attributes", config.get("from_attributes"))
        if kind == "literal":
            return all(type(value) in PLAIN for value in schema["expected"])
        return kind in TYPED


def _is_required(field: Core) -> bool:
    """Return whether a field is certainly required; in a typed dict, only if the field itself says so."""
    return bool(field.get("required", field["type"] != "typed-dict-field") and field.get("init", True))


def _raise_unknown(_value: Any) -> Any:
    raise UnknownFieldError
