"""Arrow's values as JSON values."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types

_SCALARS = (
    types.is_null,
    types.is_boolean,
    types.is_integer,
    types.is_floating,
    types.is_decimal,
    types.is_date,
    types.is_time,
    types.is_timestamp,
    types.is_string,
    types.is_large_string,
    types.is_string_view,
)
UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, pa.ArrowException)
"""What pyarrow and Python raise for values that they cannot convert."""
_LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list)


def is_readable(kind: Any) -> bool:
    """Return whether values of an Arrow type have a JSON form; bytes and durations have none.

    Nor has a struct with two fields of one name.
    """
    if types.is_dictionary(kind) or any(is_list(kind) for is_list in _LISTS):
        return is_readable(kind.value_type)
    if types.is_struct(kind):
        names = {field.name for field in kind}
        return len(names) == kind.num_fields and all(is_readable(field.type) for field in kind)
    if types.is_map(kind):
        return types.is_string(kind.key_type) and is_readable(kind.item_type)
    return any(bool(is_scalar(kind)) for is_scalar in _SCALARS)


def is_nested(kind: Any) -> bool:
    """Return whether values of an Arrow type are lists or objects."""
    return bool(types.is_nested(kind))


def can_be_key(kind: Any) -> bool:
    """Return whether values of an Arrow type can identify a row: texts, whole numbers and dates."""
    if types.is_dictionary(kind):
        return can_be_key(kind.value_type)
    is_whole = types.is_integer(kind) or (types.is_decimal(kind) and kind.scale <= 0)
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(is_whole or is_text or types.is_date(kind))


def values_and_reasons(array: Any) -> tuple[list[Any], dict[int, str]]:
    """Return an Arrow array as JSON values, and by its place the reason of each that cannot be read, which is None."""
    try:
        return values_of(array), {}
    except UNREADABLE:
        return _one_by_one(array)


def _one_by_one(array: Any) -> tuple[list[Any], dict[int, str]]:
    values: list[Any] = []
    reasons: dict[int, str] = {}
    for place in range(len(array)):
        try:
            values += values_of(array.slice(place, 1))
        except UNREADABLE as error:
            values.append(None)
            reasons[place] = _reason(error)
    return values, reasons


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8: write texts as UTF-8"
    line = str(error).partition("\n")[0]
    return f"cannot be read ({line:.200}): write it as a text or a number"


def values_of(array: Any) -> list[Any]:
    """Return an Arrow array as JSON values, null as None. Raises one of UNREADABLE if some value has no such form.

    Whole numbers, floats (float32 as exactly the same number), booleans and texts stay what they are. NaN stays NaN, so
    that the contract decides about it. A decimal becomes the nearest float, or a whole number if it has no digits after
    the point, as JSON would have it. Dates and times become ISO texts, those with a time zone in UTC. Lists, structs
    and maps become lists and dicts; of a key that a map has twice, the last value counts, as in JSON Lines.
    """
    kind = array.type
    if types.is_dictionary(kind):
        return values_of(array.dictionary_decode())
    if types.is_integer(kind) or types.is_floating(kind):
        return _numbers(array)
    if types.is_timestamp(kind):
        return _moments(array)
    if types.is_time(kind):
        return _times(array)
    if types.is_nested(kind):
        return _nested(array)
    values: list[Any] = array.to_pylist()
    return [_json(value) for value in values] if types.is_decimal(kind) or types.is_date(kind) else values


def _nested(array: Any) -> list[Any]:
    """Return lists, structs or maps, whose members are converted as a column is."""
    kind = array.type
    if types.is_map(kind):
        pair = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
        maps = _nested(array.cast(pa.list_(pair)))
        return [None if pairs is None else {each["key"]: each["value"] for each in pairs} for pairs in maps]
    if types.is_struct(kind):
        names = [field.name for field in kind]
        columns = [values_of(column) for column in array.flatten()]
        is_there = array.is_valid().to_pylist()
        rows = zip(*columns, strict=True) if columns else [()] * len(array)
        return [dict(zip(names, row, strict=True)) if here else None for row, here in zip(rows, is_there, strict=True)]
    members = iter(values_of(array.flatten()))
    lengths = array.value_lengths().to_pylist()
    return [None if length is None else list(islice(members, length)) for length in lengths]


def _numbers(array: Any) -> list[Any]:
    """Return numbers through numpy, which takes a tenth of the time."""
    if not array.null_count:
        plain: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
        return plain
    values: list[Any] = array.fill_null(0).to_numpy(zero_copy_only=False).tolist()
    for place in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
        values[place] = None
    return values


def _moments(array: Any) -> list[Any]:
    """Return timestamps in ISO form: to the microsecond, or to the nanosecond if some have such a part."""
    kind = array.type
    if kind.tz is not None:
        array = array.cast(pa.timestamp(kind.unit, "UTC"))
    if kind.unit == "ns":
        try:
            array = array.cast(pa.timestamp("us", array.type.tz))
        except pa.ArrowInvalid:
            return [text and text.replace(" ", "T") for text in array.cast(pa.string()).to_pylist()]
    return [_json(value) for value in array.to_pylist()]


def _times(array: Any) -> list[Any]:
    """Return times of a day in ISO form: to the microsecond, or to the nanosecond if some have such a part."""
    texts: list[Any] = array.cast(pa.string()).to_pylist()
    if any(text and not text[0].isdigit() for text in texts):
        raise ValueError("not a time of a day")
    if array.type.unit == "ns":
        try:
            array = array.cast(pa.time64("us"))
        except pa.ArrowInvalid:
            return texts
    return [_json(value) for value in array.to_pylist()]


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value
