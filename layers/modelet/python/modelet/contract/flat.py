"""Flat contracts: their instances are objects of scalars, for which there are faster checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.schema import Core

_NUMERIC = {"type", "ge", "gt", "le", "lt", "multiple_of"}
SCALARS = {
    "float": _NUMERIC | {"allow_inf_nan"},
    "int": _NUMERIC,
    "bool": {"type"},
    "str": {"type", "min_length", "max_length", "pattern", "strip_whitespace", "to_lower", "to_upper"},
    "literal": {"type", "expected"},
}
"""Core schemas that give the same result for JSON text and for parsed JSON, and the members that keep this true
(`strict` does not)."""

RECORD = {"type", "fields", "extra_behavior", "cls", "cls_name", "computed_fields", "config", "metadata", "ref"}
FIELD = {"type", "schema", "required", "metadata"}
CONFIG = {"title", "ser_json_inf_nan", "validate_by_name"}


def fields_of(core: Core) -> dict[str, Core] | None:
    """Return the schemas of the fields if a core schema is a flat object without unusual settings; otherwise None."""
    if core["type"] != "typed-dict" or not core.keys() <= RECORD or core.get("computed_fields"):
        return None
    if not core.get("config", {}).keys() <= CONFIG:
        return None
    fields: dict[str, Any] = core["fields"]
    if not fields or not all(field.keys() <= FIELD and is_scalar(field["schema"]) for field in fields.values()):
        return None
    return {name: field["schema"] for name, field in fields.items()}


def are_countable(core: Core, fields: Mapping[str, Core]) -> bool:
    """Return whether the JSON of a valid instance has one colon per field, so that more colons mean more fields.

    This is true if all fields are required, unknown fields are rejected, and no name or value contains a colon.
    """
    texts = [*fields, *(text for schema in fields.values() for text in _strings(schema))]
    required = all(field.get("required", True) for field in core["fields"].values())
    return required and core.get("extra_behavior") == "forbid" and not any(":" in text for text in texts)


def is_plain(core: Core, nested: bool = False) -> bool:
    """Return whether all values that a core schema accepts are scalars or flat objects, without NaN or aliases.

    nested: accept lists and objects inside too.
    """
    if is_scalar(core):
        return is_finite(core)
    if fields := fields_of(core):
        return all(is_finite(schema) for schema in fields.values())
    if nested and core["type"] in {"dict", "list", "typed-dict"}:
        from modelet.contract.nested import is_json  # noqa: PLC0415 - few predictions have objects inside

        return is_json(core)
    return False


def is_finite(schema: Core) -> bool:
    """Return whether a scalar's schema rejects NaN and infinity."""
    if schema["type"] == "nullable":
        return is_finite(schema["schema"])
    return schema["type"] != "float" or schema.get("allow_inf_nan") is False


def is_scalar(schema: Core) -> bool:
    """Return whether a schema is one of SCALARS, or null as well."""
    if schema["type"] == "nullable":
        return schema.keys() <= {"type", "schema", "metadata"} and is_scalar(schema["schema"])
    known = SCALARS.get(schema["type"])
    if known is None or not schema.keys() <= known | {"metadata"}:
        return False
    return all(type(value) in {bool, int, str} for value in schema.get("expected", ()))


def _strings(schema: Core) -> list[str]:
    """Return the strings that a scalar may be; a colon stands for any string."""
    if schema["type"] == "nullable":
        return _strings(schema["schema"])
    if schema["type"] == "literal":
        return [value for value in schema["expected"] if isinstance(value, str)]
    return [":"] if schema["type"] == "str" else []
