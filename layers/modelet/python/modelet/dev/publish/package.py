"""Packages: all the files of a version and its manifest, complete before the first byte is written to a store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelet.dev.publish.conversion import to_graph
from modelet.dev.publish.draft import UNWRITTEN, Package, listed
from modelet.dev.publish.examples import rows_of
from modelet.dev.publish.facts import importance, information, runtime
from modelet.dev.publish.frames import frame_of
from modelet.dev.publish.graph import GRAPH_FILE, Graph
from modelet.dev.publish.optimization import optimized
from modelet.dev.publish.parity import COMPARED, compare, told
from modelet.dev.publish.parts import splits_characters
from modelet.dev.publish.pickles import MAIN, check_reloads, dumped
from modelet.dev.publish.probes import probes
from modelet.dev.publish.reach import NOTED, reach
from modelet.dev.publish.rows import is_frame, is_missing
from modelet.dev.publish.serving import check_serves, is_left_to_backend, prepares_texts
from modelet.dev.publish.texts import are_collapsed
from modelet.errors import ConversionError, ParityError, PublishError
from modelet.layout import NAME_RULES, is_artifact
from modelet.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelet.dev.progress import Progress
    from modelet.dev.project import Function
    from modelet.dev.publish.given import GivenGraph
    from modelet.dev.publish.rows import Rows
    from modelet.dev.publish.trained import Trained
    from modelet.manifest import FrameColumn, Pickled

COLLAPSED = "texts have no runs of white space, as in the examples: collapse them in preprocess"
"""What is taken for granted of texts that the author's own code prepares, where character n-grams are made of them.

To look for runs in the graph takes 10 µs a request, which such code has spent already.
"""

FOUND_OUT = frozenset({"task", "labels", "targets", "params"})
"""What publish itself says in model_info."""


def package(function: Function, trained: Trained, progress: Progress) -> Package:
    """A trained model, compiled and compared where its backend is ONNX, and asked what will be served.

    Raises PublishError and its kin.
    """
    rows = rows_of(trained)
    several = isinstance(trained.estimator, Mapping)
    estimator = trained.estimator.get(MAIN) if several else trained.estimator
    targets = None if several else told(estimator, rows.take([0])).targets
    compiled: dict[str, Any] | None = None
    frame: tuple[FrameColumn, ...] = ()
    pickled: Pickled | None = None
    libraries: Iterable[str]
    if function.spec.backend == "sklearn":
        (files, pickled), main = _pickled(function, trained, rows, progress), f"{MAIN}.joblib"
        pickled = pickled._replace(dtype=_dtype(rows))
        frame = frame_of(rows, estimator)
        libraries = {*pickled.packages.values(), *(["pandas"] if frame else [])}
    else:
        files, compiled, rows = _compiled(function, trained, rows.with_rounded(), progress)
        main, libraries = GRAPH_FILE, ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime")
    for name, value in trained.files.items():
        if name in files or not is_artifact(name):
            raise PublishError(f"files has {name!r}: choose another name, {NAME_RULES['file']}")
        files[name] = value if isinstance(value, bytes) else _json(name, value)
    if taken := FOUND_OUT & trained.info.keys():
        raise PublishError(f"info says {', '.join(sorted(taken))}, which publish finds out itself: leave it out")
    manifest = Manifest(
        name=function.name,
        model_lib="scikit-learn",
        model_lib_version=runtime("scikit-learn")["scikit-learn"],
        model_data=main,
        features=rows.features,
        class_name=type(estimator).__name__,
        metric=trained.metric,
        performance=dict(trained.metrics),
        feature_importance=importance(estimator, rows.features),
        model_info={**trained.info, **information(estimator, targets)},
        files=listed(files),
        columns=rows.columns,
        compiled=compiled,
        runtime=runtime(*libraries),
        frame=frame,
        pickled=pickled,
        **UNWRITTEN,
    )
    ready = Package(files, manifest)
    if is_left_to_backend(function):
        if several:
            raise PublishError(f"{function.name}: several objects need a class that opens them: write app.py")
        part = rows.take(rows.spread(COMPARED))
        check_serves(function, ready, part, told(estimator, part), progress)
    return ready


def package_graph(function: Function, given: GivenGraph, progress: Progress) -> Package:
    """A graph that was given, byte for byte: whoever made it may know it by its hash.

    Raises PublishError where it is not what the function can serve.
    """
    if function.spec.backend != "onnx":
        raise PublishError(
            f"functions/{function.folder.name}/model.yaml says backend: {function.spec.backend}, "
            "but the file is an ONNX graph: remove backend there"
        )
    files = {GRAPH_FILE: given.graph.data}
    library, library_version = given.producer
    manifest = Manifest(
        name=function.name,
        model_lib=library,
        model_lib_version=library_version,
        model_data=GRAPH_FILE,
        features=given.features,
        class_name="ModelProto",
        metric="",
        performance={},
        feature_importance={},
        model_info={"task": given.task, "labels": list(given.labels)},
        files=listed(files),
        columns=given.rows.columns,
        compiled={**given.graph.described(), "parity": given.figures},
        runtime=runtime("numpy", "onnx", "onnxruntime"),
        **UNWRITTEN,
    )
    ready = Package(files, manifest)
    if is_left_to_backend(function):
        places = given.rows.spread(COMPARED)
        check_serves(function, ready, given.rows.take(places), given.answers.take(list(places)), progress)
    return ready


def _dtype(rows: Rows) -> str:
    """The type of the array that requests are made into: that of the examples, where requests can be."""
    if rows.layout != "matrix" or is_frame(rows.data):
        return "float64"
    if rows.data.dtype.kind == "f":
        return "float64" if rows.data.dtype.itemsize > 4 else "float32"
    are_whole = all(column.type == "integer" and not column.nullable for column in rows.columns)
    return "int64" if are_whole and rows.data.dtype.kind in "iu" else "float64"


def _pickled(function: Function, trained: Trained, rows: Rows, progress: Progress) -> tuple[dict[str, bytes], Pickled]:
    progress.step("pickling, and opening the pickle again")
    files = dumped(trained.estimator)
    return files, check_reloads(files, function.folder, trained.estimator, rows, progress)


def _compiled(
    function: Function, trained: Trained, rows: Rows, progress: Progress
) -> tuple[dict[str, bytes], dict[str, Any], Rows]:
    """The files, what the manifest says of the graph, and the rows with the bounds that were found."""
    if isinstance(trained.estimator, Mapping):
        raise ConversionError(
            f"{function.name}: several objects cannot become one graph: say backend: sklearn in model.yaml"
        )
    estimator = trained.estimator
    progress.step(f"compiling {type(estimator).__name__} to ONNX")
    collapsed = splits_characters(estimator) and prepares_texts(function) and _are_collapsed(rows)
    try:
        converted = to_graph(estimator, rows, function.name, collapsed=collapsed)
        graph, figures = _compared(estimator, converted, rows, probes(estimator, rows, collapsed=collapsed), progress)
    except (ConversionError, ParityError) as error:
        raise type(error)(f"{function.name}: {error}") from error
    progress.step(f"equal: the greatest difference is {figures['greatest_difference']:.2g} ({figures['measure']})")
    if collapsed:
        progress.step(f"note: {COLLAPSED}")
    found = reach(estimator, graph, rows)
    if found.factor < NOTED:
        progress.step(
            f"note: up to {found.factor:g} times the greatest example the graph answers as the estimator does; numbers "
            "beyond are refused (backend: sklearn in model.yaml takes them)"
        )
    assumed = [COLLAPSED] if collapsed else []
    described = {**graph.described(), "parity": figures, "assumes": assumed}
    return {GRAPH_FILE: graph.data}, described, replace(rows, columns=found.columns)


def _compared(
    estimator: Any, converted: bytes, rows: Rows, generated: Rows, progress: Progress
) -> tuple[Graph, dict[str, Any]]:
    """The graph that will be served and what comparing it showed: optimised, or as converted where that is refused."""
    progress.step(f"comparing on {len(rows):,} examples and {len(generated):,} generated rows")
    plain = Graph(converted, rows.features)
    try:
        graph = Graph(optimized(converted), rows.features, optimized=True)
        return graph, compare(estimator, graph, rows, generated)
    except (ConversionError, ParityError):
        return plain, compare(estimator, plain, rows, generated)


def _are_collapsed(rows: Rows) -> bool:
    """Whether no text of the examples has runs of white space."""
    places = [place for place, column in enumerate(rows.columns) if column.type == "string"]
    return all(are_collapsed(text for text in rows.column(place) if not is_missing(text)) for place in places)


def _json(name: str, value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise PublishError(f"files: {name} is neither bytes nor JSON ({error}): give one of them") from error
