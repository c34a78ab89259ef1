"""Predictions of an estimator and of a graph for the same rows, and their differences."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.outputs import labels_of, numbers_of
from modelet.dev.publish.onnx.graph import LABEL, PROBABILITIES
from modelet.dev.publish.source.parts import kind_of
from modelet.errors import PublishError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelet.backends.outputs import Outputs
    from modelet.dev.publish.onnx.graph import Graph
    from modelet.dev.publish.source.rows import Rows

TOLERANCE = 1e-5
"""The greatest difference: of a probability, or of a regression relative to its size (docs/design.md, the store)."""


@dataclass(frozen=True)
class Answers:
    """What a model says of some rows: labels where it is a classifier, and numbers of shape (rows, n), n may be 0."""

    labels: list[Any] | None
    numbers: NDArray[np.float64]

    def take(self, indices: list[int]) -> Answers:
        """The answers to some of the rows."""
        labels = None if self.labels is None else [self.labels[index] for index in indices]
        return Answers(labels, self.numbers[indices])

    def replace(self, index: int, one: Answers) -> None:
        """Put another answer to one row in the place of this one."""
        self.numbers[index] = one.numbers[0]
        if self.labels is not None and one.labels is not None:
            self.labels[index] = one.labels[0]

    def clear(self) -> list[int]:
        """The rows whose answer is no toss-up: where two labels are equally likely, either is as right."""
        if self.labels is None or self.numbers.shape[1] < 2:
            return list(range(len(self.numbers)))
        second, first = np.sort(self.numbers, axis=1)[:, -2:].T
        found: list[int] = np.flatnonzero(~(first - second <= 2 * TOLERANCE)).tolist()
        return found

    @property
    def targets(self) -> int | None:
        """How many values are predicted for a row, None where it is but one."""
        if self.labels is None:
            return self.numbers.shape[1] if self.numbers.shape[1] > 1 else None
        return len(self.labels[0]) if isinstance(self.labels[0], list) else None

    def shown(self, index: int) -> str:
        """One row's answer, for people."""
        if self.labels is None:
            return ", ".join(f"{value:.9g}" for value in self.numbers[index])
        share = f" {self.numbers[index].max():.6f}" if self.numbers.shape[1] else ""
        return f"{self.labels[index]!r}{share}"


@dataclass(frozen=True)
class Differences:
    """Row by row: whether the labels differ, and how much the numbers do."""

    labels: NDArray[np.bool_]
    numbers: NDArray[np.float64]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The rows that refuse a publish."""
        return self.labels | ~(self.numbers <= TOLERANCE)

    @property
    def greatest(self) -> float:
        """The greatest difference of a number; 0 where there are none."""
        return float(self.numbers.max(initial=0.0))


def estimator_answers(estimator: Any, rows: Rows) -> Answers:
    """What the estimator says, in double precision; whatever it raises passes through."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Far numbers overflow on the way, and arrays lack a DataFrame's names: the answers tell whether it matters.
        warnings.simplefilter("ignore")
        found = np.asarray(estimator.predict(rows.data))
        if kind_of(estimator) != "classifier" and found.dtype.kind in "fiub":
            return Answers(None, _matrix(found, len(rows)))
        # Of several targets each has labels and probabilities of its own.
        single = found.ndim == 1 and hasattr(estimator, "predict_proba")
        shares = estimator.predict_proba(rows.data) if single else np.zeros((len(rows), 0))
    return Answers(found.tolist(), _matrix(shares, len(rows)))


def graph_answers(graph: Graph, rows: Rows) -> Answers:
    """What the graph says of what the served path makes of the rows. Raises PublishError where it refuses them."""
    return answers_of(graph.answer(rows.instances()), len(rows))


def answers_of(outputs: Outputs, count: int) -> Answers:
    """A graph's outputs for so many rows as answers, read as they are served.

    Raises PublishError where they are of more rows or fewer.
    """
    if LABEL not in outputs:
        return Answers(None, _matrix(numbers_of(outputs), count))
    shares = outputs.get(PROBABILITIES, np.zeros((count, 0)))
    return Answers(labels_of(outputs), _matrix(shares, count))


def differences(expected: Answers, given: Answers, scale: float | NDArray[np.float64]) -> Differences:
    """How the answers differ.

    A regression's difference is relative to the value, or to `scale`, the mean size of all (one, or of shape (rows, 1)
    for each row its own), where that is greater: next to zero a relative difference says nothing. A missing or infinite
    number is infinitely far from any other.
    """
    with np.errstate(all="ignore"):
        apart = np.abs(given.numbers - expected.numbers)
        if expected.labels is None:
            apart /= np.maximum(np.abs(expected.numbers), np.where(np.greater(scale, 0), scale, 1.0))
    same = (given.numbers == expected.numbers) | (np.isnan(given.numbers) & np.isnan(expected.numbers))
    apart = np.nan_to_num(np.where(same, 0.0, apart), nan=np.inf, posinf=np.inf).max(axis=1, initial=0.0)
    pairs = zip(expected.labels or (), given.labels or (), strict=True)
    differ = np.array([one != other for one, other in pairs], dtype=np.bool_)
    return Differences(differ if len(differ) else np.zeros(len(apart), dtype=np.bool_), apart)


def mean_size(expected: Answers) -> float:
    """The scale of a regressor's answers: see `differences`. 0 of a classifier's."""
    return float(np.abs(expected.numbers).mean()) if expected.labels is None else 0.0


def _matrix(values: Any, count: int) -> NDArray[np.float64]:
    if len(values) != count:
        raise PublishError(f"there are {len(values):,} predictions for {count:,} rows")
    return np.array(values, dtype=np.float64).reshape(count, -1) if count else np.zeros((0, 0))
