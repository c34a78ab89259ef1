"""Record the pandas dtypes of the examples' columns, so that a function can build the same DataFrames from requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.frame import guessed
from modelet.dev.publish.parity.predictions import differences, estimator_answers
from modelet.dev.publish.source.fitted import Known, known_columns
from modelet.dev.publish.source.rows import is_frame, is_missing
from modelet.store.manifest import FrameColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.publish.source.rows import Rows
    from modelet.store.manifest import Column

MASKED = {"boolean", "Float32", "Float64", *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))}
"""pandas' own dtypes of numbers, which represent a missing value as NA."""

MARKS = {"NAType": "NA", "NaTType": "NaT", "datetime64": "NaT"}
"""The marks of missing values by the names of their classes."""

ASKED = 200
"""The number of rows for the test whether an estimator needs the names of columns."""


def frame_of(rows: Rows, estimator: Any) -> tuple[FrameColumn, ...]:
    """Return one record for each column of a DataFrame; empty for other examples, and if an array works as well.

    A dtype that does not fit all values of its column (an integer cannot be missing) is widened as in pandas.
    """
    if not is_frame(rows.data) or _takes_arrays(estimator, rows):
        return ()
    known = known_columns(estimator, rows.features)
    return tuple(
        _recorded(column, rows.column(place), known.get(column.name, Known()).categories)
        for place, column in enumerate(rows.columns)
    )


def _takes_arrays(estimator: Any, rows: Rows) -> bool:
    """Return whether an estimator without recorded column names predicts the same for an array of numbers.

    The image then needs no pandas.
    """
    if rows.layout != "matrix" or hasattr(estimator, "feature_names_in_") or hasattr(estimator, "n_features_in_"):
        return False
    some = rows.take(rows.spread(ASKED))
    try:
        array = replace(some, data=some.data.to_numpy(dtype=np.float64, na_value=np.nan))
        of_array, of_frame = estimator_answers(estimator, array), estimator_answers(estimator, some)
    except Exception:  # noqa: BLE001 - the estimator rejects the array, which answers the question
        return False
    return of_array.numbers.shape == of_frame.numbers.shape and not differences(of_frame, of_array, 0.0).wrong.any()


def _recorded(column: Column, values: Any, known: Sequence[Any]) -> FrameColumn:
    import pandas as pd

    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        held = dtype.categories
        categories = tuple(value.item() if isinstance(value, np.generic) else value for value in held)
        return FrameColumn("category", "nan", categories, str(held.dtype), bool(dtype.ordered))
    if isinstance(dtype, pd.StringDtype):
        if dtype.na_value is not pd.NA:
            return FrameColumn(str(dtype), "nan")
        # An image need not have pyarrow: "string" uses it only if it is there.
        return FrameColumn("string[python]" if dtype.storage == "python" else "string", "NA")
    if dtype.kind == "M":
        return FrameColumn(str(dtype), "NaT")
    if pd.api.types.is_object_dtype(dtype):
        return FrameColumn("object", _marker([*known, *values]))
    return _of_numbers(column, dtype)


def _of_numbers(column: Column, dtype: Any) -> FrameColumn:
    whole = dtype.kind in "iu"
    if str(dtype) in MASKED:
        return FrameColumn("Float64" if whole and column.type == "number" else str(dtype), "NA")
    if not isinstance(dtype, np.dtype):
        return guessed(column)
    if whole and (column.nullable or column.type == "number"):
        return FrameColumn("float64")
    return guessed(column) if dtype.kind == "b" else FrameColumn(str(dtype))


def _marker(values: Sequence[Any]) -> str:
    """Return the value for missing cells: the one in the fitted encoder, or the first one in the examples."""
    for value in values:
        if is_missing(value):
            if value is None:
                return "None"
            return "nan" if isinstance(value, float) else MARKS[type(value).__name__]
    return "None"
