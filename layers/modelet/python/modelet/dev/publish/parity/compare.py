"""Comparison of the predictions of the compiled graph and the estimator, on held-out rows and edge cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.parity.predictions import (
    TOLERANCE,
    Answering,
    Answers,
    differences,
    estimator_answers,
    graph_answers,
    mean_size,
)
from modelet.dev.publish.parity.report import Comparison, refusal, refused_row
from modelet.errors import ParityError, PublishError

if TYPE_CHECKING:
    from modelet.dev.publish.source.rows import Rows

COMPARED = 10_000
"""The most held-out rows that are compared, spread over all of them."""

ALONE = 16
"""How many rows the graph also predicts one by one, as in most requests."""


def compare(estimator: Any, graph: Answering, held_out: Rows, generated: Rows) -> dict[str, Any]:
    """Return the comparison's figures for the manifest.

    The estimator gets the rows unchanged, in double precision; the graph gets them as the served path converts them.
    Raises ParityError that shows the worst rows, and PublishError if the estimator cannot predict its own examples.
    """
    held_out = held_out.take(held_out.spread(COMPARED))
    expected = told(estimator, held_out)
    scale = mean_size(expected)
    expected_more = _told_of_generated(estimator, generated)
    clear = expected_more.clear(scale)
    compared = [
        _compared("held-out", graph, held_out, expected, scale),
        _compared("generated", graph, generated.take(clear), expected_more.take(clear), scale),
    ]
    if any(each.found.wrong.any() for each in compared):
        raise ParityError(refusal(estimator, compared, scale))
    return {
        "example_rows": len(held_out),
        "generated_rows": len(clear),
        "labels_equal": True,
        "measure": expected.measure,
        "greatest_difference": max(each.found.greatest for each in compared),
        "tolerance": TOLERANCE,
    }


def told(estimator: Any, rows: Rows) -> Answers:
    """Return the estimator's predictions for its examples. Raises PublishError if it cannot predict them."""
    try:
        return estimator_answers(estimator, rows)
    except PublishError:
        raise
    except Exception as error:  # an estimator may raise any error
        raise PublishError(
            f"{type(estimator).__name__} cannot predict its own examples ({line(error)}): "
            "give a fitted estimator, and examples exactly as its predict takes them"
        ) from error


def _told_of_generated(estimator: Any, rows: Rows) -> Answers:
    """Return the estimator's predictions for generated rows. Raises ParityError if it rejects a row."""
    try:
        return estimator_answers(estimator, rows)
    except Exception as error:  # as above
        for index in range(len(rows)):
            try:
                estimator_answers(estimator, rows.take([index]))
            except Exception as single:  # noqa: BLE001 - the same
                raise ParityError(refused_row(estimator, rows, index, single)) from error
        raise PublishError(
            f"{type(estimator).__name__} rejects rows together that it accepts alone: {line(error)}"
        ) from error


def _compared(kind: str, graph: Answering, rows: Rows, expected: Answers, scale: float) -> Comparison:
    """Predict all rows at once with the graph, and some of them one by one."""
    if not len(rows):
        return Comparison(kind, rows, expected, expected, differences(expected, expected, scale))
    try:
        given = graph_answers(graph, rows)
    except PublishError as error:
        raise ParityError(f"{error}, on {kind} rows: set backend: sklearn in model.yaml") from error
    if given.numbers.shape != expected.numbers.shape:
        widths = f"{given.numbers.shape[1]} numbers a row, the estimator {expected.numbers.shape[1]}"
        raise ParityError(f"the graph gives {widths}: set backend: sklearn in model.yaml")
    found = differences(expected, given, scale)
    for index in range(0, len(rows), 1 + len(rows) // ALONE):
        alone = graph_answers(graph, rows.take([index]))
        single = differences(expected.take([index]), alone, scale)
        if single.wrong[0] and not found.wrong[index]:
            given.replace(index, alone)
        found.labels[index] |= single.labels[0]
        found.numbers[index] = max(found.numbers[index], single.numbers[0])
    return Comparison(kind, rows, expected, given, found)
