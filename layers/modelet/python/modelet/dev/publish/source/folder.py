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

CHECKPOINT = ".ckpt"
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


def read_texts(path: Path) -> list[Any]:
    """Return the examples in a file: a JSON list of texts or objects, or one text in a line. Raises PublishError."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else [line for line in text.split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise PublishError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(found, list):
        raise PublishError(f"{path.name} is not a list: give a JSON list of texts or objects, or one text in a line")
    return found
