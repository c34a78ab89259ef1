"""A finished model from a file: an estimator that somebody pickled, or an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelet.dev.publish.columns import columns_of
from modelet.dev.publish.examples import fitted_to, read_table
from modelet.dev.publish.graph import TYPES, Graph, check_servable, read_model
from modelet.dev.publish.pickles import loaded
from modelet.dev.publish.rows import is_frame
from modelet.dev.publish.trained import Trained
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

    from modelet.dev.progress import Progress
    from modelet.manifest import Column

PICKLES = (".joblib", ".pkl", ".pickle")
GRAPH = ".onnx"


@dataclass(frozen=True)
class GivenGraph:
    """A graph that somebody else made, and what its examples showed.

    There is no estimator to compare it with: that it answers its examples, one by one as it does together, is what is
    known.
    """

    graph: Graph
    producer: tuple[str, str]
    columns: tuple[Column, ...]
    features: tuple[str, ...]
    task: Literal["classification", "regression", "other"]
    labels: tuple[Any, ...]
    figures: dict[str, Any]


def given(path: Path, examples: Path, bounded: bool, progress: Progress) -> Trained | GivenGraph:
    """The model in a file, with its examples; `bounded` takes numbers' bounds from them. Raises PublishError."""
    if path.suffix in PICKLES:
        progress.step(f"opening {path.name}: unpickling runs the code in it, so give only files that you trust")
        estimator = loaded(path)
        if not hasattr(estimator, "predict"):
            raise PublishError(f"{path.name} holds a {type(estimator).__name__}: give a fitted scikit-learn estimator")
        rows, names = fitted_to(estimator, read_table(examples))
        columns = columns_of(rows, names, bounded=bounded)
        return Trained(estimator=estimator, examples=rows, metrics={}, metric="", feature_names=names, columns=columns)
    if path.suffix != GRAPH:
        raise PublishError(f"{path.name} is neither an estimator nor a graph: give {', '.join((*PICKLES, GRAPH))}")
    progress.step(f"checking {path.name}")
    data = path.read_bytes()
    model = read_model(data, path.name)
    check_servable(model)
    graph = Graph(data)
    table = read_table(examples)
    feeds = graph_feeds(graph, table)
    figures = _check_answers(graph, feeds)
    columns = _columns(graph, table, bounded)
    labels, task = _outcome(graph, model, feeds)
    return GivenGraph(
        graph,
        (model.producer_name or "onnx", model.producer_version or "unknown"),
        columns,
        tuple(column.name for column in columns) or tuple(graph.inputs),
        task,
        labels,
        figures,
    )


def graph_feeds(graph: Graph, table: Any) -> dict[str, NDArray[Any]]:
    """A file's rows as the inputs of a graph: its columns by name, or all of them for its one input.

    Raises PublishError.
    """
    if strange := [f"{node.name} takes {node.type}" for node in graph.inputs.values() if node.type not in TYPES]:
        raise PublishError(f"the graph's input {strange[0]}, which requests do not carry: take float32, int64 or text")
    try:
        if len(graph.inputs) == 1:
            [(name, node)] = graph.inputs.items()
            if is_frame(table) and name in table.columns:
                return {name: _tensor(table[name].tolist(), node)}
            return {name: _tensor(table.to_numpy().tolist() if is_frame(table) else list(table), node)}
        if not is_frame(table) or (missing := [name for name in graph.inputs if name not in table.columns]):
            raise PublishError(
                f"the examples have no {', '.join(missing) if is_frame(table) else 'names'}: "
                f"give a column for each input of the graph, {', '.join(graph.inputs)}"
            )
        return {name: _tensor(table[name].tolist(), node) for name, node in graph.inputs.items()}
    except (ValueError, TypeError) as error:
        raise PublishError(
            f"the examples do not fit the graph ({error}): give its inputs, {', '.join(graph.inputs)}"
        ) from error


def _tensor(values: Sequence[Any], node: Any) -> NDArray[Any]:
    array = np.array(values, dtype=TYPES[node.type])
    return array.reshape(-1, 1) if array.ndim == 1 and len(node.shape) == 2 else array


def _check_answers(graph: Graph, feeds: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Run the examples together and some alone: a graph that mixes rows cannot serve requests of any size."""
    count = len(next(iter(feeds.values())))
    together = graph.run(feeds)
    for name, values in together.items():
        if values.shape[:1] != (count,):
            raise PublishError(
                f"the graph's output {name} has shape {values.shape} for {count} rows: give one row for each"
            )
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise PublishError(f"the graph's output {name} is NaN or infinite for some examples: mend the graph")
    for index in range(min(count, 16)):
        alone = graph.run({name: values[index : index + 1] for name, values in feeds.items()})
        for name, values in alone.items():
            same = (
                np.allclose(values[0], together[name][index], rtol=1e-5, atol=1e-5)
                if values.dtype.kind == "f"
                else np.array_equal(values[0], together[name][index])
            )
            if not same:
                raise PublishError(f"the graph's output {name} of example {index} changes with the rows beside it")
    return {"example_rows": count, "compared_with": "nothing: the graph was given without an estimator"}


def _columns(graph: Graph, table: Any, bounded: bool) -> tuple[Column, ...]:
    """The columns of the examples, in the order in which the graph takes them; none where its inputs are tensors."""
    widths = [node.shape[1:] for node in graph.inputs.values()]
    if len(widths) > 1:
        return columns_of(table[list(graph.inputs)], bounded=bounded) if all(width == [1] for width in widths) else ()
    tensor = len(widths[0]) != 1 or (is_frame(table) and isinstance(table.iloc[0, 0], list))
    return () if tensor else columns_of(table, bounded=bounded)


def _outcome(
    graph: Graph, model: onnx.ModelProto, feeds: dict[str, NDArray[Any]]
) -> tuple[tuple[Any, ...], Literal["classification", "regression", "other"]]:
    """What the outputs are: labels with their probabilities, one number a row, or something of its own."""
    import onnx

    answers = graph.run(feeds)
    if {"label", "probabilities"} <= set(answers):
        named = {
            attribute.name: onnx.helper.get_attribute_value(attribute)
            for node in model.graph.node
            for attribute in node.attribute
            if attribute.name.startswith("classlabels_") and (attribute.strings or attribute.ints)
        }
        found = next(iter(named.values()), None) or sorted(set(answers["label"].ravel().tolist()))
        labels = tuple(label.decode() if isinstance(label, bytes) else label for label in found)
        if answers["probabilities"].shape[1] == len(labels):
            return labels, "classification"
    numbers = list(answers.values())
    if len(numbers) == 1 and numbers[0].dtype.kind == "f" and numbers[0].size == len(numbers[0]):
        return (), "regression"
    return (), "other"
