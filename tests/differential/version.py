"""Versions: a case published, pinned, bundled and loaded, by the functions that the command line calls."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

from differential import moments
from differential.case import Backend, Case
from differential.contracts import ContractKind
from modelet.bundle import Lock
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function
from modelet.dev.project.spec import ModelSpec
from modelet.dev.publish.boosting.libraries import library_of
from modelet.errors import CommandError, PublishError
from modelet.protocols.service import Service
from modelet.publishing import Trained, columns_of, pin, publish
from modelet.registry.listing import read_manifest
from modelet.settings import Settings
from modelet.store.manifest import Column, FrameColumn, Manifest
from modelet.store.store import Store
from support.callers import in_process

OWN = Path(moments.__file__)
"""The module of the author's own that a pickle may need, at the same place in the function's folder."""

TRAIN = """from pathlib import Path

import joblib

def train():
    return joblib.load(Path(__file__).with_name("trained.joblib"))
"""

NATIVE: dict[str, tuple[Backend, ...]] = {
    "lightgbm": ("lightgbm",),
    "xgboost": ("xgboost",),
    "catboost": ("catboost",),
}
"""The backend of each library for gradient boosting, for an estimator alone."""

REMEDY = re.compile(
    r"\b(say|give|write|override|train|fit|fill|take|make|move|keep|choose|rename|publish|remove|leave|install|use|"
    r"name|encode|split|subtract|scale|drop|collapse|lower-case|change|add|let|pin|run|set|put|declare|repeat)\b"
)
"""What a refusal tells its reader to do."""


@dataclass(frozen=True)
class Refused:
    """Why something was not published, or not bundled. crashed: by an error that is no refusal at all."""

    reason: str
    crashed: bool = False

    @property
    def names_a_remedy(self) -> bool:
        """Whether it says what to do."""
        return not self.crashed and bool(REMEDY.search(self.reason))


@dataclass(frozen=True)
class Version:
    """A published version, in a store of its own. refused: the backends that were tried before it."""

    function: Function
    store: Store
    lock: Lock
    manifest: Manifest
    refused: tuple[Refused, ...]

    @property
    def backend(self) -> str:
        """What serves it."""
        return str(self.function.spec.backend)

    @property
    def held(self) -> tuple[Column, ...]:
        """The columns with the ends of what their frames' dtypes hold: 300 is outside of a column of int8."""
        frame = self.manifest.frame or [None] * len(self.manifest.columns)
        return tuple(_held(column, one) for column, one in zip(self.manifest.columns, frame, strict=True))

    @contextmanager
    def served(self, kind: ContractKind) -> Iterator[Service]:
        """The version under a contract, loaded as an environment loads it. Raises CommandError where it is refused."""
        app = self.function.folder / "app.py"
        source = kind.source(self.manifest, self.backend)
        if source is None:
            app.unlink(missing_ok=True)
        else:
            app.write_text(source, encoding="utf-8")
        write_bundle(self.function, self.store, self.lock)
        settings = Settings(
            task_root=str(self.function.folder), store=self.store.url, tmp=str(self.function.folder.parent / "tmp")
        )
        with in_process(self.function, settings) as handler:
            yield handler.service


def published(case: Case, folder: Path) -> Version | tuple[Refused, ...]:
    """The case as a version: by the backend it names, else by its own library, or by scikit-learn.

    What was refused, where all refuse it.
    """
    place = folder / "functions" / "case"
    place.mkdir(parents=True)
    (folder / "functions" / "tmp").mkdir()
    (place / "train.py").write_text(TRAIN)
    (place / OWN.parent.name).mkdir()
    shutil.copy(OWN, place / OWN.parent.name)
    joblib.dump(_trained(case), place / "trained.joblib")
    store = Store((folder / "store").as_uri())
    refused: tuple[Refused, ...] = ()
    backends: list[Backend] = [case.plan.backend, *NATIVE.get(library_of(case.estimator) or "", ()), "sklearn"]
    for backend in dict.fromkeys(backends):
        function = Function(place, ModelSpec(backend=backend))
        (place / "model.yaml").write_text(f"backend: {backend}\n")
        try:
            publish(function, store)
        except PublishError as error:
            refused += (Refused(f"{backend}: {error}"),)
        except Exception as error:  # noqa: BLE001 - whatever else it is, is the finding
            refused += (Refused(f"{backend}: {type(error).__name__}: {error}", crashed=True),)
        else:
            lock = pin(function, store)
            manifest, _ = read_manifest(store, function.name, lock.version)
            return Version(function, store, lock, manifest, refused)
    return refused


def _held(column: Column, frame: FrameColumn | None) -> Column:
    if frame is None or column.type != "integer" or frame.dtype.lower() not in {"int8", "int16", "uint8", "uint16"}:
        return column
    ends = np.iinfo(frame.dtype.lower())
    low = ends.min if column.minimum is None else max(column.minimum, ends.min)
    return column._replace(minimum=low, maximum=ends.max if column.maximum is None else min(column.maximum, ends.max))


def refusal(error: Exception) -> Refused:
    """Why a contract was not bundled."""
    return Refused(f"{type(error).__name__}: {error}", crashed=not isinstance(error, CommandError))


def _trained(case: Case) -> Trained:
    held_out = case.plan.held_out
    names = None if held_out.layout != "array" else list(held_out.names)
    data = held_out.data
    columns = columns_of(data, names, bounded=True) if case.plan.bounded else None
    return Trained(estimator=case.estimator, examples=data, metrics={}, metric="", feature_names=names, columns=columns)
