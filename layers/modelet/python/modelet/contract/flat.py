"""Flat contracts: instances that are objects of scalars, about which more can be known before any is read."""

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
"""Core schemas of which JSON's own values mean the same, whether pydantic-core reads them or Python did, and the
members of these that keep it so (`strict` does not)."""

_RECORD = {"type", "fields", "extra_behavior", "cls", "cls_name", "computed_fields", "config", "metadata", "ref"}
_FIELD = {"type", "schema", "required", "metadata"}
_CONFIG = {"title", "ser_json_inf_nan", "validate_by_name"}


def fields_of(core: Core) -> dict[str, Core] | None:
    """The fields' schemas where a core schema is a flat object and says nothing unusual of it or of them; else None."""
    if core["type"] != "typed-dict" or not core.keys() <= _RECORD or core.get("computed_fields"):
        return None
    if not core.get("config", {}).keys() <= _CONFIG:
        return None
    fields: dict[str, Any] = core["fields"]
    if not fields or not all(field.keys() <= _FIELD and _is_scalar(field["schema"]) for field in fields.values()):
        return None
    return {name: field["schema"] for name, field in fields.items()}


def are_countable(core: Core, fields: Mapping[str, Core]) -> bool:
    """Whether the colons in the JSON of a good instance are as many as its fields, so that more are further fields.

    So it is where all fields are required, others are refused, and neither a name nor a value has a colon in it.
    """
    texts = [*fields, *(text for schema in fields.values() for text in _texts(schema))]
    required = all(field.get("required", True) for field in core["fields"].values())
    return required and core.get("extra_behavior") == "forbid" and not any(":" in text for text in texts)


def is_plain(core: Core) -> bool:
    """Whether what a core schema lets pass, a scalar or a flat object, is JSON's own as it stands: no NaN, no alias."""
    schemas = [core] if _is_scalar(core) else list((fields_of(core) or {}).values())
    return bool(schemas) and all(_is_finite(schema) for schema in schemas)


def _is_finite(schema: Core) -> bool:
    if schema["type"] == "nullable":
        return _is_finite(schema["schema"])
    return schema["type"] != "float" or schema.get("allow_inf_nan") is False


def _is_scalar(schema: Core) -> bool:
    if schema["type"] == "nullable":
        return schema.keys() <= {"type", "schema", "metadata"} and _is_scalar(schema["schema"])
    known = SCALARS.get(schema["type"])
    if known is None or not schema.keys() <= known | {"metadata"}:
        return False
    return all(type(value) in {bool, int, str} for value in schema.get("expected", ()))


def _texts(schema: Core) -> list[str]:
    """The texts that a scalar may be; of one without bounds, a text with a colon."""
    if schema["type"] == "nullable":
        return _texts(schema["schema"])
    if schema["type"] == "literal":
        return [value for value in schema["expected"] if isinstance(value, str)]
    return [":"] if schema["type"] == "str" else []
