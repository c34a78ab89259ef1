"""Read instances: as JSON with the contract's core schema, and faster if the contract is flat.

All readers accept the same instances. A reader finds out only whether all instances are valid, and that costs no more
for bad instances than for valid ones (`brief`); `diagnosis` then finds the violations of each one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from modelet.contract.brief import MISSING, UnknownFieldError, brief, has_union
from modelet.contract.flat import are_countable, fields_of
from modelet.contract.schema import SchemaValidator, ValidationError, around, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import CoreSchema

    from modelet.contract.schema import Core

    Colons = Callable[[bytes], int]
    """A function that counts the colons in a text."""


def list_of(core: Core) -> Core:
    """Return the core schema of a list of values."""
    return {"type": "list", "items_schema": core}


def validator(core: Core) -> SchemaValidator:
    """Return a validator for exactly this core schema."""
    # A class has a prebuilt validator and serializer, made before `tighten`: build from the schema instead.
    return SchemaValidator(cast("CoreSchema", core), _use_prebuilt=False)


def reader_of(core: Core) -> Reader:
    """Return the fastest reader for a contract's instances."""
    fields = fields_of(core)
    if fields is None:
        return Reader(core)
    return FlatReader(core, fields)


def _read(schema: SchemaValidator, body: bytes) -> Any:
    try:
        return schema.validate_json(body)
    except UnknownFieldError:
        raise ValidationError.from_exception_data("body", []) from None


TRUSTED, TRUSTED_UNION = 262_144, 8_192
"""Bytes up to which any body may be validated in one pass; the second is for contracts with unions.

In a larger body, one instance may have a value of megabytes, and pydantic-core copies it for each schema that rejects
it.
"""


class Reader:
    """Read instances of any type."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._prepare()

    def _prepare(self) -> None:
        """Build the validators at the start, so that a wrong schema fails the init and not a request."""
        _ = self._envelope

    @cached_property
    def _envelope(self) -> SchemaValidator:
        return validator(brief(around(self._core, _envelope_of)))

    @cached_property
    def _one(self) -> SchemaValidator:
        return validator(brief(self._core))

    @cached_property
    def _trusted(self) -> int:
        return TRUSTED_UNION if has_union(self._core) else TRUSTED

    def may_be_expensive(self, body: bytes) -> bool:
        """Return whether rejecting this body might cost more than answering one of its size."""
        return len(body) > self._trusted

    def one(self, body: bytes) -> Any:
        """Read a bare instance as JSON. Raises ValidationError."""
        return _read(self._one, body)

    def envelope(self, body: bytes) -> list[Any]:
        """Read the instances of `{"instances": [...]}`. Raises ValidationError unless all of it is valid."""
        instances: list[Any] = _read(self._envelope, body)["instances"]
        return instances

    def columns(self, columns: Mapping[str, list[Any]]) -> list[Any]:
        """Read instances given as columns of JSON scalars, one value per instance. Raises ValidationError."""
        return self.envelope(b'{"instances":%b}' % to_json(as_rows(columns)))

    def as_tuples(self, _features: Sequence[str], _colons: Colons) -> Reader:
        """Return a reader that reads instances as tuples of the features, if the contract allows it; otherwise self."""
        return self


class FlatReader(Reader):
    """Read flat objects, whose scalars can be validated as JSON text or as Python values."""

    def __init__(self, core: Core, fields: Mapping[str, Core], colons: Colons | None = None) -> None:
        super().__init__(core)
        self._fields = fields
        self._colons = colons or _colons
        self._width = len(fields)
        self._is_countable = are_countable(core, fields)

    def _prepare(self) -> None:
        """Build nothing yet: schemas of scalars are always correct, and most functions need few of the validators."""

    @cached_property
    def _rows(self) -> SchemaValidator:
        return validator(brief(list_of(self._core), stops=False))

    def may_be_expensive(self, body: bytes) -> bool:
        """Return whether rejecting this body might cost more than answering; a body of flat objects never does."""
        if not super().may_be_expensive(body):
            return False
        return not (self._is_countable and _is_flat(body, self._width, self._colons(body)))

    def columns(self, columns: Mapping[str, list[Any]]) -> list[Any]:
        """Read instances given as columns, without converting them to text."""
        rows: list[Any] = self._rows.validate_python(as_rows(columns))
        return rows

    def as_tuples(self, features: Sequence[str], colons: Colons) -> Reader:
        """Return a reader of tuples if all features are fields and the number of colons reveals further fields."""
        known = len(set(features)) == len(features) and self._fields.keys() >= set(features)
        return TupleReader(self._core, self._fields, features, colons) if known and self._is_countable else self


class TupleReader(FlatReader):
    """Read flat objects as tuples of a model's features, without building a dict.

    If the number of colons reveals further fields, these may be duplicate keys, which are no error: then the instances
    are read as dicts.
    """

    def __init__(self, core: Core, fields: Mapping[str, Core], features: Sequence[str], colons: Colons) -> None:
        super().__init__(core, fields, colons)
        self._names = set(fields)
        self._order = [*features, *(name for name in fields if name not in features)]
        self._features = len(features)
        parameters = [
            {
                "name": name,
                "schema": {"type": "default", "schema": fields[name], "default": MISSING, "validate_default": True},
                "mode": "positional_or_keyword" if name in features else "keyword_only",
            }
            for name in self._order
        ]
        row = {"type": "arguments-v3", "arguments_schema": parameters, "extra_behavior": "ignore"}
        self._open_one, self._open_envelope = validator(row), validator(brief(_envelope_of(row)))
        self._values = {"type": "tuple", "items_schema": [fields[name] for name in self._order]}

    @cached_property
    def _tuples(self) -> SchemaValidator:
        return validator(brief(list_of(self._values)))

    def one(self, body: bytes) -> Any:
        """Read a bare instance as a tuple of the features."""
        instance, _ = self._open_one.validate_json(body)
        return instance if body.count(b":") == self._width else super().one(body)

    def envelope(self, body: bytes) -> list[Any]:
        """Read the instances as tuples of the features."""
        instances = [instance for instance, _ in _read(self._open_envelope, body)["instances"]]
        return instances if self._colons(body) == 1 + self._width * len(instances) else super().envelope(body)

    def columns(self, columns: Mapping[str, list[Any]]) -> list[Any]:
        """Read instances given as columns, as tuples of the features."""
        if columns.keys() != self._names:
            return super().columns(columns)
        rows = zip(*(columns[name] for name in self._order), strict=True)
        instances: list[Any] = self._tuples.validate_python(list(rows))
        return instances if self._features == self._width else [row[: self._features] for row in instances]


def as_rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return columns as dicts, one per row."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _colons(body: bytes) -> int:
    return body.count(b":")


def _is_flat(body: bytes, width: int, colons: int) -> bool:
    """Return whether a body may be flat objects of `width` fields, bare or in the one list of an envelope."""
    lists, objects = body.count(b"["), body.count(b"{")
    return lists == (b'"instances"' in body) and colons == lists + width * (objects - lists)


def _envelope_of(core: Core) -> Core:
    member = {"type": "typed-dict-field", "schema": list_of(core), "required": True}
    return {"type": "typed-dict", "fields": {"instances": member}, "extra_behavior": "forbid"}
