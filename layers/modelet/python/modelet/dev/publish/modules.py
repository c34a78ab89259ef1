"""Package an exported module of torch: check that its graph serves its examples, and how it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.backends.onnx import DTYPES, ENGINE
from modelet.dev.publish.draft import FOUND_OUT
from modelet.dev.publish.onnx.graph import Graph, check_inputs, check_servable, read_model
from modelet.dev.publish.onnx.optimize import optimized
from modelet.dev.publish.package import package_graph
from modelet.dev.publish.parity.predictions import Answers, answers_of
from modelet.dev.publish.source.exported import GRAPH_FILE
from modelet.dev.publish.source.file import GivenGraph, checked, columns_for
from modelet.dev.publish.source.labels import outcome
from modelet.dev.publish.source.module import read_module
from modelet.dev.publish.source.rows import Rows
from modelet.dev.publish.source.tensors import grouped
from modelet.errors import ParityError, PublishError

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Package
    from modelet.dev.publish.source.module import ExportedModule
    from modelet.dev.publish.source.tensors import Fields, Group

TOLERANCE = 1e-5


def package_module(function: Function, exported: ExportedModule, bounded: bool, progress: Progress) -> Package:
    """Package an exported module. Raises PublishError and its subclasses."""
    content, record = read_module(exported.folder)
    if taken := FOUND_OUT & exported.info.keys():
        raise PublishError(f"info has {', '.join(sorted(taken))}, which publish sets itself: remove it")
    progress.step(f"checking {record['class']}: compared with {record['parity']['compared_with']}")
    for note in record.get("notes", ()):
        progress.step(f"note: {note}")
    model = read_model(content, GRAPH_FILE)
    check_servable(model)
    graph = Graph(content)
    check_inputs(graph)
    fields = exported.fields().for_inputs(list(graph.inputs))
    groups = grouped(fields, {name: DTYPES[node.type] for name, node in graph.inputs.items()})
    outputs, figures = checked(graph, groups[0].feeds)
    served = Graph(optimized(content), optimized=True)
    figures["greatest_difference_when_optimized"] = _checked_equal(outputs, served, groups)
    table, columns = _table(served, fields, groups, bounded)
    shape = outcome(model, outputs)
    rows = len(groups[0].places)
    given = GivenGraph(
        served,
        ("torch", record["libraries"]["torch"]),
        Rows(table, "matrix", columns),
        tuple(column.name for column in columns) or tuple(served.inputs),
        shape,
        answers_of(outputs, rows) if shape.answer else Answers(None, np.zeros((rows, 0))),
        {**record["parity"], "served": figures},
    )
    package = package_graph(function, given, progress)
    info = {**exported.info, **package.manifest.model_info, "exported_from": record["kind"]}
    if exported.labels:
        info |= {"labels": list(exported.labels)}
    if exported.task != "other":
        info |= {"task": exported.task}
    manifest = package.manifest._replace(
        class_name=record["class"], metric=exported.metric, performance=dict(exported.metrics), model_info=info
    )
    return type(package)(package.files, manifest, package.instances)


def _table(graph: Graph, fields: Fields, groups: list[Group], bounded: bool) -> tuple[Any, tuple[Any, ...]]:
    """Return the examples as a table with its columns; there are none if the graph's inputs are tensors."""
    values = next(iter(groups[0].feeds.values()))
    if len(groups) > 1 or len(graph.inputs) > 1 or values.ndim != 2:
        return np.zeros((len(groups[0].places), 0)), ()
    table: Any = values
    if fields.columns:
        import pandas as pd

        table = pd.DataFrame(values, columns=list(fields.columns))
    return table, columns_for(graph, table, bounded)


def _checked_equal(outputs: Any, served: Graph, groups: list[Group]) -> float:
    """Return the greatest difference that the optimisations make. Raises ParityError if it is more than rounding."""
    greatest = 0.0
    for name, values in served.run(groups[0].feeds).items():
        if values.dtype.kind != "f":
            if not np.array_equal(values, outputs[name]):
                raise ParityError(_changed(name))
            continue
        size = np.maximum(np.abs(outputs[name]), float(np.abs(outputs[name]).mean()) or 1.0)
        difference = float((np.abs(values - outputs[name]) / size).max(initial=0.0))
        if not difference <= TOLERANCE:
            raise ParityError(_changed(name))
        greatest = max(greatest, difference)
    return greatest


def _changed(name: str) -> str:
    return (
        f"{ENGINE} changes the output {name} by its optimisations: install another release of onnxruntime, and publish "
        "again"
    )
