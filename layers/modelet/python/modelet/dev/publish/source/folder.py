"""Read a model of texts from a folder: an exported one, or one that is exported first, by a Python with torch."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelet.dev.publish.source.exported import RECORD, Exported
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.dev.progress import Progress

CHECKPOINT, CONFIG = ".ckpt", "config.json"
LINES, JSON = ".txt", ".json"
PYTHON = Path(".tools", "export", "bin", "python")
PACKAGE = Path(__file__).resolve().parents[4]


def is_text_model(path: Path) -> bool:
    """Return whether `--from` names a folder or a checkpoint, and not an estimator or a graph."""
    return path.is_dir() or path.suffix == CHECKPOINT


@contextmanager
def exported(source: Path, examples: Path, progress: Progress, root: Path) -> Iterator[Exported]:
    """Yield the exported model of a folder or a checkpoint. root: the project's folder. Raises PublishError."""
    found = read_texts(examples)
    if (source / RECORD).is_file():
        yield Exported(folder=source, examples=found)
        return
    _check_folder(source)
    python = root / PYTHON
    if not python.is_file():
        raise PublishError(
            f"{source.name} must be exported first, which needs torch: run `make export`, and publish again"
        )
    with tempfile.TemporaryDirectory() as folder:
        progress.step(f"exporting {source.name} to ONNX, and comparing the graph with torch")
        target = Path(folder) / source.name
        command = [str(python), "-W", "ignore", "-m", "modelet.dev.publish.export", str(source), "--to", str(target)]
        environment = {"PYTHONPATH": str(PACKAGE), "PATH": str(python.parent), "HF_HUB_OFFLINE": "1", "HOME": folder}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise PublishError(f"{source.name} cannot be exported: {said.removeprefix('error: ')}")
        yield Exported(folder=target, examples=found)


def _check_folder(source: Path) -> None:
    """Raise PublishError if a source is not a model of transformers."""
    if source.suffix == CHECKPOINT and not source.is_file() and not source.is_dir():
        raise PublishError(f"{source} does not exist: give the path of a checkpoint, or of its folder")
    folder = source if source.is_dir() else source.parent
    if not (folder / CONFIG).is_file():
        raise PublishError(
            f"{folder.name} has neither {RECORD} nor {CONFIG}: it is no exported model of texts and none of "
            "transformers; give such a folder (docs/texts.md), or the file of another model"
        )


def read_texts(path: Path) -> list[Any]:
    """Return the examples in a file: a JSON list of texts or objects, or one text in a line. Raises PublishError."""
    if path.suffix not in {LINES, JSON}:
        raise PublishError(
            f"{path.name} is neither a {JSON} nor a {LINES} file: write the examples of a model of texts as a "
            f"JSON list of texts or objects ({JSON}), or as one text in a line ({LINES})"
        )
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == JSON else [line for line in text.split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise PublishError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(found, list):
        raise PublishError(f"{path.name} is not a list: give a JSON list of texts or objects, or one text in a line")
    return found
