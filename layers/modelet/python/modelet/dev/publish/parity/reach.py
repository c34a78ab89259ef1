"""Search for how far from the examples a graph still predicts the same as its estimator, and the resulting bounds."""

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
"""Only a factor below this is reported: no typical row is so far from the examples."""

STEP, LEAP, BOUND = 2.0, 16.0, 1e30
"""The factor from each step to the next: up to NOTED, beyond it, and beyond float32."""

DRAWN = 100
"""How many random rows a step has."""

CLOSE = TOLERANCE / 2
"""The greatest difference on the way: other rows lie between those that are tried."""

DIGITS = 2
"""The significant digits of a bound that was found."""


class Trial(NamedTuple):
    """One row to try: the step's factor, the example's index, the values to put into it, whether they are random."""

    factor: float
    base: int
    change: dict[int, Any]
    is_drawn: bool


@dataclass(frozen=True)
class Reach:
    """The proven range of a graph.

    factor: in multiples of the largest example of each column; infinite if it covers all that inputs can hold. columns:
    the rows' columns, with bounds if the factor sets any.
    """

    factor: float
    columns: tuple[Column, ...]


def reach(estimator: Any, graph: Graph, rows: Rows) -> Reach:
    """Search from the examples to the inputs' limits, in each column alone and in all, until predictions differ.

    They differ where float32 is too coarse: the distances of nearest neighbours tie, an exponential overflows, or terms
    cancel out. The search also ends if the estimator itself predicts no finite number, or fails. Columns with bounds
    from their author are tried within these.
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
    """Return the greatest absolute value of a column's examples."""
    low, high = seen_ends(rows.columns[place], rows.column(place))
    return max(abs(low), abs(high)) or 1.0


def _factors(end: float) -> list[float]:
    """Return the factors; the last one is at least `end`."""
    factors = [1.0]
    while factors[-1] < end:
        step = STEP if factors[-1] < NOTED else LEAP if factors[-1] < LARGEST else BOUND
        factors.append(factors[-1] * step)
    return factors[1:]


def _trials(rows: Rows, spans: Mapping[int, float], number: int, factor: float, most: int) -> list[Trial]:
    """Return a step's rows: far numbers in each column alone, in all with equal and alternating signs, and random ones.

    number: the step's number; each step starts at another example. most: how many rows have one far number, across many
    columns or many examples.
    """
    far = {place: _value(rows, place, min(factor * span, largest(rows, place))) for place, span in spans.items()}
    nearest = min(far.values())  # the same number in all columns, within the limits of each
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
    """Return a number of this size in its column's type."""
    if rows.columns[place].type == "number":
        return size
    return min(round(size), limits(rows, place)[1])


def _first_unequal(estimator: Any, graph: Graph, rows: Rows, drawn: NDArray[np.float64], scale: float) -> int | None:
    """Return the index of the first row without the same finite prediction from both; None if there is none.

    drawn: the factor of each random row, 0 for other rows.
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
    """Return for each row whether the predictions differ or are not finite; if labels tie, either is right.

    Random rows are compared relative to the mean size of their own step, because large terms nearly cancel out in some.
    """
    expected = estimator_answers(estimator, rows)
    wrong: NDArray[np.bool_] = np.array(~np.isfinite(expected.numbers).all(axis=1))
    scales = np.full((len(rows), 1), scale)
    if expected.measure == "relative":
        for factor in set(drawn[drawn > 0].tolist()):
            scales[drawn == factor] = max(scale, float(np.abs(expected.numbers[(drawn == factor) & ~wrong]).mean()))
    clear = expected.clear(scales)
    found = differences(expected.take(clear), graph_answers(graph, rows.take(clear)), scales[clear])
    wrong[clear] |= found.labels | ~(found.numbers <= CLOSE)
    return wrong


def _bounded(rows: Rows, place: int, factor: float, span: float) -> Column:
    """Return a column with its missing bounds filled in, at least as wide as what parity tests around the examples."""
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
    """Return the number rounded down to a few digits."""
    unit = 10.0 ** (math.floor(math.log10(size)) - DIGITS + 1)
    return float(f"{math.floor(size / unit) * unit:.{DIGITS}g}")
