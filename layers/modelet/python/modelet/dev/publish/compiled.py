"""Compile a trained estimator to an ONNX graph and compare the two, for `backend: onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelet.dev.publish.boosting.costs import with_native
from modelet.dev.publish.draft import Made
from modelet.dev.publish.onnx.convert import to_graph
from modelet.dev.publish.onnx.doubles import as_compared
from modelet.dev.publish.onnx.graph import GRAPH_FILE, Graph
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.parity.compare import compare
from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.parity.reach import NOTED, reach
from modelet.dev.publish.parity.smoke_test import prepares_texts
from modelet.dev.publish.parity.texts import are_collapsed
from modelet.dev.publish.source.parts import splits_characters
from modelet.dev.publish.source.rows import is_missing
from modelet.errors import ConversionError, ParityError

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.source.rows import Rows
    from modelet.dev.publish.source.trained import Trained

COLLAPSED = "texts have no repeated white space, as in the examples: collapse it in preprocess"
"""An assumption about texts from an author's own preprocess, for character n-grams.

The graph does not check it, because that takes 10 µs per request.
"""

LIBRARIES = ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime")
"""The libraries that create and run a graph."""


def made(function: Function, trained: Trained, rows: Rows, progress: Progress) -> Made:
    """Return the graph, its manifest data, and the rows with the bounds that were found.

    Raises ConversionError and ParityError.
    """
    if isinstance(trained.estimator, Mapping):
        raise ConversionError(
            f"{function.name}: several objects cannot become one graph: set backend: sklearn in model.yaml"
        )
    _check_columns(function, rows)
    estimator = trained.estimator
    rows = as_compared(rows, estimator).with_rounded()
    progress.step(f"compiling {type(estimator).__name__} to ONNX")
    collapsed = splits_characters(estimator) and prepares_texts(function) and _are_collapsed(rows)
    try:
        converted = to_graph(estimator, rows, function.name, collapsed=collapsed)
        graph, figures = _compared(estimator, converted, rows, probes(estimator, rows, collapsed=collapsed), progress)
    except (ConversionError, ParityError) as error:
        raise type(error)(f"{function.name}: {with_native(str(error), estimator)}") from error
    progress.step(f"equal: the largest difference is {figures['greatest_difference']:.2g} ({figures['measure']})")
    if collapsed:
        progress.step(f"note: {COLLAPSED}")
    found = reach(estimator, graph, rows)
    if found.factor < NOTED:
        progress.step(
            f"note: the graph equals the estimator up to {found.factor:g} times the largest example; larger numbers "
            "are rejected (backend: sklearn in model.yaml accepts them)"
        )
    assumed = [COLLAPSED] if collapsed else []
    described = {**graph.described(), "parity": figures, "assumes": assumed}
    return Made(
        {GRAPH_FILE: graph.data}, GRAPH_FILE, replace(rows, columns=found.columns), LIBRARIES, compiled=described
    )


def _check_columns(function: Function, rows: Rows) -> None:
    """Raise ConversionError if a column has a type that no graph has an input for."""
    for column in rows.columns:
        if column.type in {"datetime", "date"}:
            raise ConversionError(
                f"{function.name}: column {column.name} has {column.type}s, which a graph does not support: train on "
                "numbers made of them, or set backend: sklearn in model.yaml"
            )


def _compared(
    estimator: Any, converted: bytes, rows: Rows, generated: Rows, progress: Progress
) -> tuple[Graph, dict[str, Any]]:
    """Return the graph to serve and the result of its comparison: optimised, or as converted if that is not equal."""
    progress.step(f"comparing on {len(rows):,} examples and {len(generated):,} generated rows")
    plain = Graph(converted, rows.features)
    try:
        graph = Graph(optimized(converted), rows.features, optimized=True)
        return graph, compare(estimator, graph, rows, generated)
    except (ConversionError, ParityError):
        return plain, compare(estimator, plain, rows, generated)


def _are_collapsed(rows: Rows) -> bool:
    """Return whether no text in the examples has repeated white space."""
    places = [place for place, column in enumerate(rows.columns) if column.type == "string"]
    return all(are_collapsed(text for text in rows.column(place) if not is_missing(text)) for place in places)
