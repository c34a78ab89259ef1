"""The contract of a class, held against what its version was proven with: the fields and the columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.columns import bounds_of
from modelet.dev.bundle.domain import Part, alternatives, definitions_of, parts_of
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.schema import Core
    from modelet.store.manifest import Column, Manifest

SHOWN = 3
"""How many fields a message names."""
LISTED = 8
"""How many categories a message lists."""
TYPES = {"number": "float", "integer": "int", "string": "str", "boolean": "bool"}
RECORDS = {"typed-dict", "model", "dataclass", "named-tuple"}
FUNCTIONS = {"function-after", "function-wrap"}


@dataclass(frozen=True, slots=True)
class Record:
    """What an instance may be.

    fields: what it has by the names that a backend reads, None where only the author's code tells. aliases: fields'
    names by those that requests have for them. made: names that the class makes itself, as properties are. title: what
    to call an instance that has no fields.
    """

    fields: dict[str, list[Part]] | None
    title: str
    aliases: dict[str, str]
    made: frozenset[str] = frozenset()


def check_fields(app: str, manifest: Manifest, instance: Core) -> None:
    """Refuse a contract whose fields are not the version's columns, or take more than the columns were proven with.

    instance: the core schema as it is served. Raises CommandError with the remedy.
    """
    core, known = definitions_of(instance)
    columns = {column.name: _as_said(column) for column in manifest.columns}
    for record in _records(core, known, manifest.features):
        if record.fields is None:
            continue
        if not record.fields and manifest.features:
            raise CommandError(
                f"{app}: an instance may be {record.title}, but version {manifest.version} reads "
                f"{_listed(manifest.features)}: name fields in a TypedDict or a class, or override preprocess"
            )
        _check_names(app, manifest, record)
        wide = []
        for name in manifest.features:
            column = columns.get(name)
            misfits = [_misfit(part, column) for part in record.fields.get(name, ())] if column else []
            if column and (reasons := [reason for reason in misfits if reason]):
                wide.append(f"{name} may be {reasons[0]} (write {name}: {_suggested(column)})")
        if wide:
            more = f" and {len(wide) - SHOWN} more" if len(wide) > SHOWN else ""
            raise CommandError(
                f"{app}: the contract takes what version {manifest.version} was not proven with: "
                f"{'; '.join(wide[:SHOWN])}{more}: narrow the fields, publish with examples that hold such values, or "
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
        f"{app}: version {manifest.version} was trained on {_listed(missing)}, which the contract does not have{why}: "
        "give the fields those names (feature_names in train.py), or override preprocess"
    )


def _records(core: Core, known: dict[str, Core], features: tuple[str, ...]) -> Iterator[Record]:
    """All that an instance may be. features: the names of what stands in a tuple, or alone."""
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
    """An instance that is one value, which can stand for one column only."""
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
    """A record after code of its author's, which may have filled, changed or refused any value."""
    opened = [Part("open", "what a function of yours returns")]
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
    """The names that requests may have for a field."""
    if isinstance(alias, str):
        return [alias]
    return [part[0] for part in alias or () if isinstance(part, list) and part and isinstance(part[0], str)]


def _misfit(part: Part, column: Column) -> str | None:
    """How some values of a field differ from all that its column was proven with; None where none do."""
    if part.kind in {"open", "null"}:
        return f"{part.title}, and no example lacked it" if part.kind == "null" and not column.nullable else None
    if (values := part.values()) is not None:
        strange = [value for value in values if not _takes(column, value)]
        such = f", such as {strange[0]!r}" if strange and part.kind != "value" else ""
        return f"{part.title}{such}, and the examples hold {_proven(column)}" if strange else None
    unlike = part.kind == "other" or (part.kind == "string") != (column.type == "string") or column.type == "boolean"
    if unlike or column.categories:
        return f"{part.title}, and the examples hold {_proven(column)}"
    return _beyond(part, column) if part.kind != "string" else None


def _as_said(column: Column) -> Column:
    """A column without the bounds that publish found: what lies beyond is refused when it is asked."""
    low, high = (None if name in column.found else getattr(column, name) for name in ("minimum", "maximum"))
    return column._replace(minimum=low, maximum=high)


def _proven(column: Column) -> str:
    if column.categories:
        return "certain categories only"
    kind = {"number": "numbers", "integer": "whole numbers", "string": "texts", "boolean": "booleans"}[column.type]
    low = "" if column.minimum is None else f" from {column.minimum:g}"
    return f"{kind}{low}" + ("" if column.maximum is None else f" up to {column.maximum:g}")


def _beyond(part: Part, column: Column) -> str | None:
    if column.type == "integer" and not part.is_whole:
        return f"{part.title}, and the examples hold whole numbers"
    if not part.is_finite and not column.nullable:
        return f"{part.title} that is NaN, and no example was"
    below = column.minimum is not None and part.low < column.minimum
    above = column.maximum is not None and part.high > column.maximum
    return f"{part.title} beyond its bounds, and the examples hold {_proven(column)}" if below or above else None


def _takes(column: Column, value: Any) -> bool:
    """Whether a column was proven with a value."""
    if column.categories:
        return value in column.categories
    if isinstance(value, str) or column.type == "string":
        return isinstance(value, str) and column.type == "string"
    if not isinstance(value, int | float):
        return False
    is_kind = value in {0, 1} if column.type == "boolean" else column.type == "number" or value == int(value)
    low, high = column.minimum, column.maximum
    return is_kind and (low is None or value >= low) and (high is None or value <= high)


def _suggested(column: Column) -> str:
    """The type that takes what a column was proven with, as an author would write it."""
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
