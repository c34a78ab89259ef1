"""Compare the contract of a class with the columns that its version was published with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.columns import bounds_of
from modelet.dev.bundle.domain import Part, alternatives, definitions_of, parts_of
from modelet.dev.bundle.moments import is_aware
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.schema import Core
    from modelet.store.manifest import Column, Manifest

SHOWN = 3
"""The most fields that a message names."""
LISTED = 8
"""The most categories that a message lists."""
TYPES = {
    "number": "float",
    "integer": "int",
    "string": "str",
    "boolean": "bool",
    "datetime": "datetime",
    "date": "date",
}
PROVEN = {
    "number": "numbers",
    "integer": "whole numbers",
    "string": "texts",
    "boolean": "booleans",
    "datetime": "datetimes",
    "date": "dates",
}
APART = ("string", "datetime", "date")
"""The types whose values no other type has."""
RECORDS = {"typed-dict", "model", "dataclass", "named-tuple"}
FUNCTIONS = {"function-after", "function-wrap"}


@dataclass(frozen=True, slots=True)
class Record:
    """One form that an instance may have.

    fields: the values by the names that a backend reads, None if only the author's code knows them. aliases: field
    names by the names that requests use. made: names that the class defines itself, such as properties. title: the name
    of an instance without fields in messages.
    """

    fields: dict[str, list[Part]] | None
    title: str
    aliases: dict[str, str]
    made: frozenset[str] = frozenset()


def check_fields(app: str, manifest: Manifest, instance: Core) -> None:
    """Raise CommandError if the contract's fields are not the version's columns, or accept values outside of them.

    instance: the core schema that is served.
    """
    core, known = definitions_of(instance)
    columns = {column.name: _as_said(column) for column in manifest.columns}
    zones = {
        name: "aware" if is_aware(one.dtype) else "naive"
        for name, one in zip(manifest.features, manifest.frame, strict=False)
    }
    for record in _records(core, known, manifest.features):
        if record.fields is None:
            continue
        if not record.fields and manifest.features:
            raise CommandError(
                f"{app}: an instance may be {record.title}, but version {manifest.version} needs "
                f"{_listed(manifest.features)}: name these fields in a TypedDict or a class, or override preprocess"
            )
        _check_names(app, manifest, record)
        wide = []
        for name in manifest.features:
            column = columns.get(name)
            if column is None:
                continue
            parts = record.fields.get(name, ())
            misfits = [_misfit(part, column) or _other_zone(part, column, zones.get(name, "")) for part in parts]
            if reasons := [reason for reason in misfits if reason]:
                wide.append(f"{name} may be {reasons[0]} (write {name}: {_suggested(column)})")
        if wide:
            more = f" and {len(wide) - SHOWN} more" if len(wide) > SHOWN else ""
            raise CommandError(
                f"{app}: the contract accepts values that version {manifest.version} was not checked with: "
                f"{'; '.join(wide[:SHOWN])}{more}: narrow the fields, publish with examples that have such values, or "
                "override preprocess"
            )


def _check_names(app: str, manifest: Manifest, record: Record) -> None:
    fields = record.fields or {}
    missing = [name for name in manifest.features if name not in fields and name not in record.made]
    if not missing:
        return
    aliases = [f"{name} is an alias of {record.aliases[name]}" for name in missing if name in record.aliases]
    why = f" ({_listed(aliases)}: a backend reads a field by its own name)" if aliases else ""
    raise CommandError(
        f"{app}: version {manifest.version} was trained with {_listed(missing)}, which the contract lacks{why}: "
        "use these names for the fields (feature_names in train.py), or override preprocess"
    )


def _records(core: Core, known: dict[str, Core], features: tuple[str, ...]) -> Iterator[Record]:
    """Yield every form that an instance may have. features: the names of the items of a tuple, or of a single value."""
    for one, names in alternatives(core, known):
        kind = one["type"]
        if kind in RECORDS:
            yield _record(one, names)
        elif kind in FUNCTIONS and _is_record(one["schema"], names):
            yield from map(_opened, _records(one["schema"], names, features))
        elif kind == "nullable" and len(features) > 1:
            yield Record({}, "None", {})
        elif kind == "tuple" and "variadic_item_index" not in one and len(one["items_schema"]) == len(features):
            places = zip(features, one["items_schema"], strict=True)
            yield Record({name: list(parts_of(item, names)) for name, item in places}, "a tuple", {})
        else:
            yield _bare(one, names, features)


def _bare(core: Core, known: dict[str, Core], features: tuple[str, ...]) -> Record:
    """Return the record of an instance that is a single value, which can only be the value of one column."""
    parts = list(parts_of(core, known))
    if any(part.kind == "open" for part in parts):
        return Record(None, "", {})
    other = next((part for part in parts if part.kind == "other"), None)
    if len(features) != 1 or other is not None:
        return Record({}, (other or parts[0]).title, {})
    return Record({features[0]: parts}, parts[0].title, {})


def _is_record(core: Core, known: dict[str, Core]) -> bool:
    return any(
        _is_record(one["schema"], names) if one["type"] in FUNCTIONS else one["type"] in RECORDS
        for one, names in alternatives(core, known)
    )


def _opened(record: Record) -> Record:
    """Return a record after the author's code, which may have added, changed or rejected any value."""
    opened = [Part("open", "the result of one of your functions")]
    return Record(
        None if record.fields is None else dict.fromkeys(record.fields, opened),
        record.title,
        record.aliases,
        record.made,
    )


def _record(core: Core, known: dict[str, Core]) -> Record:
    cls = core.get("cls")
    title = cls.__name__ if isinstance(cls, type) else core["type"]
    made = frozenset(name for name in dir(cls) if isinstance(getattr(cls, name, None), property | cached_property))
    if core.get("root_model"):
        return Record({"root": list(parts_of(core["schema"], known))}, title, {}, made)
    inner, is_open = core, bool(core.get("post_init") or core.get("custom_init"))
    while inner["type"] in {"model", "dataclass", *FUNCTIONS}:
        is_open |= inner["type"] in FUNCTIONS
        [(inner, known)] = alternatives(inner["schema"], known)
    listed = inner["fields"]
    fields: dict[str, list[Part]] = {}
    aliases: dict[str, str] = {}
    named: list[tuple[str, Any]] = (
        list(listed.items()) if isinstance(listed, dict) else [(f["name"], f) for f in listed]
    )
    for name, field in named:
        if not field.get("init_only"):
            fields[name] = list(parts_of(field["schema"], known))
            if inner["type"] == "typed-dict" and not field.get("required", inner.get("total", True)):
                fields[name].append(Part("null", "left out"))
            aliases |= dict.fromkeys(_names(field.get("validation_alias")), name)
    record = Record(fields, title, aliases, made if inner["type"] != "typed-dict" else frozenset())
    return _opened(record) if is_open else record


def _names(alias: Any) -> list[str]:
    """Return the names that requests may use for a field."""
    if isinstance(alias, str):
        return [alias]
    return [part[0] for part in alias or () if isinstance(part, list) and part and isinstance(part[0], str)]


def _misfit(part: Part, column: Column) -> str | None:
    """Return how some values of a field differ from the column's examples, or None if all of them fit."""
    if part.kind in {"open", "null"}:
        return f"{part.title}, but every example has a value" if part.kind == "null" and not column.nullable else None
    if (values := part.values()) is not None:
        strange = [value for value in values if not _takes(column, value)]
        such = f", such as {strange[0]!r}" if strange and part.kind != "value" else ""
        return f"{part.title}{such}, but the examples have {_proven(column)}" if strange else None
    apart = part.kind in APART or column.type in APART
    unlike = part.kind == "other" or column.type == "boolean" or (apart and part.kind != column.type)
    if unlike or column.categories:
        return f"{part.title}, but the examples have {_proven(column)}"
    return _beyond(part, column) if part.kind not in APART else None


def _other_zone(part: Part, column: Column, zone: str) -> str | None:
    """Return how a field's datetimes differ if none of them fits the column. zone: "naive" or "aware"."""
    if part.kind != "datetime" or column.type != "datetime" or part.zone in {"", zone}:
        return None
    given, held = ("an", "no") if part.zone == "aware" else ("no", "an")
    return f"{part.title} with {given} offset, but the examples have {held} offset"


def _as_said(column: Column) -> Column:
    """Return a column without the bounds that publish found, because values outside them are rejected per request."""
    low, high = (None if name in column.found else getattr(column, name) for name in ("minimum", "maximum"))
    return column._replace(minimum=low, maximum=high)


def _proven(column: Column) -> str:
    if column.categories:
        return "only certain categories"
    kind = PROVEN[column.type]
    low = "" if column.minimum is None else f" from {column.minimum:g}"
    return f"{kind}{low}" + ("" if column.maximum is None else f" up to {column.maximum:g}")


def _beyond(part: Part, column: Column) -> str | None:
    if column.type == "integer" and not part.is_whole:
        return f"{part.title}, but the examples have whole numbers"
    if not part.is_finite and not column.nullable:
        return f"{part.title} that is NaN, but no example is NaN"
    below = column.minimum is not None and part.low < column.minimum
    above = column.maximum is not None and part.high > column.maximum
    return f"{part.title} outside the bounds, but the examples have {_proven(column)}" if below or above else None


def _takes(column: Column, value: Any) -> bool:
    """Return whether a value fits a column's examples."""
    if column.categories:
        return value in column.categories
    if isinstance(value, str) or column.type == "string":
        return isinstance(value, str) and column.type == "string"
    if not isinstance(value, int | float) or column.type in APART:
        return False
    is_kind = value in {0, 1} if column.type == "boolean" else column.type == "number" or value == int(value)
    low, high = column.minimum, column.maximum
    return is_kind and (low is None or value >= low) and (high is None or value <= high)


def _suggested(column: Column) -> str:
    """Return the type that fits a column's examples, as an author would write it."""
    kind = TYPES[column.type]
    if column.categories:
        more = ", …" if len(column.categories) > LISTED else ""
        kind = f"Literal[{', '.join(map(repr, column.categories[:LISTED]))}{more}]"
    elif column.minimum is not None or column.maximum is not None:
        bounds = zip(("Ge", "Le"), bounds_of(column), strict=True)
        kind = f"Annotated[{kind}, {', '.join(f'{name}({end:.17g})' for name, end in bounds if end is not None)}]"
    return f"{kind} | None" if column.nullable else kind


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
