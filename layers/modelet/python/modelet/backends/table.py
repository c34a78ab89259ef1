"""From named columns to matrices: what every tabular backend does with instances."""

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
"""How `struct` writes numpy's types, in the byte order of every machine that onnxruntime runs on.

Of standard size, it refuses a number beyond a type's range, as we do; of native size it would not.
"""

EXACT = {np.float32: 2**24, np.float64: 2**53}
"""Up to here each whole number has a value of its own in a floating type."""

FEW = 256
"""Values that Python compares sooner than numpy does."""

PLAIN = frozenset({bool, int, float, type(None)})
"""Of these numpy makes numbers, which then are verified; of texts, say, it would too."""

TYPES: dict[str, set[type[Any]]] = {"number": {int, float}, "integer": {int}, "string": {str}, "boolean": {bool}}
"""What the values of a column are as a contract gives them."""

BARE = (str, int, float, Enum, Decimal, type(None))
"""What a contract of one bare value may give."""


def own_contract(model: Any, backend: type[Any], contract: Contract) -> Contract:
    """The contract as a backend's model reads it best: as tuples, unless the author's own stages see the instances."""
    for stage in ("preprocess", "postprocess"):
        if not is_own(model, stage, backend):
            return contract
    return contract.as_tuples(model.manifest.features, _colons)


def is_own(model: Any, stage: str, backend: type[Any]) -> bool:
    """Whether a stage of a model is the backend's own: no author has changed it."""
    return getattr(getattr(model, stage), "__func__", None) is getattr(backend, stage)


def cells(instance: Any, features: Sequence[str], places: Sequence[int] = ()) -> Sequence[Any]:
    """An instance's values in the order of the features; an optional field that was left out is None.

    instance: a tuple (see `own_contract`), a mapping, an object with the fields as attributes, or the bare value of a
    single feature. That each feature is a field of the contract is certain since the bundle was made. places: of the
    features in a tuple, where it holds more than these.
    """
    if type(instance) is tuple:
        return [instance[place] for place in places] if places else instance
    if isinstance(instance, dict | Mapping):  # an instance is a dict nearly always, and that is asked fast
        return [instance.get(name) for name in features]
    if len(features) == 1 and isinstance(instance, BARE):
        return [instance]
    return [getattr(instance, name) for name in features]


def rows(
    instances: Sequence[Any], features: Sequence[str], columns: Sequence[Column] = (), places: Sequence[int] = ()
) -> list[Sequence[Any]]:
    """All features of all instances as plain values: a model was fitted on what an enum's members stand for.

    columns: the version's; a value that its column does not take is refused with its row and field. places: see
    `cells`. Raises ContractError.
    """
    made = [cells(instance, features, places) for instance in instances]
    if any(issubclass(kind, Enum) for kind in set(map(type, chain.from_iterable(made)))):
        made = [[value.value if isinstance(value, Enum) else value for value in row] for row in made]
    known = {column.name: column for column in columns}
    if not known or all(_suits([row[place] for row in made], known.get(name)) for place, name in enumerate(features)):
        return made
    from modelet.backends.grid import checked  # noqa: PLC0415 - only values that look wrong are looked at one by one

    return checked(made, features, [known.get(name) for name in features])


def matrix(
    instances: Sequence[Any], features: Sequence[str], dtype: type[Any] = np.float32, columns: Sequence[Column] = ()
) -> Array:
    """All features of all instances, shape (instances, features); None becomes NaN in a float matrix.

    Nothing else is changed on its way but by rounding a fraction. columns: the version's, of which types, bounds and
    categories hold. Raises ContractError naming the row and the field of each value that the matrix cannot take as it
    is: a text or None for a number, a fraction for a whole number, a number beyond the dtype's range or beyond a
    column's bounds, a whole number that a float would round.
    """
    if dtype is object:
        return np.array(rows(instances, features, columns), dtype)
    return Packer(features, dtype, columns).pack(instances)


class Bounds(NamedTuple):
    """What is certainly right in the columns of an array of numbers; what is beyond may be all the same.

    low, high: of each column, in the array's type. whole: the places of those that take no fraction. nullable: of those
    that take NaN.
    """

    low: Array
    high: Array
    whole: list[int]
    nullable: list[int]


class Packer:
    """Makes one array of some features of instances, and lets no value change in silence.

    dtype: one of numpy's numbers, or str for texts, which numpy keeps as objects. among: all features of an instance,
    where these are some of them. proven: instances come as a contract checked them that was held against the columns
    when the function was bundled, so that only the bounds that publish found need be looked at again.
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
        # In a float a whole number may become its neighbour: no contract asks that it does not.
        self._is_exact = dtype not in EXACT or all(one is not None and one.type == "number" for one in self._columns)
        self.proven = False

    def pack(self, instances: Sequence[Any]) -> Array:
        """The array, shape (instances, features). Raises ContractError as `matrix` does."""
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
        """The array where all values are numbers in their range, as nearly always: numpy takes twice as long."""
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
        # A bytearray, so that the author's code may write to it.
        return np.frombuffer(bytearray(b"".join(rows)), self._dtype).reshape(-1, self._width)

    def _texts(self, instances: Sequence[Any]) -> Array | None:
        """The array where all values are texts."""
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
        """Whether no column can have anything against its values, as is soon seen of most."""
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
        """The array itself, where no column refuses a value of it."""
        strange = np.zeros(made.shape, np.bool_)
        if self._dtype is not str:
            limits = self._limits
            with np.errstate(invalid="ignore"):
                strange |= ~((made >= limits.low) & (made <= limits.high))
                if limits.whole:  # a fraction may have been rounded to a whole number
                    given = np.array(self._rows(instances), np.float64)[:, limits.whole]
                    strange[:, limits.whole] |= given != np.rint(given)
            if limits.nullable:
                strange[:, limits.nullable] &= ~np.isnan(made[:, limits.nullable])
        for place, categories in self._categories.items():
            strange[:, place] |= [value not in categories for value in made[:, place].tolist()]
        return self._one_by_one(self._rows(instances)) if strange.any() else made

    def _rows(self, instances: Sequence[Any]) -> list[Sequence[Any]]:
        return rows(instances, self._features, places=self._places)

    def _one_by_one(self, values: list[Sequence[Any]]) -> Array:
        from modelet.backends.grid import array_of  # noqa: PLC0415 - only values that look wrong need it

        return array_of(values, self._features, self._columns, self._dtype)

    @cached_property
    def _nearest(self) -> float:
        """What is smaller in size is within all bounds that publish found; negative where zero is beyond one."""
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
    """Whether all numbers are less than an end in size; not where a missing one makes that hard to tell."""
    if made.size > FEW:
        return bool(made.max() < end and made.min() > -end)
    values = made.ravel().tolist()
    return bool(max(values) < end and min(values) > -end)


def _suits(values: list[Any], column: Column | None) -> bool:
    """Whether values are certainly right for their column as they are; else each must be looked at."""
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
    """The least and the greatest value that a column takes, within two ends."""
    if column.type == "boolean":
        low, high = max(low, 0), min(high, 1)
    low = low if column.minimum is None else max(low, column.minimum)
    return low, high if column.maximum is None else min(high, column.maximum)


def _colons(text: bytes) -> int:
    if len(text) < 4096:  # below, Python counts faster
        return text.count(b":")
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")))
