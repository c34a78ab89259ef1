"""The columns of Parquet results, from the request and the contract alone, so that all chunks have the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.schema import Core

PREDICTION = "prediction"
KINDS = ("text", "integer", "number", "boolean", "json")
"""The kinds of a column: UTF-8, int64, float64, boolean, and JSON text; each may be null."""

_SCALARS = {"str": "text", "int": "integer", "float": "number", "bool": "boolean"}
_LITERALS: dict[type, str] = {str: "text", int: "integer", bool: "boolean"}
_OBJECTS = {"typed-dict", "model-fields", "dataclass-args"}
_WRAPPERS = {"definitions", "default", "model", "dataclass", "nullable"}
"""Schemas around another one, whose values look like the inner one's."""


class Column(NamedTuple):
    """A column of the results.

    name: its name. kind: one of KINDS. member: the field of the prediction; None for all of it, the key and passed
    columns.
    """

    name: str
    kind: str
    member: str | None = None


class Columns(NamedTuple):
    """The columns of the results of one batch: the key, the passed ones, and those of the prediction."""

    key: str
    passed: tuple[Column, ...]
    prediction: tuple[Column, ...]


def columns_of(key: str, passed: Mapping[str, str], prediction: Core | None) -> Columns:
    """Return the columns.

    key: the name of the key's column. passed: the kind of each passed column; `text` also takes other values, as JSON.
    prediction: the core schema of a prediction; None if it is not known. An object with known fields has a column for
    each, another value one column `prediction`. A field with the name of the key or of a passed column is
    `prediction.NAME`. Raises RequestError if one of these is called `prediction`, or begins with it and a dot.
    """
    given = [key, *passed]
    for name in given:
        if reason := clash(name):
            raise RequestError(reason)
    copied = tuple(Column(name, kind) for name, kind in passed.items())
    fields = _fields(prediction) if prediction else None
    if fields is None:
        return Columns(key, copied, (Column(PREDICTION, _kind(prediction)),))
    names = {field: f"{PREDICTION}.{field}" if field in given else field for field in fields}
    return Columns(key, copied, tuple(Column(names[field], kind, field) for field, kind in fields.items()))


def clash(name: str) -> str | None:
    """Return why the key's or a passed column cannot have this name, whatever the model predicts; None if it can."""
    if name != PREDICTION and not name.startswith(f"{PREDICTION}."):
        return None
    return f"the column {name!r} has the name of the results' own column: rename it in the input"


def _inner(core: Core) -> Core:
    """Return a schema without what is around it."""
    while core["type"] in _WRAPPERS and "serialization" not in core:
        core = core["schema"]
    return core


def _fields(core: Core) -> dict[str, str] | None:
    """Return the kind of each field of an object; None if it is none, or may have others, other names or be null."""
    extra: Any = None
    while core["type"] in _WRAPPERS - {"nullable"}:
        if "serialization" in core or core.get("root_model"):
            return None
        extra = core.get("config", {}).get("extra_fields_behavior", extra)
        core = core["schema"]
    if core["type"] not in _OBJECTS or "serialization" in core or core.get("computed_fields"):
        return None
    if "allow" in {core.get("extra_behavior"), core.get("config", {}).get("extra_fields_behavior", extra)}:
        return None
    listed = core["fields"]
    named = listed.items() if isinstance(listed, dict) else ((field["name"], field) for field in listed)
    fields = {}
    for name, field in named:
        if field.get("serialization_alias") or field.get("serialization_exclude"):
            return None
        fields[str(name)] = _kind(field["schema"])
    return fields or None


def _kind(core: Core | None) -> str:
    inner = _inner(core) if core else {"type": "any"}
    if "serialization" in inner:
        return "json"
    if inner["type"] == "literal":
        kinds = {_LITERALS.get(type(value), "json") for value in inner["expected"]}
        return kinds.pop() if len(kinds) == 1 else "json"
    if inner["type"] == "enum":
        return _SCALARS.get(inner.get("sub_type", ""), "json")
    return _SCALARS.get(inner["type"], "json")
