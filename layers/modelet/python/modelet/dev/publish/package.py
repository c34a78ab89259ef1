"""Packages: all the files of a version and its manifest, complete before the first byte is written to a store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelet.dev.publish.conversion import to_graph
from modelet.dev.publish.examples import rows_of
from modelet.dev.publish.facts import importance, information, runtime
from modelet.dev.publish.graph import Graph
from modelet.dev.publish.parity import compare, told
from modelet.dev.publish.pickles import MAIN, check_reloads, dumped
from modelet.dev.publish.probes import assumptions, probes
from modelet.errors import ConversionError, ParityError, PublishError
from modelet.layout import NAME_RULES, is_artifact
from modelet.manifest import ArtifactFile, Manifest, digest

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project import Function
    from modelet.dev.publish.given import GivenGraph
    from modelet.dev.publish.rows import Rows
    from modelet.dev.publish.trained import Trained

GRAPH_FILE = "model.onnx"
UNWRITTEN: dict[str, Any] = {"version": "0", "created_at": "1970-01-01T00:00:00Z"}
"""Stands in a manifest until a version is claimed."""


@dataclass(frozen=True)
class Package:
    """What will be a version: its files, and its manifest but for the version and the time."""

    files: Mapping[str, bytes]
    manifest: Manifest

    def manifest_of(self, version: str, created_at: str) -> bytes:
        """model.json of one version; the same arguments give the same bytes."""
        return replace(self.manifest, version=version, created_at=created_at).to_json()


def package(function: Function, trained: Trained, progress: Progress) -> Package:
    """A trained model, compiled and compared where its backend is ONNX. Raises PublishError and its kin."""
    rows = rows_of(trained)
    compiled: dict[str, Any] | None = None
    libraries: tuple[str, ...]
    if function.spec.backend == "sklearn":
        files, main = _pickled(function, trained, rows, progress), f"{MAIN}.joblib"
        libraries = ("scikit-learn", "numpy", "joblib")
    else:
        files, compiled = _compiled(function, trained, rows, progress)
        main, libraries = GRAPH_FILE, ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime")
    for name, value in trained.files.items():
        if name in files or not is_artifact(name):
            raise PublishError(f"files has {name!r}: choose another name, {NAME_RULES['file']}")
        files[name] = value if isinstance(value, bytes) else _json(name, value)
    estimator = trained.estimator[MAIN] if isinstance(trained.estimator, Mapping) else trained.estimator
    information_ = information(estimator)
    if taken := information_.keys() & trained.info.keys():
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
        model_info={**trained.info, **information_},
        files=_listed(files),
        columns=rows.columns,
        compiled=compiled,
        runtime=runtime(*libraries),
        **UNWRITTEN,
    )
    return Package(files, manifest)


def package_graph(function: Function, given: GivenGraph) -> Package:
    """A graph that was given. Raises PublishError where the function's backend is not ONNX."""
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
        files=_listed(files),
        columns=given.columns,
        compiled={**given.graph.described(), "parity": given.figures},
        runtime=runtime("numpy", "onnx", "onnxruntime"),
        **UNWRITTEN,
    )
    return Package(files, manifest)


def _pickled(function: Function, trained: Trained, rows: Rows, progress: Progress) -> dict[str, bytes]:
    if not isinstance(trained.estimator, Mapping):
        told(trained.estimator, rows.take([0]))
    progress.step("pickling, and opening the pickle again")
    files = dumped(trained.estimator)
    check_reloads(files, function.folder, trained.estimator, rows)
    return files


def _compiled(
    function: Function, trained: Trained, rows: Rows, progress: Progress
) -> tuple[dict[str, bytes], dict[str, Any]]:
    if isinstance(trained.estimator, Mapping):
        raise ConversionError(
            f"{function.name}: several objects cannot become one graph: say backend: sklearn in model.yaml"
        )
    told(trained.estimator, rows.take([0]))
    progress.step(f"compiling {type(trained.estimator).__name__} to ONNX")
    try:
        graph = Graph(to_graph(trained.estimator, rows, function.name))
        generated = probes(trained.estimator, rows)
        progress.step(f"comparing on {len(rows):,} held-out and {len(generated):,} generated rows")
        figures = compare(trained.estimator, graph, rows, generated)
    except (ConversionError, ParityError) as error:
        raise type(error)(f"{function.name}: {error}") from error
    assumed = assumptions(trained.estimator, rows)
    progress.step(f"equal: the greatest difference is {figures['greatest_difference']:.2g} ({figures['measure']})")
    for assumption in assumed:
        progress.step(f"note: {assumption}")
    return {GRAPH_FILE: graph.data}, {**graph.described(), "parity": figures, "assumes": assumed}


def _json(name: str, value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise PublishError(f"files: {name} is neither bytes nor JSON ({error}): give one of them") from error


def _listed(files: Mapping[str, bytes]) -> tuple[ArtifactFile, ...]:
    return tuple(ArtifactFile(path, len(data), digest(data)) for path, data in sorted(files.items()))
