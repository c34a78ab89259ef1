"""The project on this machine: its root, its model functions, its store."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelet.dev.project.messages import nearest, quoted
from modelet.dev.project.spec import MODEL_YAML, ModelSpec, read_spec
from modelet.errors import CommandError
from modelet.store.keys import CODE

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.bundle import Lock

LOCK_FILE = "model.lock"
FOLDER = re.compile(r"[a-z][a-z0-9_-]{0,62}")
"""A valid folder name of a model. The model's name has hyphens in place of the underscores."""


@dataclass(frozen=True)
class Function:
    """A model function: a folder in functions/ with a model.yaml."""

    folder: Path
    spec: ModelSpec

    @property
    def name(self) -> str:
        """Return the model's name: the folder's name with hyphens."""
        return model_name(self.folder.name)

    @property
    def has_app(self) -> bool:
        """Return whether the author wrote an app.py. Without it, the version is served as model.yaml says."""
        return (self.folder / "app.py").is_file()

    @property
    def bundle_path(self) -> Path:
        """Return the path of the function's bundle."""
        return self.folder / "bundle.json"

    @property
    def lock_path(self) -> Path:
        """Return the path of the function's lock."""
        return self.folder / LOCK_FILE

    @property
    def is_code(self) -> bool:
        """Return whether its version is its code, so that no trained model is published."""
        return self.spec.version == CODE

    def at_stage(self, stage: str | None) -> Function:
        """Return the function with the overrides of a stage."""
        return replace(self, spec=self.spec.for_stage(stage))

    def with_backend(self, name: str) -> Function:
        """Return the function with another backend."""
        return replace(self, spec=self.spec.model_copy(update={"backend": name}))

    def lock(self) -> Lock | None:
        """Return the pinned version, or None. Raises BundleError if the file is not a valid lock."""
        return _read_lock(self.lock_path)


@dataclass(frozen=True)
class Project:
    """A folder that contains functions/."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
        """Find the project that contains `start`: the nearest folder with functions/. Raises CommandError."""
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / "functions").is_dir():
                return cls(folder)
        raise CommandError(
            f"no functions/ folder in {start.absolute()} or its parents: run modelet inside a project, "
            "or create one with `mkdir functions`"
        )

    def _folders(self) -> dict[str, Path]:
        folders: dict[str, Path] = {}
        for path in sorted((self.root / "functions").glob(f"*/{MODEL_YAML}")):
            folder = path.parent
            if not FOLDER.fullmatch(folder.name):
                raise CommandError(
                    f"functions/{folder.name} is not a valid model folder: rename it with lower-case letters, digits "
                    "and _, starting with a letter, at most 63 characters"
                )
            name = model_name(folder.name)
            if name in folders:
                raise CommandError(
                    f"functions/{folders[name].name} and functions/{folder.name} both name the model {name}: rename one"
                )
            folders[name] = folder
        return folders

    def names(self) -> list[str]:
        """Return the names of all models, sorted. Raises CommandError if a folder's name is not valid."""
        return sorted(self._folders())

    def functions(self) -> list[Function]:
        """Return every model function, by name. Raises SpecError, or CommandError if a folder's name is not valid."""
        return [Function(folder, read_spec(folder / MODEL_YAML)) for _, folder in sorted(self._folders().items())]

    def function(self, name: str) -> Function:
        """Return one model function, named with - or _. Raises CommandError if it does not exist, and SpecError."""
        folders = self._folders()
        folder = folders.get(model_name(name))
        if folder is None:
            near = nearest(name, folders)
            remedy = (
                f"did you mean {near}?"
                if near
                else f"the models are {', '.join(sorted(folders))}"
                if folders
                else f"there are none yet: run `modelet new {name if FOLDER.fullmatch(name) else 'NAME'}`"
            )
            raise CommandError(f"no model {quoted(name)} in functions/: {remedy}")
        return Function(folder, read_spec(folder / MODEL_YAML))

    def lock(self, name: str) -> Lock | None:
        """Return the pinned version of a model without reading its model.yaml, or None if none is pinned.

        Raises BundleError if the file is not a valid lock, and CommandError if a folder's name is not valid.
        """
        folder = self._folders().get(name)
        return None if folder is None else _read_lock(folder / LOCK_FILE)

    def store_url(self, given: str | None) -> str:
        """Return the URL of the store: the given one, or the project's own in .modelet/. Raises CommandError."""
        return (self.root / ".modelet" / "store").as_uri() if given is None else checked_url(given)


def _read_lock(path: Path) -> Lock | None:
    from modelet.bundle import Lock

    return Lock.parse(path.read_bytes(), "/".join(path.parts[-3:])) if path.is_file() else None


def checked_url(given: str) -> str:
    """Check the URL of a store. Raises CommandError if it is not valid."""
    if not given.startswith(("file:///", "s3://")):
        raise CommandError(f"{quoted(given)} is not the URL of a store: give file:///… or s3://bucket/prefix")
    return given


def model_name(folder: str) -> str:
    """Return the model's name for a folder's name: breast-cancer for breast_cancer."""
    return folder.replace("_", "-")
