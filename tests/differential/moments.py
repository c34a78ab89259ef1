"""Steps that make numbers of datetimes and dates: the module of its own that an author's folder would have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import FunctionTransformer


def parts(frame: Any) -> Any:
    """Year, weekday, hour and second of a column of datetimes."""
    moments = frame.iloc[:, 0].dt
    found = (moments.year - 2000, moments.day_of_week, moments.hour, moments.second)
    return np.column_stack([part.fillna(-1) for part in found]).astype(float)


def days(frame: Any) -> Any:
    """Weekday, day and month of a column of Python's dates or datetimes."""
    found = [
        (-1, -1, -1) if pd.isna(value) else (value.weekday(), value.day, value.month) for value in frame.iloc[:, 0]
    ]
    return np.array(found, dtype=float).reshape(-1, 3)


def step(dtype: str) -> Any:
    """The step for a column of a dtype."""
    return FunctionTransformer(days if dtype == "object" else parts)
