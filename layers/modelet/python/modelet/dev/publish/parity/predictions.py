"""Predictions of an estimator and of a graph for the same rows, and their differences."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelet.backends.outputs import labels_of, numbers_of
from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.onnx.graph import LABEL, PROBABILITIES
from modelet.dev.publish.source.parts import final, kind_of
from modelet.errors import PublishError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelet.backends.outputs import Outputs
    from modelet.dev.publish.source.rows import Rows

TOLERANCE = 1e-5
"""The greatest difference: of a probability, or of a regression relative to its size (docs/design.md, the store)."""


class Answering(Protocol):
    """What serves a version, and is compared with the estimator: a graph, or a library's own file."""

    def answer(self, instances: list[Any]) -> dict[str, NDArray[Any]]:
        """Return the outputs for instances, by name. Raises PublishError if it rejects them."""
        ...


@dataclass(frozen=True)
class Answers:
    """A model's predictions for some rows: labels for a classifier, and numbers of shape (rows, n); n may be 0."""

    labels: list[Any] | None
    numbers: NDArray[np.float64]

    def take(self, indices: list[int]) -> Answers:
        """Return the predictions for some of the rows."""
        labels = None if self.labels is None else [self.labels[index] for index in indices]
        return Answers(labels, self.numbers[indices])

    def replace(self, index: int, one: Answers) -> None:
        """Replace the prediction for one row."""
        self.numbers[index] = one.numbers[0]
        if self.labels is not None and one.labels is not None:
            self.labels[index] = one.labels[0]

    def clear(self) -> list[int]:
        """Return the rows without a tie: if two labels are equally likely, either is right."""
        if self.labels is None or self.numbers.shape[1] < 2:
            return list(range(len(self.numbers)))
        second, first = np.sort(self.numbers, axis=1)[:, -2:].T
        found: list[int] = np.flatnonzero(~(first - second <= 2 * TOLERANCE)).tolist()
        return found

    @property
    def targets(self) -> int | None:
        """The number of values predicted for a row; None if it is one."""
        if self.labels is None:
            return self.numbers.shape[1] if self.numbers.shape[1] > 1 else None
        return len(self.labels[0]) if isinstance(self.labels[0], list) else None

    def shown(self, index: int) -> str:
        """Return one row's prediction as text for people."""
        if self.labels is None:
            return ", ".join(f"{value:.9g}" for value in self.numbers[index])
        share = f" {self.numbers[index].max():.6f}" if self.numbers.shape[1] else ""
        return f"{self.labels[index]!r}{share}"


@dataclass(frozen=True)
class Differences:
    """The differences of each row: whether the labels differ, and by how much the numbers do."""

    labels: NDArray[np.bool_]
    numbers: NDArray[np.float64]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The rows whose difference makes a publish fail."""
        return self.labels | ~(self.numbers <= TOLERANCE)

    @property
    def greatest(self) -> float:
        """The greatest difference of a number; 0 if there are none."""
        return float(self.numbers.max(initial=0.0))


def estimator_answers(estimator: Any, rows: Rows) -> Answers:
    """Return the estimator's predictions, in double precision. Raises whatever the estimator raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Extreme numbers overflow on the way, and arrays lack a DataFrame's names: the predictions show whether it
        # matters.
        warnings.simplefilter("ignore")
        found = np.asarray(estimator.predict(rows.data))
        if found.shape[1:] == (1,) and library_of(final(estimator)) == "catboost":
            found = found[:, 0]  # it predicts one of several labels as a column
        if kind_of(estimator) != "classifier" and found.dtype.kind in "fiub":
            return Answers(None, _matrix(found, len(rows)))
        # Each of several targets has its own labels and probabilities.
        single = found.ndim == 1 and hasattr(estimator, "predict_proba")
        shares = estimator.predict_proba(rows.data) if single else np.zeros((len(rows), 0))
    return Answers(found.tolist(), _matrix(shares, len(rows)))


def graph_answers(graph: Answering, rows: Rows) -> Answers:
    """Return the graph's predictions for rows that the served path converts. Raises PublishError if it rejects them."""
    return answers_of(graph.answer(rows.instances()), len(rows))


def answers_of(outputs: Outputs, count: int) -> Answers:
    """Return a graph's outputs for `count` rows as predictions, read as they are served.

    Raises PublishError if they have more or fewer rows.
    """
    if LABEL not in outputs:
        return Answers(None, _matrix(numbers_of(outputs), count))
    shares = outputs.get(PROBABILITIES, np.zeros((count, 0)))
    return Answers(labels_of(outputs), _matrix(shares, count))


def differences(expected: Answers, given: Answers, scale: float | NDArray[np.float64]) -> Differences:
    """Return the differences between predictions.

    A regression's difference is relative to the value, or to `scale` if that is greater: near zero, a relative
    difference says nothing. `scale` is the mean size of all values; of shape (rows, 1), it has one for each row. A
    missing or infinite number is infinitely far from any other.
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
    """Return the scale of a regressor's predictions, see `differences`; 0 for a classifier."""
    return float(np.abs(expected.numbers).mean()) if expected.labels is None else 0.0


def _matrix(values: Any, count: int) -> NDArray[np.float64]:
    if len(values) != count:
        raise PublishError(f"there are {len(values):,} predictions for {count:,} rows")
    return np.array(values, dtype=np.float64).reshape(count, -1) if count else np.zeros((0, 0))
