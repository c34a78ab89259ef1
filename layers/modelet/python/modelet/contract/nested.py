"""Contracts of predictions with objects and lists inside, whose values are JSON's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.contract.flat import CONFIG, FIELD, RECORD, is_plain

if TYPE_CHECKING:
    from modelet.contract.schema import Core

_LIST = {"type", "items_schema", "min_length", "max_length", "metadata"}
_DICT = {"type", "keys_schema", "values_schema", "min_length", "max_length", "metadata"}


def is_json(core: Core) -> bool:
    """Return whether all values that a core schema returns are JSON's: no NaN, no aliases, no types of its own.

    Python's encoder then writes them. pydantic-core's would import its Python package, 17 ms of a cold start.
    """
    kind = core["type"]
    if kind == "list":
        return core.keys() <= _LIST and "items_schema" in core and is_json(core["items_schema"])
    if kind == "dict":
        keyed = core.get("keys_schema", {}).get("type") == "str"
        return core.keys() <= _DICT and keyed and "values_schema" in core and is_json(core["values_schema"])
    if kind == "typed-dict":
        return _is_ordinary(core) and all(
            field.keys() <= FIELD and is_json(field["schema"]) for field in core["fields"].values()
        )
    return is_plain(core)


def _is_ordinary(core: Core) -> bool:
    """Return whether an object has no settings that change what is written."""
    return (
        core.keys() <= RECORD
        and not core.get("computed_fields")
        and core.get("config", {}).keys() <= CONFIG
        and core.get("extra_behavior") != "allow"
    )
