"""Read a trained model from a file: a pickled estimator, a booster or an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.onnx import DTYPES
from modelet.dev.publish.boosting.files import ENDINGS as BOOSTERS
from modelet.dev.publish.boosting.files import opened
from modelet.dev.publish.boosting.libraries import adapted
from modelet.dev.publish.onnx.graph import Graph, check_inputs, check_servable, read_model
from modelet.dev.publish.onnx.zipmap import without_zipmap
from modelet.dev.publish.parity.predictions import Answers, answers_of
from modelet.dev.publish.source.cells import typed
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.examples import fitted_to, read_for, read_table
from modelet.dev.publish.source.labels import outcome
from modelet.dev.publish.source.pickles import loaded
from modelet.dev.publish.source.rows import Rows, is_frame
from modelet.dev.publish.source.trained import Trained
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from modelet.backends.onnx import Feeds, Outputs
    from modelet.dev.progress import Progress
    from modelet.dev.publish.source.answer import Shape
    from modelet.dev.publish.source.columns import Type
    from modelet.store.manifest import Column

PICKLES = (".joblib", ".pkl", ".pickle")
GRAPH = ".onnx"


@dataclass(frozen=True)
class GivenGraph:
    """A graph from a file, and its predictions for the examples.

    rows, answers: the examples and the graph's predictions for them; without columns, the graph's own tensors. There is
    no estimator to compare it with. It is only checked that single rows and many rows give the same predictions.
    """

    graph: Graph
    producer: tuple[str, str]
    rows: Rows
    features: tuple[str, ...]
    shape: Shape
    answers: Answers
    figures: dict[str, Any]


def given(
    path: Path, examples: Path, bounded: bool, progress: Progress, types: Mapping[str, Type] | None = None
) -> Trained | GivenGraph:
    """Read the model in a file, with its examples.

    bounded: use the examples' range as bounds of numbers. types: the types of a CSV's columns. Raises PublishError.
    """
    if path.suffix in (*PICKLES, *BOOSTERS):
        estimator = _estimator(path, progress)
        data, names = fitted_to(estimator, read_for(estimator, examples, types or {}))
        columns = columns_of(data, names, bounded=bounded)
        return Trained(estimator=estimator, examples=data, metrics={}, metric="", feature_names=names, columns=columns)
    if path.suffix != GRAPH:
        known = ", ".join((*PICKLES, GRAPH, *BOOSTERS))
        raise PublishError(f"{path.name} is neither an estimator nor a graph: give {known}")
    progress.step(f"checking {path.name}")
    return _given_graph(path, examples, bounded, types or {}, progress)


def _estimator(path: Path, progress: Progress) -> Any:
    """Return the estimator in a pickle, or in a file of a library for gradient boosting. Raises PublishError."""
    if path.suffix in BOOSTERS:
        progress.step(f"opening {path.name}")
        return opened(path)
    progress.step(f"opening {path.name}: unpickling runs the code in it, so use only files that you trust")
    estimator = adapted(loaded(path))
    if not hasattr(estimator, "predict"):
        raise PublishError(f"{path.name} has a {type(estimator).__name__}: give a fitted scikit-learn estimator")
    return estimator


def _given_graph(
    path: Path, examples: Path, bounded: bool, types: Mapping[str, Type], progress: Progress
) -> GivenGraph:
    content = path.read_bytes()
    model = read_model(content, path.name)
    labels = without_zipmap(model)
    if labels:
        progress.step("removing the graph's ZipMap: the probabilities before it are served")
        content = model.SerializeToString(deterministic=True)
    check_servable(model)
    graph = Graph(content)
    check_inputs(graph)
    if moments := [name for name, kind in types.items() if kind in {"datetime", "date"}]:
        raise PublishError(
            f"--types gives {moments[0]} the type {types[moments[0]]}, but a graph takes only numbers and texts: "
            "give the inputs of the graph as numbers"
        )
    table = _chosen(graph, read_table(examples, lambda cells: typed(cells, types, _types(graph, cells))))
    feeds = graph_feeds(graph, table)
    columns = columns_for(graph, table, bounded)
    outputs, figures = checked(graph, feeds)
    shape = outcome(model, outputs, labels)
    return GivenGraph(
        graph,
        (model.producer_name or "onnx", model.producer_version or "unknown"),
        Rows(table, "text" if isinstance(table, list) else "matrix", columns),
        tuple(column.name for column in columns) or tuple(graph.inputs),
        shape,
        answers_of(outputs, len(table)) if shape.answer else Answers(None, np.zeros((len(table), 0))),
        figures,
    )


def _types(graph: Graph, cells: Any) -> dict[str, Type]:
    """Return the types of a CSV's columns from the graph's inputs: one input per column, or one for all of them."""
    kinds: dict[str, Type] = {
        name: "string" if node.type == "tensor(string)" else "number" for name, node in graph.inputs.items()
    }
    if len(kinds) == 1 and not set(kinds) & set(cells.columns):
        [kind] = kinds.values()
        return dict.fromkeys(cells.columns, kind)
    return kinds


def _chosen(graph: Graph, table: Any) -> Any:
    """Return the columns that the graph takes by name, in its order, or all for its one input. Raises PublishError."""
    if len(graph.inputs) == 1 and not (is_frame(table) and next(iter(graph.inputs)) in table.columns):
        return table
    if not is_frame(table) or (missing := [name for name in graph.inputs if name not in table.columns]):
        raise PublishError(
            f"the examples have no {', '.join(missing) if is_frame(table) else 'names'}: "
            f"give one column for each input of the graph: {', '.join(graph.inputs)}"
        )
    return table[list(graph.inputs)]


def graph_feeds(graph: Graph, table: Any) -> Feeds:
    """Return a file's rows as the inputs of a graph. Raises PublishError."""
    try:
        if len(graph.inputs) > 1 or (is_frame(table) and list(table.columns) == list(graph.inputs)):
            return {name: _tensor(table[name].tolist(), node) for name, node in graph.inputs.items()}
        [(name, node)] = graph.inputs.items()
        return {name: _tensor(table.to_numpy().tolist() if is_frame(table) else list(table), node)}
    except (ValueError, TypeError) as error:
        raise PublishError(
            f"the examples do not fit the graph ({error}): give its inputs, {', '.join(graph.inputs)}"
        ) from error


def _tensor(values: Sequence[Any], node: Any) -> NDArray[Any]:
    array = np.array(values, dtype=DTYPES[node.type])
    return array.reshape(-1, 1) if array.ndim == 1 and len(node.shape) == 2 else array


def checked(graph: Graph, feeds: Feeds) -> tuple[Outputs, dict[str, Any]]:
    """Run the examples together and some alone, because a graph that mixes rows cannot serve batches."""
    count = len(next(iter(feeds.values())))
    together = graph.run(feeds)
    for name, values in together.items():
        if values.shape[:1] != (count,):
            raise PublishError(
                f"the graph's output {name} has shape {values.shape} for {count} rows: it must have one row for each"
            )
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise PublishError(f"the graph's output {name} is NaN or infinite for some examples: fix the graph")
    for index in range(min(count, 16)):
        alone = graph.run({name: values[index : index + 1] for name, values in feeds.items()})
        for name, values in alone.items():
            same = (
                np.allclose(values[0], together[name][index], rtol=1e-5, atol=1e-5)
                if values.dtype.kind == "f"
                else np.array_equal(values[0], together[name][index])
            )
            if not same:
                raise PublishError(f"the graph's output {name} of example {index} depends on the other rows: fix it")
    return together, {"example_rows": count, "compared_with": "nothing: the graph was given without an estimator"}


def columns_for(graph: Graph, table: Any, bounded: bool) -> tuple[Column, ...]:
    """Return the columns of the examples, or none if the graph's inputs are tensors. Raises PublishError."""
    widths = [node.shape[1:] for node in graph.inputs.values()]
    if any(len(width) != 1 for width in widths) or (len(widths) > 1 and any(width != [1] for width in widths)):
        return ()
    if is_frame(table) and isinstance(table.iloc[0, 0], list):
        return ()
    columns = columns_of(table, bounded=bounded)
    nodes = [list(graph.inputs.values())[place if len(widths) > 1 else 0] for place in range(len(columns))]
    for column, node in zip(columns, nodes, strict=True):
        _check_fits(column, node)
    rounded = Rows(table, "text" if isinstance(table, list) else "matrix", columns).with_rounded().columns
    return tuple(
        new if node.type == "tensor(float)" else column
        for column, new, node in zip(columns, rounded, nodes, strict=True)
    )


def _check_fits(column: Column, node: Any) -> None:
    """Raise PublishError if an input of the graph would change the values of a column."""
    if node.type == "tensor(int64)" and column.type == "number":
        raise PublishError(
            f"column {column.name} has numbers, but the graph's input {node.name} takes whole numbers and would "
            "drop the fractions: give whole numbers, or convert the model with float32 inputs"
        )
    if (node.type == "tensor(string)") != (column.type == "string"):
        wanted = "numbers" if column.type == "string" else "texts"
        raise PublishError(
            f"column {column.name} is {column.type}, but the graph's input {node.name} takes {wanted}: "
            f"give examples with {wanted} (a .json file shows the types)"
        )
    if column.nullable and node.type in {"tensor(string)", "tensor(int64)"}:
        raise PublishError(
            f"column {column.name} has missing values, which the graph's input {node.name} does not support: "
            "give each row a value, as requests must"
        )
