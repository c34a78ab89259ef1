"""What is certain of a value in a rule: its kind, its members, and whether it may be null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.dev.project.messages import nearest, quoted
from modelet.logic.values import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = {
    "number": "number",
    "integer": "number",
    "string": "text",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
    "null": "null",
}
"""The kinds of values by their names in JSON Schema."""


class Shape(NamedTuple):
    """kind: that of the value, any if it is not certain. fields: the members of an object, None if they are not known.
    items: the shape of a list's items."""

    kind: str = "any"
    fields: Mapping[str, Shape] | None = None
    items: Shape | None = None
    nullable: bool = False

    @property
    def item(self) -> Shape:
        """The shape of the items of a list."""
        return self.items or ANY


ANY = Shape()


def of_value(value: Any) -> Shape:
    """Return the shape of a constant."""
    if type(value) is dict:
        return Shape("object", {name: of_value(each) for name, each in value.items()})
    return Shape(kind_of(value))


def common(shapes: list[Shape]) -> Shape:
    """Return what is certain of a value that has one of some shapes."""
    kinds = {shape.kind for shape in shapes if shape.kind != "null"}
    nullable = any(shape.nullable or shape.kind == "null" for shape in shapes)
    if not kinds:
        return Shape("null")
    if len(kinds) > 1:
        return Shape(nullable=nullable)
    same = all(shape == shapes[0] for shape in shapes)
    return shapes[0] if same else Shape(kinds.pop(), nullable=nullable)


def of_schema(schema: Mapping[str, Any], parts: Mapping[str, Any] | None = None, depth: int = 20) -> Shape:
    """Return the shape of the values of a JSON schema. parts: its `$defs`."""
    shared = schema.get("$defs", {}) if parts is None else parts
    if "$ref" in schema and depth:
        return of_schema(shared.get(schema["$ref"].rpartition("/")[2], {}), shared, depth - 1)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return common([of_schema(option, shared, depth - 1) for option in options]) if depth else ANY
    if "const" in schema or "enum" in schema:
        return common([of_value(value) for value in schema.get("enum", [schema.get("const")])])
    kind = KINDS.get(schema["type"], "any") if isinstance(schema.get("type"), str) else "any"
    if kind == "object" and "properties" in schema and schema.get("additionalProperties") is False and depth:
        required = schema.get("required", ())
        fields = {
            name: (made if name in required else made._replace(nullable=True))
            for name, each in schema["properties"].items()
            for made in [of_schema(each, shared, depth - 1)]
        }
        return Shape("object", fields)
    if kind == "list" and isinstance(schema.get("items"), dict) and depth:
        return Shape("list", None, of_schema(schema["items"], shared, depth - 1))
    return Shape(kind)


def member(shape: Shape, name: str, others: Iterable[str]) -> Shape | str:
    """Return the shape of a member of a value; if it lacks the member, what to write instead."""
    if shape.kind == "any" or (shape.kind == "object" and shape.fields is None):
        return ANY
    if shape.kind == "list":
        is_index = name.isascii() and name.isdigit()
        return shape.item if is_index else f"{quoted(name)} is not the index of a list"
    if shape.kind != "object":
        return f"a {shape.kind} has no members"
    fields = shape.fields or {}
    if name in fields:
        return fields[name]
    known = [*fields, *others]
    near = nearest(name, known)
    return f"did you mean {near}?" if near else f"there are {', '.join(known) or 'none'}"


def never_same(one: Shape, other: Shape) -> bool:
    """Return whether two values have certainly different kinds."""
    kinds = {one.kind, other.kind}
    return len(kinds) == 2 and "any" not in kinds and "null" not in kinds
