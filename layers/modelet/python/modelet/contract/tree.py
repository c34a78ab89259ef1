"""Nested contracts whose values are plain: what Python's own encoder and pydantic-core write alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.contract.flat import CONFIG, FIELD, RECORD, is_finite, is_scalar

if TYPE_CHECKING:
    from modelet.contract.schema import Core

_LIST = {"type", "items_schema", "min_length", "max_length", "metadata"}


def is_plain_tree(core: Core) -> bool:
    """Return whether all values are scalars, or objects or lists of such values, without NaN or aliases."""
    if core["type"] == "list":
        return core.keys() <= _LIST and "items_schema" in core and is_plain_tree(core["items_schema"])
    if core["type"] != "typed-dict":
        return is_scalar(core) and is_finite(core)
    is_usual = core.keys() <= RECORD and not core.get("computed_fields") and core.get("config", {}).keys() <= CONFIG
    fields = core["fields"].values()
    return bool(fields) and is_usual and all(each.keys() <= FIELD and is_plain_tree(each["schema"]) for each in fields)
