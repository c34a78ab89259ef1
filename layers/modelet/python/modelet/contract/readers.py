"""How instances are read: as JSON under the contract's core schema, and faster where the contract is flat.

What is accepted is the same everywhere. A reader only says whether all instances are good, at no more cost than if they
were (`brief`); what is wrong with one is found by looking at each alone (`diagnosis`).
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
    """Counts the colons in a text."""


def list_of(core: Core) -> Core:
    """A core schema of a list of values."""
    return {"type": "list", "items_schema": core}


def validator(core: Core) -> SchemaValidator:
    """A validator of a core schema as it is."""
    # A class brings a validator and a serializer made before the contract was tightened: build from the schema instead.
    return SchemaValidator(cast("CoreSchema", core), _use_prebuilt=False)


def reader_of(core: Core) -> Reader:
    """The best reader of a contract's instances."""
    fields = fields_of(core)
    if fields is None:
        return Reader(core)
    return FlatReader(core, fields)


def _read(reading: SchemaValidator, body: bytes) -> Any:
    try:
        return reading.validate_json(body)
    except UnknownFieldError:
        raise ValidationError.from_exception_data("body", []) from None


TRUSTED, TRUSTED_UNION = 262_144, 8_192
"""Bytes up to which any body may be read at once, and where unions try several schemas on one value.

In a larger one, one instance may hold a value of megabytes, of which pydantic-core makes a copy for each schema that
refuses it.
"""


class Reader:
    """Reads instances of any type."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._prepare()

    def _prepare(self) -> None:
        """Make what requests need, so that a schema which cannot be built fails the start and not a request."""
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

    def is_doubtful(self, body: bytes) -> bool:
        """Whether to refuse this body might cost more than to answer one of its size, by what its bytes tell."""
        return len(body) > self._trusted

    def one(self, body: bytes) -> Any:
        """A bare instance as JSON. Raises ValidationError."""
        return _read(self._one, body)

    def envelope(self, body: bytes) -> list[Any]:
        """The instances of `{"instances": [...]}`. Raises ValidationError unless it is right in every part."""
        instances: list[Any] = _read(self._envelope, body)["instances"]
        return instances

    def columns(self, columns: Mapping[str, list[Any]]) -> list[Any]:
        """Instances whose fields came as lists of JSON scalars, one value an instance. Raises ValidationError."""
        return self.envelope(b'{"instances":%b}' % to_json(as_rows(columns)))

    def as_tuples(self, _features: Sequence[str], _colons: Colons) -> Reader:
        """A reader that gives instances as tuples of some features, where the contract is such that this is faster."""
        return self


class FlatReader(Reader):
    """Reads flat objects: their scalars mean the same as JSON and as Python values, and need no way over a text."""

    def __init__(self, core: Core, fields: Mapping[str, Core], colons: Colons | None = None) -> None:
        super().__init__(core)
        self._fields = fields
        self._colons = colons or _colons
        self._width = len(fields)
        self._is_countable = are_countable(core, fields)

    def _prepare(self) -> None:
        """Nothing: schemas of scalars can always be built, and many starts need few of these validators."""

    @cached_property
    def _rows(self) -> SchemaValidator:
        return validator(brief(list_of(self._core), ends=False))

    def is_doubtful(self, body: bytes) -> bool:
        """Not where the body is flat: among good objects are as many colons as fields, and nothing else is nested."""
        if not super().is_doubtful(body):
            return False
        return not (self._is_countable and _is_flat(body, self._width, self._colons(body)))

    def columns(self, columns: Mapping[str, list[Any]]) -> list[Any]:
        """Instances whose fields came as lists, without a text between."""
        rows: list[Any] = self._rows.validate_python(as_rows(columns))
        return rows

    def as_tuples(self, features: Sequence[str], colons: Colons) -> Reader:
        """A reader of tuples, where the features are fields and colons tell whether there are further fields."""
        known = len(set(features)) == len(features) and self._fields.keys() >= set(features)
        return TupleReader(self._core, self._fields, features, colons) if known and self._is_countable else self


class TupleReader(FlatReader):
    """Reads flat objects as tuples of the features that a model asks for: no object is built, and none taken apart.

    Where colons tell that there are further fields, they may be in keys written twice, which are nobody's error: then
    the instances are objects.
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
        """A bare instance as a tuple of the features."""
        instance, _ = self._open_one.validate_json(body)
        return instance if body.count(b":") == self._width else super().one(body)

    def envelope(self, body: bytes) -> list[Any]:
        """The instances as tuples of the features."""
        instances = [instance for instance, _ in _read(self._open_envelope, body)["instances"]]
        return instances if self._colons(body) == 1 + self._width * len(instances) else super().envelope(body)

    def columns(self, columns: Mapping[str, list[Any]]) -> list[Any]:
        """Instances whose fields came as lists, as tuples of the features."""
        if columns.keys() != self._names:
            return super().columns(columns)
        rows = zip(*(columns[name] for name in self._order), strict=True)
        instances: list[Any] = self._tuples.validate_python(list(rows))
        return instances if self._features == self._width else [row[: self._features] for row in instances]


def as_rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Columns as objects, one for each place."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _colons(body: bytes) -> int:
    return body.count(b":")


def _is_flat(body: bytes, width: int, colons: int) -> bool:
    """Whether a body may be good objects of so many scalars, bare or in the one list of an envelope."""
    lists, objects = body.count(b"["), body.count(b"{")
    return lists == (b'"instances"' in body) and colons == lists + width * (objects - lists)


def _envelope_of(core: Core) -> Core:
    member = {"type": "typed-dict-field", "schema": list_of(core), "required": True}
    return {"type": "typed-dict", "fields": {"instances": member}, "extra_behavior": "forbid"}
