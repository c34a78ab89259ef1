"""Tables: the rows that an estimator is fitted on, and any other rows in the very form in which it takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from differential.columns import Chance, ColumnKind

Layout = Literal["texts", "array", "frame"]
Cells = Sequence[Any]
"""One row's plain values, None for what is missing."""


@dataclass(frozen=True)
class Table:
    """Some rows.

    dtype: that of an array. dtypes: those of a frame's columns, with the categories that were seen.
    """

    layout: Layout
    names: tuple[str, ...]
    kinds: tuple[ColumnKind, ...]
    rows: list[Cells]
    dtypes: tuple[Any, ...]
    dtype: str

    @classmethod
    def made(
        cls, layout: Layout, names: Sequence[str], kinds: Sequence[ColumnKind], count: int, chance: Chance, dtype: str
    ) -> Table:
        """A table of so many rows."""
        columns = [kind.cells(chance, count) for kind in kinds]
        dtypes = [
            pd.CategoricalDtype(sorted({*cells} - {None})) if kind.dtype == "category" else kind.dtype
            for kind, cells in zip(kinds, columns, strict=True)
        ]
        rows: list[Cells] = [list(cells) for cells in zip(*columns, strict=True)]
        return cls(layout, tuple(names), tuple(kinds), rows, tuple(dtypes), dtype)

    def part(self, places: slice) -> Table:
        """Some of its rows."""
        return replace(self, rows=self.rows[places])

    @property
    def data(self) -> Any:
        """All rows as the estimator takes them."""
        return self.given(self.rows)

    def given(self, rows: Sequence[Cells]) -> Any:
        """Rows as the estimator takes them: texts, an array or a frame.

        A column whose dtype would change a value has the one that pandas gives such values.
        Raises what numpy and pandas raise for values that no dtype holds.
        """
        if self.layout == "texts":
            return [row[0] for row in rows]
        if self.layout == "array":
            return _array(rows, self.dtype)
        columns = zip(self.names, self.kinds, self.dtypes, zip(*rows, strict=True), strict=True)
        return pd.DataFrame(
            {
                name: _moments(list(cells), kind.role, kind.dtype)
                if kind.role in {"moment", "day"}
                else _series(list(cells), dtype)
                for name, kind, dtype, cells in columns
            }
        )


def _array(rows: Sequence[Cells], dtype: str) -> Any:
    plain = [[math.nan if value is None else value for value in row] for row in rows]
    if any(isinstance(value, str) for row in plain for value in row):
        return np.array(plain, dtype=object)
    made = np.array(plain, dtype=np.float64)
    if np.dtype(dtype).kind == "f":
        return made.astype(dtype)
    whole = made.astype(dtype)
    return whole if (whole == made).all() else made


def _moments(cells: list[Any], role: str, dtype: str) -> Any:
    """Texts of a request as datetimes or dates. Raises ValueError for what is neither."""
    if not all(value is None or isinstance(value, str) for value in cells):
        raise ValueError("not a text")
    read = date.fromisoformat if role == "day" else datetime.fromisoformat
    made = [None if value is None else read(value) for value in cells]
    if dtype == "object":
        return pd.Series(made, dtype=object)
    if "," not in dtype:
        return pd.Series(made, dtype=dtype)
    return pd.Series(pd.to_datetime(made, utc=True)).astype(dtype)


def _series(cells: list[Any], dtype: Any) -> Any:
    try:
        made = pd.Series(cells, dtype=dtype)
    except (TypeError, ValueError, OverflowError):
        return pd.Series(cells)
    kept = [None if pd.isna(value) else value for value in made.tolist()]
    same = all(
        one == other and isinstance(one, str) == isinstance(other, str) for one, other in zip(kept, cells, strict=True)
    )
    return made if same or dtype == "float32" else pd.Series(cells)
