"""Generate edge cases: rows that a request may have but held-out rows seldom do. They are the same on every run."""

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
"""About how many rows of numbers are generated at most; of many columns some are then left out."""

BETWEEN = 300
"""How many rows are drawn at random from around the examples; as many more are half at their ends and middles."""

SEARCHED = 5000
"""How many such rows of either kind are looked through for nearest neighbours that tie."""

BASES = 3
"""How many examples each generated value is put into."""

SHRUNK = tuple(10.0**-power for power in (1, 2, 4, 6, 8, 10, 12, 14, 15, 16, 17, 18, 20, 24, 30, 36))
"""By how much the numbers of an example shrink; single precision ends soon after."""

ALONE = 10
"""About how many columns shrink alone at each of these."""

LARGEST = 3e38
"""Near the end of float32."""

LARGEST_DOUBLE = 1.7e308
"""Near the end of double precision."""

EDGES = 9
"""How many edges a number has, its two ends first. At the middle, the distances to examples that are flags all tie."""

WHOLE = 2**53
"""Whole numbers beyond this are not exact in JSON."""


def probes(estimator: Any, rows: Rows, *, collapsed: bool = False) -> Rows:
    """Rows at the edges of what the columns allow, made from the examples.

    Numbers: the least, the greatest, zero, their negatives, as much again beyond either end, and at the thresholds of
    trees one number to either side; of a column with bounds, only what is within them. Missing values where a column
    may be missing. Texts, in a column too: see `texts_like`. Then edges of all columns at once, and random numbers
    around the examples. How far numbers may go from there, `reach` finds out. collapsed: whether texts come without
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
    # Each value begins at another example: a threshold deep in a tree is met by few of them.
    changes = [((base + k) % len(rows), {place: value}) for base in bases for k, (place, value) in enumerate(cells)]
    # What is split into tokens is never left out; each text stands in one example.
    changes += [(bases[k % len(bases)], {place: text}) for place in split for k, text in enumerate(values[place])]
    changes += [(0, at_once) for at_once in _at_once(rows) if at_once]
    changes += _towards_zero(rows)
    return changed(rows, [*changes, *_drawn(rows, BETWEEN), *_tied(estimator, rows)])


def edges(column: Column, observed: Any, whole: int = WHOLE, *, collapsed: bool = False) -> list[Any]:
    """The values at the edges of one column, those of its bounds among them; some may lie beyond the bounds.

    whole: the greatest whole number that a request may carry. collapsed: see `probes`.
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
    """Changes to all columns together, for what adds up or cancels out between them.

    All at the same edge, at opposite ends by turns, and all missing.
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
    """An example's numbers that shrink, all at once and some columns alone: what is zero for one is none for another.

    They are what the graph's input has of them.
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
    """Changes that give rows whose nearest neighbours tie, where neighbours decide."""
    if not has_neighbours(estimator):
        return []
    drawn = _drawn(rows, SEARCHED)
    return [drawn[place] for place in tied(estimator, changed(rows, drawn))[:BETWEEN]] if drawn else []


def _drawn(rows: Rows, count: int) -> list[tuple[int, dict[int, Any]]]:
    """Changes to all columns of numbers: any values between the ends and somewhat beyond, in any combination.

    Then as many in which about half the values are an end or the middle: beside the middle of a column of flags,
    distances tie whatever the other columns hold.
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
    """The least and the greatest value: the column's bounds, else those that were seen, as far as float32 goes."""
    seen = np.asarray([value for value in observed if not is_missing(value)], dtype=np.float64)
    low = column.minimum if column.minimum is not None else float(seen.min(initial=np.inf))
    high = column.maximum if column.maximum is not None else float(seen.max(initial=-np.inf))
    if not np.isfinite([low, high]).all():
        return 0.0, 0.0
    return max(low, -LARGEST), min(high, LARGEST)


def _most(rows: Rows, column: Column) -> int:
    """The greatest whole number that a request may carry: the last one that the graph's input does not round."""
    return EXACT.get(rows.input_type(column), WHOLE)


def largest(rows: Rows, place: int) -> float:
    """Near the end of what the graph's input for a column holds."""
    return LARGEST_DOUBLE if rows.input_type(rows.columns[place]) is np.float64 else LARGEST


def around(column: Column, observed: Any) -> tuple[float, float]:
    """The ends of what is tried in any combination: those that were seen, and half as much again beyond either."""
    low, high = seen_ends(column, observed)
    margin = ((high - low) or max(abs(high), 1.0)) / 2
    return low - margin, high + margin


def limits(rows: Rows, place: int) -> tuple[int, int]:
    """The least and the greatest whole number that a column of whole numbers can hold, and a request may carry."""
    return _whole_ends(rows.column(place), _most(rows, rows.columns[place]))


def _whole_ends(observed: Any, whole: int) -> tuple[int, int]:
    kind = getattr(observed.dtype, "numpy_dtype", observed.dtype)
    held = np.iinfo(kind) if kind.kind in "iu" else np.iinfo(np.int64)
    return max(int(held.min), -whole), min(int(held.max), whole)


def is_allowed(rows: Rows, place: int, value: Any) -> bool:
    """Whether a column's bounds let a value through, and its type can hold it: no request brings another."""
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
    """Copies of examples, each with some values replaced."""
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
