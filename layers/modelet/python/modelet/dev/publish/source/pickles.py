"""joblib files: write them for `backend: sklearn`, and read those of authors."""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from modelet.dev.project.author import author_modules
from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.parity.predictions import estimator_answers
from modelet.dev.publish.source.imports import data_files, pickled
from modelet.dev.publish.source.train import TRAIN
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelet.dev.progress import Progress
    from modelet.dev.publish.source.rows import Rows
    from modelet.store.manifest import Pickled

MAIN = "model"
NAME = re.compile(r"[a-z][a-z0-9_-]*")
SHOWN = 5
"""The most data files that a note names."""


def dumped(estimator: Any) -> dict[str, bytes]:
    """Return one joblib file for an estimator, or one for each object of a dict. Raises PublishError."""
    objects = estimator if isinstance(estimator, Mapping) else {MAIN: estimator}
    if MAIN not in objects:
        raise PublishError(f"estimator has no {MAIN!r}, only {', '.join(map(str, objects))}: rename the main object")
    files = {}
    for name, value in objects.items():
        if not NAME.fullmatch(name):
            raise PublishError(f"estimator has {name!r}: use a name of lower-case letters, digits, _ and -")
        buffer = io.BytesIO()
        try:
            joblib.dump(value, buffer)
        except Exception as error:  # a pickle may raise any error
            raise PublishError(
                f"{name} cannot be pickled ({line(error)}): remove lambdas and open files from it"
            ) from error
        files[f"{name}.joblib"] = buffer.getvalue()
    return files


def check_reloads(
    files: Mapping[str, bytes], folder: Path, estimator: Any, rows: Rows, progress: Progress | None = None
) -> Pickled:
    """Open the files as the function will, and compare the predictions. Return their imports. Raises PublishError."""
    with as_in_the_image(folder):
        try:
            again = {name: joblib.load(io.BytesIO(data)) for name, data in files.items()}
        except ImportError as error:
            raise PublishError(
                f"the pickle needs {error.name}, which is not in the image: "
                f"move the code that the estimator uses from {TRAIN}.py to another module in the folder"
            ) from error
        imported, strangers = pickled(again.values(), folder)
        data = data_files(folder) if imported.modules else []
        if data and progress:
            progress.step(
                f"note: modules that the pickle uses may read {', '.join(data[:SHOWN])}"
                f"{f' and {len(data) - SHOWN} more' if len(data) > SHOWN else ''} in functions/{folder.name}/, which "
                "are not part of the version: changing such a file changes predictions silently. "
                "Keep its contents in the estimator's attributes"
            )
        if not isinstance(estimator, Mapping):
            _check_same(estimator, again[f"{MAIN}.joblib"], rows)
    if strangers:
        raise PublishError(_homeless(strangers[0], folder))
    return imported


def _check_same(estimator: Any, again: Any, rows: Rows) -> None:
    """Raise PublishError if an estimator that was opened again predicts differently."""
    before, after = estimator_answers(estimator, rows), estimator_answers(again, rows)
    if before.labels != after.labels or not np.array_equal(before.numbers, after.numbers, equal_nan=True):
        raise PublishError("the estimator predicts differently after pickling: keep its state in its attributes")


def _homeless(module: str, folder: Path) -> str:
    """Return why a module that a pickle needs would not be in the image, with the remedy."""
    if module == "__main__":
        return (
            "the pickle needs classes or functions of the program that trained it (__main__): put them into a module "
            f"such as functions/{folder.name}/features.py, import them from there, and train again"
        )
    return (
        f"the pickle needs the module {module}, which is neither in functions/{folder.name} nor in an installed "
        f"package, so it would not be in the image: put {module}.py into functions/{folder.name} and train again, or "
        "install its package (not as editable)"
    )


@contextmanager
def as_in_the_image(folder: Path) -> Iterator[None]:
    """Let pickles import a function's modules except train.py, which is not in the image."""
    with author_modules(folder):
        hidden = sys.modules.pop(TRAIN, None)
        sys.modules[TRAIN] = None  # type: ignore[assignment] # makes the import fail
        try:
            yield
        finally:
            del sys.modules[TRAIN]
            if hidden is not None:
                sys.modules[TRAIN] = hidden


def loaded(path: Path) -> Any:
    """Return the object in an author's pickle. This runs the code in the pickle. Raises PublishError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", InconsistentVersionWarning)
            return joblib.load(path)
    except InconsistentVersionWarning as warning:
        raise PublishError(
            f"{path.name} was written with scikit-learn {warning.original_sklearn_version}, but "
            f"{warning.current_sklearn_version} is installed: install the other version, or train again"
        ) from warning
    except ModuleNotFoundError as error:
        raise PublishError(
            f"{path.name} needs the module {error.name}, which is not installed: install its package, or put "
            f"{str(error.name).partition('.')[0]}.py into the function's folder"
        ) from error
    except Exception as error:  # a pickle may raise any error
        if "__main__" in str(error):
            raise PublishError(
                f"{path.name} needs code from the program that wrote it ({line(error)}): move that code to a "
                "module in the function's folder, such as features.py, import it from there, and train again"
            ) from error
        raise PublishError(
            f"{path.name} cannot be opened ({type(error).__name__}: {line(error)}): "
            "give a file that joblib or pickle wrote with the library versions of this machine"
        ) from error
