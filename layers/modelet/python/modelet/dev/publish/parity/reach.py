"""Find how far from the examples a graph still predicts the same as its estimator, and the bounds that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelet.dev.publish.parity.compare import COMPARED
from modelet.dev.publish.parity.edge_cases import (
    GENERATED,
    LARGEST,
    around,
    changed,
    is_allowed,
    largest,
    limits,
    seen_ends,
)
from modelet.dev.publish.parity.predictions import TOLERANCE, differences, estimator_answers, graph_answers, mean_size
from modelet.store.manifest import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelet.dev.publish.onnx.graph import Graph
    from modelet.dev.publish.source.rows import Rows
    from modelet.store.manifest import Column

NOTED = 1e6
"""People are told of a factor below this; so far from the examples no proper row is."""

STEP, LEAP, BOUND = 2.0, 16.0, 1e30
"""How much further each rung of the ladder is than the one before: up to there, beyond, and beyond float32."""

DRAWN = 100
"""How many random rows a rung has."""

CLOSE = TOLERANCE / 2
"""The greatest difference on the way: between the rows that are tried lie others."""

DIGITS = 2
"""The significant digits of a bound that was found."""


class Trial(NamedTuple):
    """One row to try: the rung's factor, the example's place, what to put into it, and whether that is random."""

    factor: float
    base: int
    change: dict[int, Any]
    is_drawn: bool


@dataclass(frozen=True)
class Reach:
    """How far a graph was proven.

    factor: in multiples of the greatest example of each column; infinite where that is all that inputs hold. columns:
    the rows' own, with bounds where the factor sets some.
    """

    factor: float
    columns: tuple[Column, ...]


def reach(estimator: Any, graph: Graph, rows: Rows) -> Reach:
    """Climb from the examples to the end of what inputs hold, each column alone and all at once, until answers differ.

    Where they do, float32 is too coarse: a nearest neighbour's distances tie, an exponential overflows, terms cancel
    out. It ends as well where the estimator itself answers no finite number, or nothing at all. Columns that have
    bounds of their author's are tried within them.
    """
    rows = rows.widened()
    held_out = rows.take(rows.spread(COMPARED))
    scale = mean_size(estimator_answers(estimator, held_out))
    spans = {
        place: span
        for place, column in enumerate(rows.columns)
        if column.type in {"number", "integer"}
        and not column.categories
        and None in (column.minimum, column.maximum)
        and (span := _span(rows, place))
    }
    factors = _factors(max((largest(rows, place) / span for place, span in spans.items()), default=1.0))
    trials = [
        trial
        for number, factor in enumerate(factors)
        for trial in _trials(rows, spans, number, factor, GENERATED // len(factors))
    ]
    if not trials:
        return Reach(math.inf, rows.columns)
    asked = changed(rows, [(trial.base, trial.change) for trial in trials])
    drawn = np.array([trial.factor if trial.is_drawn else 0.0 for trial in trials])
    beyond = _first_unequal(estimator, graph, asked, drawn, scale)
    if beyond is None:
        return Reach(math.inf, rows.columns)
    factor = max((factor for factor in factors if factor < trials[beyond].factor), default=1.0)
    columns = tuple(
        _bounded(rows, place, factor, spans[place]) if place in spans else column
        for place, column in enumerate(rows.columns)
    )
    return Reach(factor, columns)


def _span(rows: Rows, place: int) -> float:
    """The greatest size of a column's examples."""
    low, high = seen_ends(rows.columns[place], rows.column(place))
    return max(abs(low), abs(high)) or 1.0


def _factors(end: float) -> list[float]:
    """The factors, the last of them far enough."""
    factors = [1.0]
    while factors[-1] < end:
        step = STEP if factors[-1] < NOTED else LEAP if factors[-1] < LARGEST else BOUND
        factors.append(factors[-1] * step)
    return factors[1:]


def _trials(rows: Rows, spans: Mapping[int, float], number: int, factor: float, most: int) -> list[Trial]:
    """A rung: far numbers in each column alone, in all at once with equal and with changing signs, and random ones.

    number: the rung's; each begins at another example. most: how many rows have one far number, of many columns or of
    many examples.
    """
    far = {place: _value(rows, place, min(factor * span, largest(rows, place))) for place, span in spans.items()}
    nearest = min(far.values())  # the same number in all columns, which all of them still take
    turns = [
        {place: sign * value * (flip if k % 2 else 1) for k, (place, value) in enumerate(values.items())}
        for values in (far, {place: _value(rows, place, nearest) for place in far})
        for sign in (1, -1)
        for flip in (1, -1)
    ]
    alone = [{place: sign * value} for place, value in far.items() for sign in (1, -1)]
    chance = np.random.default_rng(number)
    drawn = [
        {
            place: math.copysign(_value(rows, place, abs(value)), value)
            for place, value in zip(far, chance.uniform(-1, 1, len(far)) * list(far.values()), strict=True)
        }
        for _ in range(DRAWN)
    ]
    stride = 1 + len(alone) // most
    singles = alone[number % stride :: stride] * max(1, most // len(alone))
    planned = [(change, False) for change in [*singles, *turns]]
    planned += [(change, True) for change in drawn]
    return [
        Trial(factor, (number + index) % len(rows), allowed, is_drawn)
        for index, (change, is_drawn) in enumerate(planned)
        if (allowed := {place: value for place, value in change.items() if is_allowed(rows, place, value)})
    ]


def _value(rows: Rows, place: int, size: float) -> float:
    """A number of that size as its column holds it."""
    if rows.columns[place].type == "number":
        return size
    return min(round(size), limits(rows, place)[1])


def _first_unequal(estimator: Any, graph: Graph, rows: Rows, drawn: NDArray[np.float64], scale: float) -> int | None:
    """The place of the first row of which both do not give the same finite answer, None where there is none.

    drawn: the factor of each random row, 0 of the others.
    """
    try:
        unequal = np.flatnonzero(_unequal(estimator, graph, rows, drawn, scale))
        return int(unequal[0]) if len(unequal) else None
    except Exception:  # noqa: BLE001 - an estimator raises what it likes, of all rows for the sake of one
        if len(rows) == 1:
            return 0
    half = len(rows) // 2
    first = _first_unequal(estimator, graph, rows.take(range(half)), drawn[:half], scale)
    if first is not None:
        return first
    second = _first_unequal(estimator, graph, rows.take(range(half, len(rows))), drawn[half:], scale)
    return None if second is None else half + second


def _unequal(estimator: Any, graph: Graph, rows: Rows, drawn: NDArray[np.float64], scale: float) -> NDArray[np.bool_]:
    """Row by row: whether the answers differ, or are no finite number; where labels tie, either is right.

    Random rows are held against the mean size of their own rung: in some of them large terms nearly cancel out.
    """
    expected = estimator_answers(estimator, rows)
    wrong: NDArray[np.bool_] = np.array(~np.isfinite(expected.numbers).all(axis=1))
    scales = np.full((len(rows), 1), scale)
    if expected.labels is None:
        for factor in set(drawn[drawn > 0].tolist()):
            scales[drawn == factor] = max(scale, float(np.abs(expected.numbers[(drawn == factor) & ~wrong]).mean()))
    clear = expected.clear()
    found = differences(expected.take(clear), graph_answers(graph, rows.take(clear)), scales[clear])
    wrong[clear] |= found.labels | ~(found.numbers <= CLOSE)
    return wrong


def _bounded(rows: Rows, place: int, factor: float, span: float) -> Column:
    """A column with the bounds that it lacks: at the least what parity holds around the examples."""
    column = rows.columns[place]
    low, high = around(column, rows.column(place))
    if factor * span >= largest(rows, place):
        return column
    if factor > 1:
        end = _rounded_down(factor * span)
        low, high = min(low, -end), max(high, end)
    if column.type == "integer":
        least, most = limits(rows, place)
        if low <= least and high >= most:
            return column
        low, high = max(math.ceil(low), least), min(math.floor(high), most)
    return column._replace(
        minimum=low if column.minimum is None else column.minimum,
        maximum=high if column.maximum is None else column.maximum,
        found=tuple(name for name in BOUNDS if getattr(column, name) is None),
    )


def _rounded_down(size: float) -> float:
    """The number to a few digits, never greater than it is."""
    unit = 10.0 ** (math.floor(math.log10(size)) - DIGITS + 1)
    return float(f"{math.floor(size / unit) * unit:.{DIGITS}g}")
