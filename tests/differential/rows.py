"""Rows: what requests say of the columns, at their edges, beyond them, missing, unseen, and of another type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from differential.case import Case
from differential.columns import PHRASES, Chance
from differential.contracts import Row
from differential.draws import drawn
from modelet.store.manifest import Column

PROPER, STRANGE = 90, 20
"""Rows that the columns allow, most of them, and rows with one value that they seldom do."""

MIDDLES = 12
"""About how many thresholds of a column are tried."""

ABSENT = object()
"""The column is not in the row at all."""

LARGEST = float(np.finfo(np.float32).max)
EXACT = 2**24
"""Beyond it float32 does not hold every whole number."""

UNSEEN = ("", "unseen", "RED", "red ", " green", "처음", "2139", "nan", "None", "é", "a" * 60)
UNSEEN_TEXTS = (
    "",
    "greaté product",
    "great\uff12 bad",
    "İt was",
    "good\u3000bad",
    "GOOD great",
    "별로예요은 great",
    "so  good \t bad",
    "don't it's",
    "_good_ bad-great",
    "\u017ftraße good",
    "very" * 30,
    "12 good 3.4",
    "naïve café",
)
STRANGERS: dict[str, tuple[Any, ...]] = {
    "number": (None, ABSENT, "1.5", "word", True, 1e39, -1e300, 10**400, [1], 2**53 + 1),
    "integer": (None, ABSENT, 35.9, 2.0, "3", True, EXACT + 1, 2**31, 2**53 + 1, 10**19, 10**400, 1e39, -0.5),
    "string": (None, ABSENT, 1, 1.5, True, "unseen", ["red"]),
    "boolean": (None, ABSENT, 1, 0, 2, "true", "yes", 0.5),
    "datetime": (None, ABSENT, "2026-02-30", 0, "20260131", "soon", "2026-01-31T24:00:00", 1.5, True, ["2026-01-31"]),
    "date": (None, ABSENT, "2026-02-30", 0, "20260131", "soon", "2026-01-31T09:30:00", 1.5, True, ["2026-01-31"]),
}
"""What seldom belongs in a column of each type."""


def rows_for(case: Case, manifest_columns: Sequence[Column]) -> list[Row]:
    """Rows of a case, the same for its seed."""
    chance = np.random.default_rng(case.seed)
    names = [column.name for column in manifest_columns]
    seen = case.plan.held_out.rows
    drawn_values = drawn(st.tuples(*(_more(column) for column in manifest_columns)), case.seed)
    pools = [
        [*_edges(column, [row[place] for row in seen]), *drawn_values[place], *_beside(case, column, place)]
        for place, column in enumerate(manifest_columns)
    ]
    rows = [_proper(chance, names, seen, pools) for _ in range(PROPER)]
    for index in range(STRANGE):
        row = dict(zip(names, seen[index % len(seen)], strict=True))
        place = index % len(names)
        strangers = STRANGERS[manifest_columns[place].type]
        value = strangers[(index // len(names)) % len(strangers)]
        rows.append({name: row[name] if name != names[place] else value for name in names})
    return [{name: value for name, value in row.items() if value is not ABSENT} for row in rows]


def is_within(column: Column, value: Any) -> bool:
    """Whether a value is one that the version's column allows, for a graph and for scikit-learn alike."""
    if value is None:
        return column.nullable
    if column.categories is not None and value not in column.categories:
        return False
    if column.type in {"string", "boolean"}:
        return isinstance(value, str if column.type == "string" else bool)
    if column.type in {"datetime", "date"}:
        return isinstance(value, str) and _is_iso(value, column.type)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    most = EXACT if column.type == "integer" else LARGEST
    low = -most if column.minimum is None else column.minimum
    high = most if column.maximum is None else column.maximum
    return low <= value <= high and (column.type == "number" or value == math.floor(value))


def _is_iso(text: str, kind: str) -> bool:
    """Whether a text is a datetime or a date in the long form of ISO 8601."""
    length = 10 if kind == "date" else 19
    if not (text[4:5] == text[7:8] == "-" and len(text.removesuffix("Z")) == length):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _moments(column: Column, present: Sequence[str]) -> list[Any]:
    """Moments that were seen, the ones beside them, and some at the ends of months and years."""
    zone = "Z" if present[0].endswith("Z") else ""
    length = 10 if column.type == "date" else 19
    beside = [
        (datetime.fromisoformat(text.removesuffix("Z")) + step).isoformat()[:length] + zone
        for text in present[:5]
        for step in (timedelta(days=1), timedelta(seconds=1), timedelta(days=-181, hours=7))
    ]
    ends = ("2000-02-29T23:59:59", "1970-01-01T00:00:00", "1999-12-31T23:59:59", "2100-03-01T00:00:00")
    return [*present[:10], *beside, *(end[:length] + zone for end in ends)]


def _proper(chance: Chance, names: Sequence[str], seen: Sequence[Sequence[Any]], pools: list[list[Any]]) -> Row:
    """A held-out row with none, one or all of its values replaced."""
    row = list(seen[int(chance.integers(len(seen)))])
    changed: tuple[Sequence[int], ...] = ([], [int(chance.integers(len(row)))], range(len(row)))
    for place in changed[int(chance.integers(3))]:
        row[place] = pools[place][int(chance.integers(len(pools[place])))]
    return dict(zip(names, row, strict=True))


def _edges(column: Column, seen: Sequence[Any]) -> list[Any]:
    """The values at a column's edges and beyond, those of a column without bounds far beyond."""
    present = [value for value in seen if value is not None]
    missing = [None, ABSENT] if column.nullable else []
    if column.type == "boolean":
        return [True, False, *missing]
    if column.categories is not None:
        return [*column.categories, *missing]
    if column.type in {"datetime", "date"}:
        return [*_moments(column, present), *missing]
    if column.type == "string":
        return [*present[:10], *(UNSEEN_TEXTS if any(" " in each for each in present) else UNSEEN), *missing]
    low, high = min(present), max(present)
    width = (high - low) or 1
    found = [low, high, 0, -low, low - width, high + width, (low + high) / 2, 10 * high, -10 * high, 1000 * high]
    found += [np.nextafter(np.float32(value), np.float32(np.inf)).item() for value in present[:3]]
    found += [column.minimum, column.maximum] if column.minimum is not None else [1e6, -1e6, 1e12]
    if column.type == "integer":
        found = [round(value) for value in found if abs(value) < EXACT]
    return [*(value for value in found if is_within(column, value)), *missing]


def _beside(case: Case, column: Column, place: int) -> list[Any]:
    """The middles between values that were trained on, where thresholds lie, and the doubles next to them."""
    if column.type != "number" or column.categories is not None:
        return []
    trained = np.unique([row[place] for row in case.plan.table.rows if row[place] is not None]).astype(np.float64)
    middles = ((trained[:-1] + trained[1:]) / 2)[:: 1 + len(trained) // MIDDLES]
    found = np.concatenate([middles, np.nextafter(middles, -np.inf), np.nextafter(middles, np.inf)])
    return [value for value in found.tolist() if is_within(column, value)]


def _more(column: Column) -> st.SearchStrategy[list[Any]]:
    """Values of Hypothesis's own choice."""
    one: st.SearchStrategy[Any]
    if column.categories is not None:
        one = st.sampled_from(column.categories)
    elif column.type == "string":
        words = st.lists(st.sampled_from(PHRASES) | st.text(max_size=6), min_size=1, max_size=6)
        one = words.map(" ".join)
    elif column.type == "boolean":
        one = st.booleans()
    elif column.type in {"datetime", "date"}:
        return st.just([])
    elif column.type == "integer":
        least = -EXACT if column.minimum is None else int(column.minimum)
        one = st.integers(least, EXACT if column.maximum is None else int(column.maximum))
    else:
        one = st.floats(
            -1e4 if column.minimum is None else column.minimum, 1e4 if column.maximum is None else column.maximum
        )
    return st.lists(one.filter(_is_sayable), min_size=3, max_size=8)


def _is_sayable(value: Any) -> bool:
    """Whether UTF-8 can carry it."""
    return not isinstance(value, str) or not any("\ud800" <= letter <= "\udfff" for letter in value)
