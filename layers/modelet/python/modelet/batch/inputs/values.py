"""Arrow's values as JSON values."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
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
_LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list)


def is_readable(kind: Any) -> bool:
    """Return whether values of an Arrow type have a JSON form; bytes and durations have none."""
    if types.is_dictionary(kind) or any(is_list(kind) for is_list in _LISTS):
        return is_readable(kind.value_type)
    if types.is_struct(kind):
        return all(is_readable(field.type) for field in kind)
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


def values_of(array: Any) -> list[Any]:
    """Return an Arrow array as JSON values, null as None.

    Whole numbers, floats (float32 as exactly the same number), booleans and texts stay what they are. NaN stays NaN, so
    that the contract decides about it. A decimal becomes the nearest float, or a whole number if it has no digits after
    the point, as JSON would have it. Dates and times become ISO texts, those with a time zone in UTC. Lists, structs
    and maps become lists and dicts.
    """
    kind = array.type
    if types.is_dictionary(kind):
        return values_of(array.dictionary_decode())
    if types.is_integer(kind) or types.is_floating(kind):
        return _numbers(array)
    if types.is_timestamp(kind):
        return _moments(array)
    values: list[Any] = array.to_pylist(maps_as_pydicts="strict") if types.is_nested(kind) else array.to_pylist()
    if types.is_decimal(kind) or types.is_temporal(kind) or types.is_nested(kind):
        return [_json(value) for value in values]
    return values


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


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    return value
