"""Write trained estimators to joblib files and check that they can be opened, for `backend: sklearn`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelet.dev.publish.boosting.costs import compared, library_inside
from modelet.dev.publish.boosting.libraries import library_of
from modelet.dev.publish.draft import Made
from modelet.dev.publish.source.frames import frame_of
from modelet.dev.publish.source.pickles import MAIN, check_reloads, dumped
from modelet.dev.publish.source.rows import is_frame
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function
    from modelet.dev.publish.source.rows import Rows
    from modelet.dev.publish.source.trained import Trained


def made(function: Function, trained: Trained, rows: Rows, progress: Progress) -> Made:
    """Return a joblib file for each object, and the modules that they need. Raises PublishError."""
    if type(trained.estimator).__module__.startswith("modelet."):
        raise ConversionError(
            f"{function.name}: a booster is not an estimator of scikit-learn: set backend: "
            f"{library_of(trained.estimator)} in model.yaml"
        )
    progress.step("pickling, and opening the pickle again")
    files = dumped(trained.estimator)
    opened = check_reloads(files, function.folder, trained.estimator, rows, progress)
    estimator = trained.estimator.get(MAIN) if isinstance(trained.estimator, Mapping) else trained.estimator
    frame = frame_of(rows, estimator)
    if library := library_inside(trained.estimator):
        progress.step(f"note: {compared(library, is_pickled=True)}")
    libraries = (*dict.fromkeys(opened.packages.values()), *(["pandas"] if frame else []))
    pickled = opened._replace(dtype=_dtype(rows))
    return Made(files, f"{MAIN}.joblib", rows, libraries, frame=frame, pickled=pickled)


def _dtype(rows: Rows) -> str:
    """Return the dtype of the array made from a request: that of the examples, if requests can have it."""
    if rows.layout != "matrix" or is_frame(rows.data):
        return "float64"
    if rows.data.dtype.kind == "f":
        return "float64" if rows.data.dtype.itemsize > 4 else "float32"
    are_whole = all(column.type == "integer" and not column.nullable for column in rows.columns)
    return "int64" if are_whole and rows.data.dtype.kind in "iu" else "float64"
