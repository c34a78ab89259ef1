"""Contracts: the kinds of classes that an author writes over a version's columns, as the source of an app.py.

A new kind is one line of KINDS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from modelet.backends import BACKENDS
from modelet.store.manifest import Column, Manifest

Style = Literal["typed", "model", "dataclass", "generated"]
Row = dict[str, Any]
"""What a request says of each column, by the column's name; a column may be absent."""

SCALARS = {
    "number": "float",
    "integer": "int",
    "string": "str",
    "boolean": "bool",
    "datetime": "datetime",
    "date": "date",
}


@dataclass(frozen=True)
class Field:
    """One column as the contract says it.

    wire: its name in a request. written: its type in Python's words. optional: whether it may be left out.
    refuses: which values the author's own words refuse, of those that the column allows.
    """

    column: Column
    wire: str
    written: str
    optional: bool
    refuses: Callable[[Any], bool] = lambda _value: False


@dataclass(frozen=True)
class ContractKind:
    """A kind of contract.

    changed: what it makes of an exact field; None for no class at all. may_be_refused: whether bundling may refuse it,
    since it says more than the version proved. is_identifier_only: whether it can only name fields by identifiers.
    """

    name: str
    style: Style = "typed"
    changed: Callable[[Field], Field] | None = lambda field: field
    may_be_refused: bool = False
    drops_label: bool = False

    def fields(self, manifest: Manifest) -> list[Field]:
        """The fields in the order of the columns."""
        if self.changed is None:
            return [_exact(column) for column in manifest.columns]
        return [self.changed(_exact(column)) for column in manifest.columns]

    def fits(self, manifest: Manifest) -> bool:
        """Whether its style can name the columns."""
        if self.style == "typed" or self.changed is None:
            return True
        names = [column.name for column in manifest.columns]
        return all(name.isidentifier() and name not in {"class", "copy"} for name in names)

    def source(self, manifest: Manifest, backend: str) -> str | None:
        """The text of an app.py; None where the folder has none."""
        if self.changed is None:
            return None
        base = BACKENDS[backend].model.partition(":")[2]
        fields = self.fields(manifest)
        return "\n".join(
            [
                HEAD,
                f"from modelet.backends.{backend} import {base}",
                *_instance(self.style, fields),
                *_prediction(manifest, self.drops_label),
                f"class Served({base}[Instance, Prediction]):",
                "    pass",
                "handler = ModelHandler(Served)",
                "",
            ]
        )


HEAD = """from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from annotated_types import Ge, Le, MaxLen
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from typing_extensions import NotRequired, TypedDict
from modelet import ModelHandler"""


def _exact(column: Column) -> Field:
    written = f"Literal[{', '.join(map(repr, column.categories))}]" if column.categories else SCALARS[column.type]
    bounds = [f"Ge({column.minimum!r})"] * (column.minimum is not None)
    bounds += [f"Le({column.maximum!r})"] * (column.maximum is not None)
    if bounds and not column.categories:
        written = f"Annotated[{written}, {', '.join(bounds)}]"
    return Field(column, column.name, f"{written} | None" if column.nullable else written, column.nullable)


def _bounded(field: Field) -> Field:
    if field.column.type not in {"number", "integer"} or field.column.categories:
        return field
    low = -1 if field.column.minimum is None else field.column.minimum
    high = 30 if field.column.maximum is None else math.floor((field.column.maximum + low) / 2)
    kind = f"Annotated[{SCALARS[field.column.type]}, Ge({low!r}), Le({high!r})]"
    written = f"{kind} | None" if field.column.nullable else kind
    return replace(
        field, written=written, refuses=lambda value: isinstance(value, int | float) and not low <= value <= high
    )


def _whole(field: Field) -> Field:
    """Whole numbers where the column takes any: narrower than what was proved."""
    if field.column.type != "number" or field.column.minimum is not None:
        return field
    written = "int | None" if field.column.nullable else "int"
    return replace(field, written=written, refuses=lambda value: isinstance(value, float) and value % 1 != 0)


def _short(field: Field) -> Field:
    if field.column.type != "string" or field.column.categories:
        return field
    written = "Annotated[str, MaxLen(4)]"
    return replace(
        field,
        written=f"{written} | None" if field.column.nullable else written,
        refuses=lambda value: isinstance(value, str) and len(value) > 4,
    )


def _required(field: Field) -> Field:
    """Nothing may be missing, whatever was proved."""
    return replace(
        field, written=field.written.removesuffix(" | None"), optional=False, refuses=lambda value: value is None
    )


def _nullable(field: Field) -> Field:
    return replace(field, written=f"{field.written.removesuffix(' | None')} | None", optional=True)


def _instead(types: dict[str, str]) -> Callable[[Field], Field]:
    """Other types, by the column's own; a text instead of a number refuses every number."""

    def changed(field: Field) -> Field:
        written = types.get(field.column.type)
        if written is None or field.column.categories:
            return field
        refuses = (lambda _value: True) if written == "str" else field.refuses
        return replace(field, written=f"{written} | None" if field.column.nullable else written, refuses=refuses)

    return changed


def _aliased(field: Field) -> Field:
    wire = f"{field.column.name}-given"
    return replace(field, wire=wire, written=f"Annotated[{field.written}, Field(alias={wire!r})]")


def _camel(field: Field) -> Field:
    from pydantic.alias_generators import to_camel

    return replace(field, wire=to_camel(field.column.name))


KINDS: tuple[ContractKind, ...] = (
    ContractKind("columns", changed=None),
    ContractKind("typed dict"),
    ContractKind("model", "model"),
    ContractKind("dataclass", "dataclass"),
    ContractKind("bounded", changed=_bounded),
    ContractKind("bounded model", "model", _bounded),
    ContractKind("whole numbers", changed=_whole),
    ContractKind("short texts", "model", _short),
    ContractKind("nothing missing", changed=_required),
    ContractKind("aliases", "model", _aliased),
    ContractKind("alias generator", "generated", _camel),
    ContractKind("aliases of a typed dict", "typed", _aliased, may_be_refused=True),
    ContractKind("aliases of a dataclass", "dataclass", _aliased, may_be_refused=True),
    ContractKind("all optional", changed=_nullable, may_be_refused=True),
    ContractKind("all optional, a model", "model", _nullable, may_be_refused=True),
    ContractKind("float for whole numbers", changed=_instead({"integer": "float"}), may_be_refused=True),
    ContractKind("either number", changed=_instead({"integer": "int | float"}), may_be_refused=True),
    ContractKind("decimal", "model", _instead({"number": "Decimal", "integer": "Decimal"}), may_be_refused=True),
    ContractKind("number or text", "model", _instead({"string": "int | str"}), may_be_refused=True),
    ContractKind("anything", "model", _instead(dict.fromkeys(SCALARS, "Any")), may_be_refused=True),
    ContractKind("text for numbers", changed=_instead({"number": "str", "integer": "str"}), may_be_refused=True),
    ContractKind("number for flags", changed=_instead({"boolean": "int"}), may_be_refused=True),
    ContractKind("unbounded", changed=_instead(SCALARS), may_be_refused=True),
    ContractKind("a label too few", may_be_refused=True, drops_label=True),
)
"""Every kind; the first has no class."""


def wire_row(fields: Sequence[Field], row: Row) -> Row:
    """A row as a request of the contract says it; Decimals are written as numbers."""
    return {field.wire: row[field.column.name] for field in fields if field.column.name in row}


def _instance(style: Style, fields: Sequence[Field]) -> list[str]:
    if style == "typed":
        members = [
            f"{field.column.name!r}: " + (f"NotRequired[{field.written}]" if field.optional else field.written)
            for field in fields
        ]
        return [f"Instance = TypedDict('Instance', {{{', '.join(members)}}})"]
    head = {"model": "class Instance(BaseModel):", "generated": "class Instance(BaseModel):"}
    lines = [head[style]] if style in head else ["@dataclass", "class Instance:"]
    if style == "generated":
        lines.append("    model_config = ConfigDict(alias_generator=to_camel)")
    # A dataclass wants its fields with defaults last; columns are found by their names.
    ordered = sorted(fields, key=lambda field: field.optional) if style == "dataclass" else fields
    lines += [f"    {field.column.name}: {field.written}" + (" = None" if field.optional else "") for field in ordered]
    return lines


def _prediction(manifest: Manifest, drops_label: bool) -> list[str]:
    info = manifest.model_info
    labels = list(info.get("labels") or ())
    if info.get("task") == "regression":
        return ["Prediction = list[float]" if (manifest.answer or {}).get("targets") else "Prediction = float"]
    if info.get("task") != "classification" or not labels:
        return ["Prediction = Any"]
    known = ", ".join(map(repr, labels[1:] if drops_label and len(labels) > 1 else labels))
    outputs = (manifest.answer or {})["outputs"]
    more = {"probabilities": ["    probability: float"], "scores": ["    score: float"]}
    return ["class Prediction(TypedDict):", f"    label: Literal[{known}]", *more.get(outputs[-1], [])]
