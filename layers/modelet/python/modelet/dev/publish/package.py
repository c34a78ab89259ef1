"""Packages: all files of a version and its manifest, complete before anything is written to a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelet.backends import AUTO, BACKENDS, DEFAULT, resolve
from modelet.dev.publish.boosting.codes import with_codes
from modelet.dev.publish.boosting.libraries import adapted, distribution, library_of
from modelet.dev.publish.draft import UNWRITTEN, Package, check_info, listed, own_files
from modelet.dev.publish.facts import importance, parameters, runtime
from modelet.dev.publish.onnx.graph import GRAPH_FILE
from modelet.dev.publish.parity.compare import COMPARED, told
from modelet.dev.publish.parity.smoke_test import check_serves, is_left_to_backend
from modelet.dev.publish.several import package_several
from modelet.dev.publish.source.answer import SHAPED, outputs_of, shape_of, stated
from modelet.dev.publish.source.examples import rows_of
from modelet.dev.publish.source.parts import final
from modelet.dev.publish.source.pickles import MAIN
from modelet.errors import PublishError
from modelet.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.draft import Made
    from modelet.dev.publish.source.answer import Shape
    from modelet.dev.publish.source.file import GivenGraph
    from modelet.dev.publish.source.rows import Rows
    from modelet.dev.publish.source.trained import Trained


def package(function: Function, trained: Trained, progress: Progress) -> Package:
    """Package a trained model, compiled and compared for the backend onnx, and test its predictions.

    Raises PublishError and its subclasses.
    """
    several = isinstance(trained.estimator, Mapping)
    if several and MAIN not in trained.estimator:
        return package_several(function, trained, progress, package)
    trained = replace(trained, estimator=adapted(trained.estimator))
    rows = rows_of(trained)
    estimator = trained.estimator.get(MAIN) if several else trained.estimator
    rows = with_codes(rows, estimator)
    shape = stated(estimator) if several else _shape(estimator, rows, trained.outputs)
    made: Made = resolve(BACKENDS[function.spec.backend].maker)(function, trained, rows, progress)
    files, rows = made.files, made.rows
    booster = library_of(final(estimator))
    library = distribution(booster) if booster else "scikit-learn"
    files |= own_files(trained, files)
    check_info(trained)
    manifest = Manifest(
        name=function.name,
        model_lib=library,
        model_lib_version=runtime(library)[library],
        model_data=made.main,
        features=rows.features,
        class_name=type(estimator).__name__,
        metric=trained.metric,
        performance=dict(trained.metrics),
        feature_importance=importance(estimator, rows.features),
        model_info={
            **trained.info,
            "task": shape.task,
            "labels": shape.labels,
            "params": parameters(estimator),
            "backend": function.spec.backend,
        },
        answer=shape.answer,
        files=listed(files),
        columns=rows.columns,
        compiled=made.compiled,
        runtime=runtime(*made.libraries, library),
        frame=made.frame,
        pickled=made.pickled,
        **UNWRITTEN,
    )
    ready = Package(files, manifest, _sample(rows))
    if is_left_to_backend(function):
        if several:
            raise PublishError(f"{function.name}: several objects need a class that opens them: write app.py")
        part = rows.take(rows.spread(COMPARED))
        check_serves(function, ready, part, told(estimator, part), progress)
    return ready


def package_graph(function: Function, given: GivenGraph, progress: Progress) -> Package:
    """Package a given graph without any change to its bytes, so that its hash stays the same.

    Raises PublishError if the function cannot serve it.
    """
    backend = DEFAULT if function.spec.backend == AUTO else function.spec.backend
    function = function.with_backend(backend)
    if not GRAPH_FILE.endswith(BACKENDS[backend].ending):
        raise PublishError(
            f"functions/{function.folder.name}/model.yaml has backend: {backend}, "
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
        model_info={"task": given.shape.task, "labels": given.shape.labels, "backend": backend},
        answer=given.shape.answer,
        files=listed(files),
        columns=given.rows.columns,
        compiled={**given.graph.described(), "parity": given.figures},
        runtime=runtime("numpy", "onnx", "onnxruntime"),
        **UNWRITTEN,
    )
    ready = Package(files, manifest, _sample(given.rows))
    if is_left_to_backend(function):
        places = given.rows.spread(COMPARED)
        check_serves(function, ready, given.rows.take(places), given.answers.take(list(places)), progress)
    return ready


def _shape(estimator: Any, rows: Rows, names: Sequence[str] | None) -> Shape:
    """Return the shape of the predictions. Raises PublishError if the estimator cannot predict its own examples."""
    some = rows.take(rows.spread(SHAPED))
    told(estimator, some)
    return shape_of(estimator, outputs_of(estimator, some.data), names)


def _sample(rows: Rows) -> tuple[dict[str, Any], ...]:
    """Return the first and the last row as requests have them; empty if they have no columns."""
    return tuple(rows.take([0, len(rows) - 1]).instances()) if rows.columns and len(rows) else ()
