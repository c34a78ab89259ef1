"""Run a function's train.py."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelet.dev.project.author import author_modules
from modelet.dev.publish.onnx.graph import line
from modelet.dev.publish.source.exported import Exported
from modelet.dev.publish.source.module import ExportedModule
from modelet.dev.publish.source.trained import Trained
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.dev.project.project import Function

TRAIN = "train"
log = logging.getLogger(__name__)


@contextmanager
def trained(function: Function) -> Iterator[Any]:
    """Yield the result of train() in a function's train.py: Trained, Exported or ExportedModule.

    Its modules stay imported in the block, for its pickles.

    Raises PublishError: one line with the place in the author's code. Its cause is the original error, whose traceback
    is logged at level DEBUG.
    """
    shown = f"functions/{function.folder.name}/{TRAIN}.py"
    if not (function.folder / f"{TRAIN}.py").is_file():
        raise PublishError(
            f"{shown} is missing: write `def train() -> Trained` in it, or pass --from FILE --examples ROWS"
        )
    with author_modules(function.folder) as load:
        try:
            train = getattr(load(TRAIN), "train", None)
            result = train() if callable(train) else None
        except (Exception, SystemExit) as error:
            log.debug("%s failed", shown, exc_info=error)
            said = str(error) if isinstance(error, PublishError) else f"{type(error).__name__}: {line(error)}"
            raise PublishError(f"{shown}{_place(error, function.folder)}: {said}: fix it there") from error
        if train is None:
            raise PublishError(f"{shown} has no train(): write `def train() -> Trained` in it")
        if not isinstance(result, Trained | Exported | ExportedModule):
            raise PublishError(
                f"{shown}: train() returns {type(result).__name__}: return modelet.publishing.Trained(estimator=..., "
                "examples=..., metrics=..., metric=...)"
            )
        yield result


def _place(error: BaseException, folder: Path) -> str:
    """Return the innermost line in the author's own files."""
    if isinstance(error, SyntaxError) and error.filename:
        return f", {Path(error.filename).name} line {error.lineno}"
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if folder.resolve() in Path(frame.filename).parents
    ]
    if not frames:
        return ""
    name = Path(frames[-1].filename).name
    return f", {name} line {frames[-1].lineno}" if name != f"{TRAIN}.py" else f" line {frames[-1].lineno}"
