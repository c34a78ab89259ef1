"""Edge cases: generated rows that requests may contain but held-out rows seldom do. They are the same on every run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.table import EXACT
from modelet.dev.publish.parity.neighbours import has_neighbours, tied
from modelet.dev.publish.parity.texts import texts_like
from modelet.dev.publish.parity.thresholds import threshold_values
from modelet.dev.publish.source.parts import vectorizers
from modelet.dev.publish.source.rows import is_frame, is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelet.dev.publish.source.rows import Rows
    from modelet.store.manifest import Column

GENERATED = 4000
"""The approximate maximum of generated rows of numbers; with many columns, some rows are left out."""

BETWEEN = 300
"""How many rows are drawn at random around the examples; as many again have ends and middles in half their values."""

SEARCHED = 5000
"""How many such rows of either kind are searched for nearest neighbours that tie."""

BASES = 3
"""How many examples each generated value is put into."""

SHRUNK = tuple(10.0**-power for power in (1, 2, 4, 6, 8, 10, 12, 14, 15, 16, 17, 18, 20, 24, 30, 36))
"""The factors by which an example's numbers shrink; single precision ends soon after the last."""

ALONE = 10
"""Approximately how many columns shrink alone at each factor."""

LARGEST = 3e38
"""Near the maximum of float32."""

LARGEST_DOUBLE = 1.7e308
"""Near the maximum of double precision."""

EDGES = 9
"""How many edges a number has, its two ends first. At the middle, the distances to examples that are flags all tie."""

WHOLE = 2**53
"""Integers beyond this are not exact in JSON."""


def probes(estimator: Any, rows: Rows, *, collapsed: bool = False) -> Rows:
    """Return rows at the edges of what the columns allow, made from the examples.

    Numbers: the minimum, the maximum, zero, their negatives, one range beyond either end, and the thresholds of trees
    with the next number on either side; in a column with bounds, only values within them. Missing values in nullable
    columns. Texts, also in text columns: see `texts_like`. Then the edges of all columns at once, and random numbers
    around the examples. `reach` finds out how far beyond that numbers may go. collapsed: whether texts come without
    runs of white space.
    """
    if rows.layout == "text":
        return replace(rows, data=texts_like(rows.data, keeps_spaces=not collapsed))
    thresholds = {
        place: [round(value) for value in values] if rows.columns[place].type == "integer" else values
        for place, values in threshold_values(estimator, rows).items()
    }
    values = {
        place: [
            value
            for value in _distinct(
                [
                    *edges(column, rows.column(place), _most(rows, column), collapsed=collapsed),
                    *thresholds.get(place, []),
                ]
            )
            if is_allowed(rows, place, value)
        ]
        for place, column in enumerate(rows.columns)
    }
    split = {place for place, column in enumerate(rows.columns) if vectorizers(estimator) and _is_text(column)}
    cells = [(place, value) for place, found in values.items() if place not in split for value in found]
    cells = cells[:: 1 + len(cells) // GENERATED]
    bases = [len(rows) * base // BASES for base in range(min(BASES, max(1, GENERATED // max(1, len(cells)))))]
    # Each value starts at another example, because few examples reach a threshold deep in a tree.
    changes = [((base + k) % len(rows), {place: value}) for base in bases for k, (place, value) in enumerate(cells)]
    # Texts that are split into tokens are never left out; each is put into one example.
    changes += [(bases[k % len(bases)], {place: text}) for place in split for k, text in enumerate(values[place])]
    changes += [(0, at_once) for at_once in _at_once(rows) if at_once]
    changes += _towards_zero(rows)
    return changed(rows, [*changes, *_drawn(rows, BETWEEN), *_tied(estimator, rows)])


def edges(column: Column, observed: Any, whole: int = WHOLE, *, collapsed: bool = False) -> list[Any]:
    """Return the values at the edges of one column and of its bounds; some may be beyond the bounds.

    whole: the largest integer that a request may contain. collapsed: see `probes`.
    """
    missing = [None] if column.nullable else []
    if column.categories:
        return [*column.categories, *missing]
    if column.type == "boolean":
        return [False, True, *missing]
    if column.type == "string":
        known = [value for value in observed if not is_missing(value)]
        return [*texts_like(known, keeps_spaces=not collapsed), *missing]
    low, high = seen_ends(column, observed)
    width = (high - low) or max(abs(high), 1.0)
    found = [low, high, 0.0, -low, -high, low - width, high + width, low + width / 3, low + width / 2]
    if column.type == "integer":
        least, most = _whole_ends(observed, whole)
        return [*(min(max(round(value), least), most) for value in found), *missing]
    return [*found, *missing]


def _at_once(rows: Rows) -> list[dict[int, Any]]:
    """Return changes to all columns at once, for values that add up or cancel out across columns.

    All columns at the same edge, at opposite ends in turn, and all missing.
    """
    found = {
        place: edges(column, rows.column(place), _most(rows, column))
        for place, column in enumerate(rows.columns)
        if column.type in {"number", "integer"} and not column.categories
    }
    turns = [*((edge, edge) for edge in range(EDGES)), (0, 1), (1, 0)]
    changes = [{place: values[turn[k % 2]] for k, (place, values) in enumerate(found.items())} for turn in turns]
    changes = [{place: value for place, value in each.items() if is_allowed(rows, place, value)} for each in changes]
    return [*changes, {place: None for place, column in enumerate(rows.columns) if column.nullable}]


def _towards_zero(rows: Rows) -> list[tuple[int, dict[int, Any]]]:
    """Return changes that shrink an example's numbers, all at once and some alone: what counts as zero may differ.

    The values are rounded to the graph's input type.
    """
    changes: list[tuple[int, dict[int, Any]]] = []
    for step, factor in enumerate(SHRUNK):
        base = step % len(rows)
        small = {
            place: shrunk
            for place, column in enumerate(rows.columns)
            if column.type == "number" and not column.categories
            if not is_missing(value := rows.column(place)[base])
            if is_allowed(rows, place, shrunk := float(rows.input_type(column)(float(value) * factor)))
        }
        alone = [{place: small[place]} for place in list(small)[:: 1 + len(small) // ALONE]]
        changes += [(base, change) for change in (small, *alone) if change]
    return changes


def _tied(estimator: Any, rows: Rows) -> list[tuple[int, dict[int, Any]]]:
    """Return changes that give rows with tied nearest neighbours, if the estimator uses neighbours."""
    if not has_neighbours(estimator):
        return []
    drawn = _drawn(rows, SEARCHED)
    return [drawn[place] for place in tied(estimator, changed(rows, drawn))[:BETWEEN]] if drawn else []


def _drawn(rows: Rows, count: int) -> list[tuple[int, dict[int, Any]]]:
    """Return changes to all columns of numbers: any values between the ends and somewhat beyond, in any combination.

    Then as many changes in which about half the values are an end or the middle: near the middle of a column of flags,
    distances tie whatever the other columns contain.
    """
    chance = np.random.default_rng(0)
    values: dict[int, list[Any]] = {}
    for place, column in enumerate(rows.columns):
        if column.type not in {"number", "integer"} or column.categories:
            continue
        observed = rows.column(place)
        drawn = chance.uniform(*around(column, observed), 2 * count)
        low, high = seen_ends(column, observed)
        marked = np.arange(2 * count) >= count
        marked &= chance.random(2 * count) < 0.5
        drawn[marked] = chance.choice([low, high, low + (high - low) / 2], marked.sum())
        values[place] = [round(value) for value in drawn.tolist()] if column.type == "integer" else drawn.tolist()
    if not values:
        return []
    bases = chance.integers(len(rows), size=2 * count).tolist()
    drawn_rows = ({place: found[index] for place, found in values.items()} for index in range(2 * count))
    return [
        (base, {place: value for place, value in drawn.items() if is_allowed(rows, place, value)})
        for base, drawn in zip(bases, drawn_rows, strict=True)
    ]


def _is_text(column: Column) -> bool:
    return column.type == "string" and not column.categories


def seen_ends(column: Column, observed: Any) -> tuple[float, float]:
    """Return the minimum and maximum: the column's bounds, or else the examples', within the range of float32."""
    seen = np.asarray([value for value in observed if not is_missing(value)], dtype=np.float64)
    low = column.minimum if column.minimum is not None else float(seen.min(initial=np.inf))
    high = column.maximum if column.maximum is not None else float(seen.max(initial=-np.inf))
    if not np.isfinite([low, high]).all():
        return 0.0, 0.0
    return max(low, -LARGEST), min(high, LARGEST)


def _most(rows: Rows, column: Column) -> int:
    """Return the largest integer that a request may contain: the last that the graph's input does not round."""
    return EXACT.get(rows.input_type(column), WHOLE)


def largest(rows: Rows, place: int) -> float:
    """Return a number near the maximum of the type of the graph's input for a column."""
    return LARGEST_DOUBLE if rows.input_type(rows.columns[place]) is np.float64 else LARGEST


def around(column: Column, observed: Any) -> tuple[float, float]:
    """Return the ends of values that are tried in any combination: the examples' ends, and half the range beyond."""
    low, high = seen_ends(column, observed)
    margin = ((high - low) or max(abs(high), 1.0)) / 2
    return low - margin, high + margin


def limits(rows: Rows, place: int) -> tuple[int, int]:
    """Return the smallest and the largest integer that an integer column can hold and a request may contain."""
    return _whole_ends(rows.column(place), _most(rows, rows.columns[place]))


def _whole_ends(observed: Any, whole: int) -> tuple[int, int]:
    kind = getattr(observed.dtype, "numpy_dtype", observed.dtype)
    held = np.iinfo(kind) if kind.kind in "iu" else np.iinfo(np.int64)
    return max(int(held.min), -whole), min(int(held.max), whole)


def is_allowed(rows: Rows, place: int, value: Any) -> bool:
    """Return whether a value is within a column's bounds and type: requests contain no others."""
    column = rows.columns[place]
    if value is None or isinstance(value, str | bool):
        return True
    end = largest(rows, place)
    least, most = limits(rows, place) if column.type == "integer" else (-end, end)
    if not least <= value <= most:
        return False
    above = column.minimum is None or value >= column.minimum
    return above and (column.maximum is None or value <= column.maximum)


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def changed(rows: Rows, changes: Sequence[tuple[int, Mapping[int, Any]]]) -> Rows:
    """Return copies of examples, each with some values replaced."""
    copies = rows.take([base for base, _ in changes])
    if not is_frame(rows.data):
        data = np.array(copies.data)
        for index, (_, values) in enumerate(changes):
            for place, value in values.items():
                data[index, place] = np.nan if value is None else value
        return replace(rows, data=data)
    import pandas as pd

    columns = {}
    for place, name in enumerate(rows.data.columns):
        cells = copies.data.iloc[:, place].tolist()
        for index, (_, values) in enumerate(changes):
            if place in values:
                cells[index] = values[place]
        columns[name] = pd.Series(cells, dtype=rows.data.dtypes.iloc[place])
    return replace(rows, data=pd.DataFrame(columns))
