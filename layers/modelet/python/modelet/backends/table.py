"""Turn instances with named columns into matrices, for all tabular backends."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import cached_property
from itertools import chain
from math import ceil, floor
from operator import itemgetter
from sys import float_info
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.backends.outputs import Array
    from modelet.contract.contract import Contract
    from modelet.store.manifest import Column

PACKED = {np.float32: "f", np.float64: "d", np.int64: "q"}
"""The codes of `struct` for numpy's types, in the byte order of every machine that onnxruntime runs on.

In standard size, `struct` rejects a number outside a type's range; in native size it would not.
"""

EXACT = {np.float32: 2**24, np.float64: 2**53}
"""A floating type can represent every integer up to this one."""

FEW = 256
"""The most values that Python compares faster than numpy."""

PLAIN = frozenset({bool, int, float, type(None)})
"""Types that numpy may convert to numbers before they are verified; it would convert texts as well."""

TYPES: dict[str, set[type[Any]]] = {"number": {int, float}, "integer": {int}, "string": {str}, "boolean": {bool}}
"""The Python types of a column's validated values."""

BARE = (str, int, float, Enum, Decimal, type(None))
"""The types of an instance that is one bare value."""


def adapt_contract(model: Any, backend: type[Any], contract: Contract) -> Contract:
    """Return a contract whose instances are tuples, unless the author overrides a stage that sees the instances."""
    for stage in ("preprocess", "postprocess"):
        if not is_own(model, stage, backend):
            return contract
    return contract.as_tuples(model.manifest.features, _colons)


def is_own(model: Any, stage: str, backend: type[Any]) -> bool:
    """Return whether a stage of a model is the backend's own method, not one of the author's."""
    return getattr(getattr(model, stage), "__func__", None) is getattr(backend, stage)


def cells(instance: Any, features: Sequence[str], places: Sequence[int] = ()) -> Sequence[Any]:
    """Return an instance's values in the order of the features; an optional field that was left out is None.

    instance: a tuple (see `adapt_contract`), a mapping, an object with the fields as attributes, or the bare value of a
    single feature. `modelet bundle` has checked that each feature is a field of the contract. places: the indices of
    the features in a tuple that has more than these.
    """
    if type(instance) is tuple:
        return [instance[place] for place in places] if places else instance
    if isinstance(instance, dict | Mapping):  # checking for dict first is fast, and nearly all instances are dicts
        return [instance.get(name) for name in features]
    if len(features) == 1:  # a bare object of another type is rejected later, with its field
        return [instance if isinstance(instance, BARE) else getattr(instance, features[0], instance)]
    return [getattr(instance, name) for name in features]


def rows(
    instances: Sequence[Any], features: Sequence[str], columns: Sequence[Column] = (), places: Sequence[int] = ()
) -> list[Sequence[Any]]:
    """Return all features of all instances as plain values, with the values of enum members.

    columns: the version's columns. places: see `cells`. Raises ContractError with row and field of each value that its
    column rejects.
    """
    made = [cells(instance, features, places) for instance in instances]
    if any(issubclass(kind, Enum) for kind in set(map(type, chain.from_iterable(made)))):
        made = [[value.value if isinstance(value, Enum) else value for value in row] for row in made]
    known = {column.name: column for column in columns}
    if not known or all(_suits([row[place] for row in made], known.get(name)) for place, name in enumerate(features)):
        return made
    from modelet.backends.grid import checked  # noqa: PLC0415 - only for suspicious values

    return checked(made, features, [known.get(name) for name in features])


def matrix(
    instances: Sequence[Any], features: Sequence[str], dtype: type[Any] = np.float32, columns: Sequence[Column] = ()
) -> Array:
    """Return all features of all instances, shape (instances, features); None becomes NaN in a float matrix.

    Fractions may be rounded; no other value is changed. columns: the version's columns, with their types, bounds and
    categories. Raises ContractError with row and field of each value that the matrix cannot hold unchanged: a text or
    None for a number, a fraction for an integer, a number outside the dtype's range or a column's bounds, an integer
    that a float would round.
    """
    if dtype is object:
        return np.array(rows(instances, features, columns), dtype)
    return Packer(features, dtype, columns).pack(instances)


class Bounds(NamedTuple):
    """Bounds of an array's columns: numbers within them are valid, others need a closer check.

    low, high: the bounds of each column, in the array's type. whole: the indices of columns that reject fractions.
    nullable: the indices of columns that accept NaN.
    """

    low: Array
    high: Array
    whole: list[int]
    nullable: list[int]


class Packer:
    """Make one array of some features of instances, without changing a value silently.

    dtype: one of numpy's number types, or str for texts, which numpy stores as objects. among: all features of an
    instance, if `features` are some of them. proven: whether a contract that `modelet bundle` compared with the columns
    has validated the instances; then only the bounds that publish found are checked again.
    """

    def __init__(
        self, features: Sequence[str], dtype: type[Any], columns: Sequence[Column] = (), among: Sequence[str] = ()
    ) -> None:
        self._features = features
        self._places = [among.index(name) for name in features] if set(features) < set(among) else []
        self._whole = None if self._places else tuple
        self._width = len(features)
        self._dtype = dtype
        known = {column.name: column for column in columns}
        self._columns = [known.get(name) for name in features]
        self._is_reached = any(column is not None and column.found for column in self._columns)
        self._pack = struct.Struct(f"<{self._width}{PACKED.get(dtype, 'x')}").pack
        self._values = itemgetter(*features) if len(features) > 1 else None
        # A float may round an integer to its neighbour, which no contract prevents.
        self._is_exact = dtype not in EXACT or all(one is not None and one.type == "number" for one in self._columns)
        self.proven = False

    def pack(self, instances: Sequence[Any]) -> Array:
        """Return the array, shape (instances, features). Raises ContractError like `matrix`."""
        made = self._texts(instances) if self._dtype is str else self._numbers(instances)
        if made is not None:
            return made if self._is_certain(made) else self._verified(made, instances)
        values = self._rows(instances)
        kinds = set(map(type, chain.from_iterable(values)))
        if self._dtype is not str and kinds <= (PLAIN if self._dtype in EXACT else {bool, int}):
            try:
                with np.errstate(over="raise"):
                    return self._verified(np.array(values, dtype=self._dtype), instances)
            except (FloatingPointError, OverflowError):
                pass
        return self._one_by_one(values)

    def _numbers(self, instances: Sequence[Any]) -> Array | None:
        """Return the array if all values are numbers in their range, otherwise None; twice as fast as numpy."""
        pack = self._pack
        kind = type(instances[0]) if instances else dict
        try:
            if kind is self._whole:
                rows = [pack(*instance) for instance in instances]
            elif kind is not dict:
                rows = [pack(*cells(instance, self._features, self._places)) for instance in instances]
            elif (values := self._values) is None:
                name = self._features[0]
                rows = [pack(instance[name]) for instance in instances]
            else:
                rows = [pack(*values(instance)) for instance in instances]
        except (KeyError, TypeError, ValueError, struct.error, OverflowError):
            return None
        # A bytearray, so that the author's code can write to the array.
        return np.frombuffer(bytearray(b"".join(rows)), self._dtype).reshape(-1, self._width)

    def _texts(self, instances: Sequence[Any]) -> Array | None:
        """Return the array if all values are texts, otherwise None."""
        features = self._features
        kind = type(instances[0]) if instances else dict
        try:
            if kind is dict:
                values = [instance[name] for instance in instances for name in features]
            else:
                values = list(chain.from_iterable(cells(instance, features, self._places) for instance in instances))
        except (KeyError, TypeError):
            return None
        return np.array(values, object).reshape(-1, self._width) if set(map(type, values)) <= {str} else None

    def _is_certain(self, made: Array) -> bool:
        """Return whether a quick check finds all values valid; False is not certain."""
        if self.proven:
            if self._is_reached and not _is_within(made, self._nearest):
                return False
            return self._is_exact or _is_within(made, EXACT[self._dtype])
        if self._categories:
            return False
        if self._dtype is str:
            return True
        limits = self._limits
        return not limits.whole and bool((made >= limits.low).all() and (made <= limits.high).all())

    def _verified(self, made: Array, instances: Sequence[Any]) -> Array:
        """Return the array if no column rejects a value. Raises ContractError."""
        suspicious = np.zeros(made.shape, np.bool_)
        if self._dtype is not str:
            limits = self._limits
            with np.errstate(invalid="ignore"):
                suspicious |= ~((made >= limits.low) & (made <= limits.high))
                if limits.whole:  # a fraction may have been rounded to a whole number
                    given = np.array(self._rows(instances), np.float64)[:, limits.whole]
                    suspicious[:, limits.whole] |= given != np.rint(given)
            if limits.nullable:
                suspicious[:, limits.nullable] &= ~np.isnan(made[:, limits.nullable])
        for place, categories in self._categories.items():
            suspicious[:, place] |= [value not in categories for value in made[:, place].tolist()]
        return self._one_by_one(self._rows(instances)) if suspicious.any() else made

    def _rows(self, instances: Sequence[Any]) -> list[Sequence[Any]]:
        return rows(instances, self._features, places=self._places)

    def _one_by_one(self, values: list[Sequence[Any]]) -> Array:
        from modelet.backends.grid import array_of  # noqa: PLC0415 - only for suspicious values

        return array_of(values, self._features, self._columns, self._dtype)

    @cached_property
    def _nearest(self) -> float:
        """The distance from zero to the nearest bound that publish found; negative if zero is outside the bounds."""
        ends = [-one.minimum for one in self._columns if one and "minimum" in one.found and one.minimum is not None]
        ends += [one.maximum for one in self._columns if one and "maximum" in one.found and one.maximum is not None]
        return min(ends)

    @cached_property
    def _categories(self) -> dict[int, frozenset[Any]]:
        return {place: frozenset(one.categories) for place, one in enumerate(self._columns) if one and one.categories}

    @cached_property
    def _limits(self) -> Bounds:
        floating = self._dtype in EXACT
        most = float(np.finfo(self._dtype).max) if floating else 2**63 - 1
        low, high = [], []
        for one in self._columns:
            end = EXACT[self._dtype] - 1 if floating and (one is None or one.type != "number") else most
            least, greatest = (-end, end) if one is None else _ends(one, -end, end)
            low.append(least if floating else min(ceil(least), most))
            high.append(greatest if floating else max(floor(greatest), -most))
        dtype = self._dtype if floating else np.int64
        columns = list(enumerate(self._columns)) if floating else []
        return Bounds(
            low=np.array(low, dtype),
            high=np.array(high, dtype),
            whole=[place for place, one in columns if one is not None and one.type in {"integer", "boolean"}],
            nullable=[place for place, one in columns if one is None or one.nullable],
        )


def _is_within(made: Array, end: float) -> bool:
    """Return whether the absolute values of all numbers are less than `end`; may be False if one is NaN."""
    if made.size > FEW:
        return bool(made.max() < end and made.min() > -end)
    values = made.ravel().tolist()
    return bool(max(values) < end and min(values) > -end)


def _suits(values: list[Any], column: Column | None) -> bool:
    """Return whether all values are certainly valid for their column; if not, each needs a closer check."""
    if column is None:
        return True
    present = [value for value in values if value is not None] if column.nullable else values
    if not set(map(type, present)) <= TYPES[column.type]:
        return False
    if column.categories and not set(present) <= set(column.categories):
        return False
    if column.type == "string":
        return True
    low, high = _ends(column, -float_info.max, float_info.max)
    if column.type == "integer":
        low, high = max(low, -(2**63)), min(high, 2**63 - 1)
    return all(low <= value <= high for value in present)


def _ends(column: Column, low: float, high: float) -> tuple[float, float]:
    """Return the least and the greatest value that a column accepts, within `low` and `high`."""
    if column.type == "boolean":
        low, high = max(low, 0), min(high, 1)
    low = low if column.minimum is None else max(low, column.minimum)
    return low, high if column.maximum is None else min(high, column.maximum)


def _colons(text: bytes) -> int:
    if len(text) < 4096:  # for short texts, Python counts faster
        return text.count(b":")
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")))
