"""The project on this machine: its root, its model functions, its store."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelet.dev.project.messages import nearest, quoted
from modelet.dev.project.spec import MODEL_YAML, ModelSpec, read_spec
from modelet.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.bundle import Lock

LOCK_FILE = "model.lock"
FOLDER = re.compile(r"[a-z][a-z0-9_-]{0,62}")
"""What a model's folder may be called: with hyphens for underscores it is the model's name."""


@dataclass(frozen=True)
class Function:
    """A model function: a folder of functions/ with a model.yaml."""

    folder: Path
    spec: ModelSpec

    @property
    def name(self) -> str:
        """The model's name: the folder's, with hyphens."""
        return model_name(self.folder.name)

    @property
    def has_app(self) -> bool:
        """Whether the author wrote a class; without one, model.yaml alone serves the version."""
        return (self.folder / "app.py").is_file()

    @property
    def bundle_path(self) -> Path:
        """Where its bundle is written."""
        return self.folder / "bundle.json"

    @property
    def lock_path(self) -> Path:
        """Where its pinned version is written."""
        return self.folder / LOCK_FILE

    def at_stage(self, stage: str | None) -> Function:
        """The function as one stage runs it."""
        return replace(self, spec=self.spec.for_stage(stage))

    def lock(self) -> Lock | None:
        """The pinned version; None where nothing is pinned. Raises BundleError where the file is not a lock."""
        return _read_lock(self.lock_path)


@dataclass(frozen=True)
class Project:
    """A folder with functions/ in it."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that `start` is in: the nearest folder above it with functions/. Raises CommandError."""
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / "functions").is_dir():
                return cls(folder)
        raise CommandError(
            f"no functions/ folder in {start.absolute()} or above it: run modelet inside a project, "
            "or start one with mkdir functions"
        )

    def _folders(self) -> dict[str, Path]:
        folders: dict[str, Path] = {}
        for path in sorted((self.root / "functions").glob(f"*/{MODEL_YAML}")):
            folder = path.parent
            if not FOLDER.fullmatch(folder.name):
                raise CommandError(
                    f"functions/{folder.name}: cannot name a model: rename it with lower-case letters, digits and _, "
                    "a letter first, at most 63"
                )
            name = model_name(folder.name)
            if name in folders:
                raise CommandError(
                    f"functions/{folders[name].name} and functions/{folder.name} both name the model {name}: rename one"
                )
            folders[name] = folder
        return folders

    def names(self) -> list[str]:
        """The names of all models, sorted. Raises CommandError where folders cannot name models."""
        return sorted(self._folders())

    def functions(self) -> list[Function]:
        """Every model function, by name. Raises SpecError, or CommandError where folders cannot name models."""
        return [Function(folder, read_spec(folder / MODEL_YAML)) for _, folder in sorted(self._folders().items())]

    def function(self, name: str) -> Function:
        """One model function, named with - or _. Raises CommandError that lists what there is, and SpecError."""
        folders = self._folders()
        folder = folders.get(model_name(name))
        if folder is None:
            near = nearest(name, folders)
            remedy = (
                f"did you mean {near}?"
                if near
                else f"there are {', '.join(sorted(folders))}"
                if folders
                else f"there are none yet: modelet new {name if FOLDER.fullmatch(name) else 'NAME'}"
            )
            raise CommandError(f"no model {quoted(name)} in functions/: {remedy}")
        return Function(folder, read_spec(folder / MODEL_YAML))

    def lock(self, name: str) -> Lock | None:
        """The pinned version of a model, whatever its model.yaml says; None where the project pins none.

        Raises BundleError where its file is not a lock, and CommandError where folders cannot name models.
        """
        folder = self._folders().get(name)
        return None if folder is None else _read_lock(folder / LOCK_FILE)

    def store_url(self, given: str | None) -> str:
        """The URL of the store: the one given, or the project's own below .modelet/. Raises CommandError."""
        return (self.root / ".modelet" / "store").as_uri() if given is None else checked_url(given)


def _read_lock(path: Path) -> Lock | None:
    from modelet.bundle import Lock

    return Lock.parse(path.read_bytes(), "/".join(path.parts[-3:])) if path.is_file() else None


def checked_url(given: str) -> str:
    """A store's URL as a person gave it. Raises CommandError where it is none."""
    if not given.startswith(("file:///", "s3://")):
        raise CommandError(f"the store {quoted(given)} is no URL of a store: give file:///… or s3://bucket/prefix")
    return given


def model_name(folder: str) -> str:
    """The model that a folder names: breast_cancer names breast-cancer."""
    return folder.replace("_", "-")
