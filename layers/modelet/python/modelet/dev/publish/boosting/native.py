"""Versions that a library for gradient boosting serves itself: its own file, compared with the estimator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from modelet.backends import BACKENDS, resolve
from modelet.dev.publish.boosting.codes import coded
from modelet.dev.publish.boosting.costs import NAMES, compared
from modelet.dev.publish.boosting.libraries import adapter, library_of, released, unsaved
from modelet.dev.publish.draft import UNWRITTEN, Made, draft, listed
from modelet.dev.publish.onnx.doubles import as_compared
from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.parity.compare import compare
from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.source.answer import SHAPED, outputs_of, shape_of
from modelet.errors import ConversionError, ParityError, PublishError
from modelet.store.manifest import FrameColumn, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.source.rows import Rows
    from modelet.dev.publish.source.trained import Trained


class Native:
    """A booster, loaded, fed and run by the class that serves it."""

    def __init__(self, library: str, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        self._model = resolve(BACKENDS[library].model)()
        with draft(manifest, files) as artifacts:
            self._model.load(artifacts)

    def answer(self, instances: list[Any]) -> dict[str, NDArray[Any]]:
        """Return the outputs for instances, by name. Raises PublishError if the backend rejects them."""
        try:
            found: dict[str, NDArray[Any]] = self._model.infer(self._model.preprocess(instances))
        except Exception as error:  # any error would fail a request
            raise PublishError(f"the booster fails: {line(error)}") from error
        return found


def _made(library: str, function: Function, trained: Trained, rows: Rows, progress: Progress) -> Made:
    """Return a library's own file, and what the comparison of its predictions found.

    Raises ConversionError for an estimator of another library, and ParityError.
    """
    estimator, name = trained.estimator, NAMES[library]
    if library_of(estimator) != library:
        raise ConversionError(
            f"{function.name}: {type(estimator).__name__} is not a model of {name} alone: "
            "set backend: sklearn in model.yaml"
        )
    if why := unsaved(estimator):
        raise ConversionError(
            f"{function.name}: {type(estimator).__name__} {why}, or set backend: sklearn in model.yaml"
        )
    rows = as_compared(rows, estimator).with_rounded()
    progress.step(f"writing {name}'s own file")
    main = f"model{BACKENDS[library].ending}"
    files = {main: adapter(library).written(estimator)}
    frame = _frame(rows, estimator)
    generated = probes(estimator, rows)
    progress.step(f"comparing on {len(rows):,} examples and {len(generated):,} generated rows")
    native = Native(library, _manifest(library, main, files, rows, frame, estimator), files)
    try:
        figures = compare(estimator, native, rows, generated)
    except ParityError as error:
        said = str(error).replace("the graph", f"{name}'s own file").replace("graph ", "file ")
        raise ParityError(f"{function.name}: {said}") from error
    progress.step(f"equal: the largest difference is {figures['greatest_difference']:.2g} ({figures['measure']})")
    progress.step(f"note: {compared(library)}")
    distribution, _ = released(library)
    described = {"backend": library, "parity": figures}
    return Made(files, main, rows, (distribution, "numpy"), compiled=described, frame=frame)


lightgbm = partial(_made, "lightgbm")
xgboost = partial(_made, "xgboost")
catboost = partial(_made, "catboost")


def _frame(rows: Rows, estimator: Any) -> tuple[FrameColumn, ...]:
    """Return one record for each column if the model has pandas' categories, whose order is that of their codes."""
    values = {place: known for place, known in coded(estimator).items() if known is not None}
    if not values:
        return ()
    return tuple(
        FrameColumn("category", categories=tuple(values[place])) if place in values else FrameColumn("float64")
        for place in range(len(rows.columns))
    )


def _manifest(
    library: str,
    main: str,
    files: Mapping[str, bytes],
    rows: Rows,
    frame: tuple[FrameColumn, ...],
    estimator: Any,
) -> Manifest:
    """Return a manifest with what the backend needs for a comparison."""
    name, version = released(library)
    shape = shape_of(estimator, outputs_of(estimator, rows.take(rows.spread(SHAPED)).data))
    return Manifest(
        name="draft",
        model_lib=name,
        model_lib_version=version,
        model_data=main,
        features=rows.features,
        class_name="",
        metric="",
        performance={},
        feature_importance={},
        model_info={"task": shape.task, "labels": shape.labels},
        answer=shape.answer,
        files=listed(files),
        columns=rows.columns,
        runtime={},
        frame=frame,
        **UNWRITTEN,
    )
