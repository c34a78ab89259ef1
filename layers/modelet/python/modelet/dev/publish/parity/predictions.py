"""Predictions of an estimator and of a graph for the same rows, and their differences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from modelet.backends.answers import scores_of
from modelet.backends.outputs import labels_of, numbers_of
from modelet.dev.publish.source.answer import outputs_of
from modelet.errors import PublishError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelet.backends.outputs import Outputs
    from modelet.dev.publish.source.rows import Rows

Measure = Literal["probability", "relative"]

TOLERANCE = 1e-5
"""The greatest difference: of a probability, or of a regression relative to its size (docs/design.md, the store)."""


class Answering(Protocol):
    """What serves a version, and is compared with the estimator: a graph, or a library's own file."""

    def answer(self, instances: list[Any]) -> dict[str, NDArray[Any]]:
        """Return the outputs for instances, by name. Raises PublishError if it rejects them."""
        ...


@dataclass(frozen=True)
class Answers:
    """A model's predictions for some rows.

    labels: a classifier's labels, a clusterer's clusters, or None. numbers: shape (rows, n); n may be 0. measure: how
    numbers are compared, probabilities by their difference, and others relative to their size. nearest: whether the
    label is that of the smallest number, a distance.
    """

    labels: list[Any] | None
    numbers: NDArray[np.float64]
    measure: Measure = "relative"
    nearest: bool = False

    def take(self, indices: list[int]) -> Answers:
        """Return the predictions for some of the rows."""
        labels = None if self.labels is None else [self.labels[index] for index in indices]
        return replace(self, labels=labels, numbers=self.numbers[indices])

    def replace(self, index: int, one: Answers) -> None:
        """Replace the prediction for one row."""
        self.numbers[index] = one.numbers[0]
        if self.labels is not None and one.labels is not None:
            self.labels[index] = one.labels[0]

    def clear(self, scale: float | NDArray[np.float64] = 0.0) -> list[int]:
        """Return the rows without a tie: if two labels are equally likely, either is right.

        scale: see `differences`.
        """
        if self.labels is None or not self.numbers.size or isinstance(self.labels[0], list):
            return list(range(len(self.numbers)))
        if self.numbers.shape[1] == 1:  # the score of two labels
            second, first = np.zeros(len(self.numbers)), np.abs(self.numbers[:, 0])
        else:
            second, first = np.sort(-self.numbers if self.nearest else self.numbers, axis=1)[:, -2:].T
        size = 1.0 if self.measure == "probability" else np.maximum(np.ravel(scale), np.abs(first))
        found: list[int] = np.flatnonzero(~(first - second <= 2 * TOLERANCE * size)).tolist()
        return found

    def shown(self, index: int) -> str:
        """Return one row's prediction as text for people."""
        numbers = self.numbers[index]
        if self.labels is None:
            return ", ".join(f"{value:.9g}" for value in numbers)
        if not numbers.size:
            return f"{self.labels[index]!r}"
        share = numbers.max() if self.measure == "probability" else numbers.min() if self.nearest else numbers.max()
        return f"{self.labels[index]!r} {share:.6f}"


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
    return answers_of(outputs_of(estimator, rows.data), len(rows))


def graph_answers(graph: Answering, rows: Rows) -> Answers:
    """Return the graph's predictions for rows that the served path converts. Raises PublishError if it rejects them."""
    return answers_of(graph.answer(rows.instances()), len(rows))


def answers_of(outputs: Outputs, count: int) -> Answers:
    """Return outputs for `count` rows as predictions, read as they are served.

    Raises PublishError if they have more or fewer rows.
    """
    if "cluster" in outputs:
        labels = outputs["cluster"].ravel().tolist()
    elif "label" in outputs:
        label = outputs["label"]
        has_targets = label.ndim == 2 and len(label) == count and label.shape[1] > 1
        labels = label.tolist() if has_targets else labels_of(outputs)
    else:
        return Answers(None, _matrix(numbers_of(outputs), count))
    if "probabilities" in outputs:
        return Answers(labels, _matrix(outputs["probabilities"], count), "probability")
    if "scores" in outputs:
        return Answers(labels, _matrix(scores_of(outputs), count))
    if "distances" in outputs:
        return Answers(labels, _matrix(outputs["distances"], count), nearest=True)
    return Answers(labels, np.zeros((count, 0)), "probability")


def differences(expected: Answers, given: Answers, scale: float | NDArray[np.float64]) -> Differences:
    """Return the differences between predictions.

    The difference of numbers other than probabilities is relative to the value, or to `scale` if that is greater: near
    zero, a relative difference says nothing. `scale` is the mean size of all values; of shape (rows, 1), it has one for
    each row. A missing or infinite number is infinitely far from any other.
    """
    with np.errstate(all="ignore"):
        apart = np.abs(given.numbers - expected.numbers)
        if expected.measure == "relative":
            apart /= np.maximum(np.abs(expected.numbers), np.where(np.greater(scale, 0), scale, 1.0))
    same = (given.numbers == expected.numbers) | (np.isnan(given.numbers) & np.isnan(expected.numbers))
    apart = np.nan_to_num(np.where(same, 0.0, apart), nan=np.inf, posinf=np.inf).max(axis=1, initial=0.0)
    pairs = zip(expected.labels or (), given.labels or (), strict=True)
    differ = np.array([one != other for one, other in pairs], dtype=np.bool_)
    return Differences(differ if len(differ) else np.zeros(len(apart), dtype=np.bool_), apart)


def mean_size(expected: Answers) -> float:
    """Return the scale of predictions, see `differences`; 0 for probabilities."""
    return float(np.abs(expected.numbers).mean()) if expected.measure == "relative" and expected.numbers.size else 0.0


def _matrix(values: Any, count: int) -> NDArray[np.float64]:
    if len(values) != count:
        raise PublishError(f"there are {len(values):,} predictions for {count:,} rows")
    return np.array(values, dtype=np.float64).reshape(count, -1) if count else np.zeros((0, 0))
