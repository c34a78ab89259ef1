"""A module of torch as an ONNX graph: the return value of a train.py, or what `--from FILE` names."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelet.dev.publish.source.exported import GRAPH_FILE, RECORD
from modelet.dev.publish.source.folder import CHECKPOINT, CONFIG, PACKAGE, PYTHON
from modelet.dev.publish.source.tensors import UNNAMED, Fields, check_rows, read_fields
from modelet.dev.publish.source.torch_files import torch_kind
from modelet.digest import digest
from modelet.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelet.dev.progress import Progress
    from modelet.dev.project.project import Function

KIND = "kind"
"""The member of export.json that only a module has."""


@dataclass(kw_only=True)
class ExportedModule:
    """An exported module with its examples: the return value of `def train() -> ExportedModule` in a train.py.

    folder: the folder that `python -m modelet.dev.publish.export.modules` wrote (docs/torch.md), with model.onnx and
        export.json.
    examples: held-out inputs, one row each: an array if the module has one input, or arrays by the inputs' names.
    metrics, metric: the quality of the model, and the name of the figure to judge it by.
    task, labels: what it predicts, for the class that serves it: `self.manifest.model_info["labels"]`.
    info: additional entries of `model_info`.
    """

    folder: Path
    examples: Any
    metrics: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""
    task: str = "other"
    labels: Sequence[Any] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> Fields:
        """Return the examples by input. Raises PublishError."""
        if isinstance(self.examples, Fields):
            return self.examples
        values = self.examples if isinstance(self.examples, Mapping) else {UNNAMED: self.examples}
        found = Fields({name: rows if isinstance(rows, list) else np.asarray(rows) for name, rows in values.items()})
        check_rows(found, "examples")
        return found


def is_module(path: Path) -> bool:
    """Return whether `--from` names a file of torch that is not a transformer's, or the folder of an exported one."""
    if path.is_dir():
        try:
            return KIND in json.loads((path / RECORD).read_bytes())
        except (OSError, ValueError):
            return False
    if path.suffix == CHECKPOINT and (path.parent / CONFIG).is_file():
        return False
    return torch_kind(path) is not None


def read_module(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the graph of an exported module, and export.json. Raises PublishError if one is missing or changed."""
    try:
        graph = (folder / GRAPH_FILE).read_bytes()
        record: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
        known = record["graph_sha256"], record[KIND], record["class"], record["libraries"]["torch"], record["parity"]
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise PublishError(f"{folder.name} has no {name}: export the module again (docs/torch.md)") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PublishError(f"{folder.name}/{RECORD} is damaged ({error}): export the module again") from error
    if digest(graph) != known[0]:
        raise PublishError(
            f"{folder.name}/{GRAPH_FILE} has changed since it was compared with torch: export the module again"
        )
    return graph, record


@contextmanager
def exported_module(function: Function, source: Path, examples: Path, progress: Progress) -> Iterator[ExportedModule]:
    """Yield the exported module of a file, or of a folder. Raises PublishError."""
    found = read_fields(examples)
    if source.is_dir():
        yield ExportedModule(folder=source, examples=found)
        return
    python = function.folder.parents[1] / PYTHON
    if not python.is_file():
        raise PublishError(
            f"{source.name} must be exported first, which needs torch: run `make export`, and publish again"
        )
    if torch_kind(source) == "pickle":
        progress.step(
            f"opening {source.name}: if the module was saved whole, its code runs, so use only files that you trust"
        )
    with tempfile.TemporaryDirectory() as folder:
        progress.step(f"exporting {source.name} to ONNX, and comparing the graph with torch")
        target = Path(folder) / "exported"
        command = [str(python), "-W", "ignore", "-m", "modelet.dev.publish.export.modules", str(source)]
        command += ["--examples", str(examples), "--folder", str(function.folder), "--to", str(target)]
        environment = {"PYTHONPATH": str(PACKAGE), "PATH": str(python.parent), "HOME": folder}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the author's folder stays as it is
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise PublishError(f"{source.name} cannot be published: {said.removeprefix('error: ')}")
        yield ExportedModule(folder=target, examples=found)
