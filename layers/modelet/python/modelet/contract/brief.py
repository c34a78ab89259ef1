"""Core schemas that accept the same and say little of what they refuse: a refusal then costs no more than an answer.

pydantic-core notes every violation with a copy of the value that broke the rule, which for a missing field is the whole
object: 400 kB of empty objects become gigabytes. Here lists end at their first bad item, a missing field is a small
value that its schema refuses, and an unknown field ends the reading at once.
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
"""Core schemas that refuse an object of an unknown class, whatever else they ask."""
WRAPPING = frozenset({"custom-error", "dataclass", "definitions", "function-after", "model", "nullable"})
"""Core schemas that refuse it where the schema inside does, unless it is an instance of their class."""
PLAIN = (bool, bytes, int, str, type(None))
"""Types of values that are equal to no object of an unknown class; an author's own may be equal to anything."""
FIELDS = frozenset({"dataclass-field", "model-field", "typed-dict-field"})


class UnknownFieldError(Exception):
    """An object has a field that its contract does not name."""


class _Missing:
    """Stands for a field that is missing."""

    def __repr__(self) -> str:
        return "a missing field"


MISSING = _Missing()


def brief(core: Core, *, ends: bool = True) -> Core:
    """A copy of a core schema that accepts the same.

    What it refuses, it refuses with a ValidationError of few violations, in which the input of a missing field is
    MISSING. ends: an unknown field of a typed dict raises UnknownFieldError instead, outside unions.
    """
    return _Brief(core, ends).schema(core, ends)


def has_union(core: Core) -> bool:
    """Whether a core schema tries several schemas on one value."""
    return any(node["type"] == "union" for node in nodes(core))


def nodes(core: Any, key: str = "") -> Iterator[Core]:
    """All schemas in a core schema, itself among them. key: the member of another one that it is."""
    if isinstance(core, list | tuple):
        for child in core:
            yield from nodes(child)
    elif isinstance(core, dict):
        is_schema = isinstance(core.get("type"), str)
        if is_schema:
            yield core
        for name, child in core.items():
            if key in NAMES and not is_schema:  # the author's own words
                yield from nodes(child)
            elif name not in DATA:
                yield from nodes(child, name)


class _Brief:
    """One walk through a schema."""

    def __init__(self, core: Core, ends: bool) -> None:
        self._definitions = {each.get("ref"): each for each in core.get("definitions", ())}
        # A definition may be used inside a union, where another schema may know the field.
        self._shared_ends = ends and not (self._definitions and has_union(core))

    def schema(self, node: Core, ends: bool) -> Core:
        kind = node["type"]
        if kind == "function-wrap" or node.get("on_error", "raise") != "raise":
            return node  # the author's code, or a default, may follow a refusal
        ends = ends and kind != "union"
        made = {
            key: child if key in DATA else self._member(key, child, self._shared_ends if key == "definitions" else ends)
            for key, child in node.items()
        }
        if kind in MANY:
            made["fail_fast"] = True
        if kind in FIELDS:
            self._soften(made, node)
        if kind == "typed-dict" and ends and node.get("extra_behavior") == "forbid":
            made["extra_behavior"] = "allow"
            made["extras_schema"] = {"type": "function-plain", "function": {"type": "no-info", "function": _refuse}}
        return made

    def _member(self, key: str, child: Any, ends: bool) -> Any:
        if isinstance(child, list):
            return [self._member(key, item, ends) for item in child]
        if isinstance(child, tuple):  # a choice of a union with its label
            return tuple(self._member(key, item, ends) for item in child)
        if not isinstance(child, dict):
            return child
        if key in NAMES and not isinstance(child.get("type"), str):
            return {name: self._member("", item, ends) for name, item in child.items()}
        return self.schema(child, ends) if isinstance(child.get("type"), str) else child

    def _soften(self, made: Core, node: Core) -> None:
        """Give a required field a default that its schema refuses."""
        if not _is_required(node) or not self._refuses(node["schema"], set()):
            return
        made["schema"] = {"type": "default", "schema": made["schema"], "default": MISSING, "validate_default": True}
        if node["type"] == "typed-dict-field":
            made["required"] = False

    def _refuses(self, schema: Core, seen: set[Any], config: Core | None = None) -> bool:
        """Whether a schema is certain to refuse MISSING before code of an author's sees it.

        A schema with a default is not: its field may be left out. config: that of the model around, which holds for its
        fields; None where it is not known.
        """
        kind = schema["type"]
        if kind == "definition-ref":
            named = schema["schema_ref"]
            known = self._definitions.get(named) if named not in seen else None
            return known is not None and self._refuses(known, {*seen, named})
        if kind in WRAPPING:
            if isinstance(MISSING, schema.get("cls", ())):  # a class may say that of anything
                return False
            return self._refuses(schema["schema"], seen, schema.get("config", {}) if kind == "model" else config)
        if kind == "model-fields":  # from attributes, it reads an object of any class
            return config is not None and not schema.get("from_attributes", config.get("from_attributes"))
        if kind == "literal":
            return all(type(value) in PLAIN for value in schema["expected"])
        return kind in TYPED


def _is_required(field: Core) -> bool:
    """Whether a field is certain to be required: one of a typed dict says so itself, or its typed dict may not."""
    return bool(field.get("required", field["type"] != "typed-dict-field") and field.get("init", True))


def _refuse(_value: Any) -> Any:
    raise UnknownFieldError
