"""Find what opening a pickle imports: libraries with their versions, and the author's modules with their digests."""

from __future__ import annotations

import ast
import io
import os
import pickle
import re
import sys
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.bake import BAKED
from modelet.dev.bundle.own import SOURCE, module_of, own_files
from modelet.dev.local.snapshot import LEFT_OUT
from modelet.dev.project.project import LOCK_FILE
from modelet.dev.project.spec import MODEL_YAML
from modelet.digest import digest
from modelet.store.manifest import Pickled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ALWAYS = {"joblib": "joblib", "numpy": "numpy", "sklearn": "scikit-learn"}
"""Libraries that every version of the backend sklearn needs."""
NO_DATA = re.compile(
    rf"(.*/)?[^/]*\.(py|pyc|so|pyd)|{MODEL_YAML}|{LOCK_FILE}|bundle\.json|Dockerfile|requirements[^/]*\.txt"
    r"|(.*/)?(README|LICENSE)[^/]*|[^/]*\.(csv|ipynb|parquet)"
)
"""Files in a function's folder that its modules do not read: code, project files, and files that no image contains."""


class _Names(pickle.Unpickler):
    """Opens a pickle and records the modules that it names."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)


def named_modules(value: object) -> set[str]:
    """Return the modules that the pickle of an object names."""
    names = _Names(pickle.dumps(value))
    names.load()
    return names.modules


def pickled(values: Iterable[object], folder: Path) -> tuple[Pickled, list[str]]:
    """Return what opening the pickles of some objects imports, and the modules that are in no known place.

    Call it while the folder's modules can be imported. An own module counts with everything that it imports from the
    folder, anywhere in its code, because any change there may change the predictions.
    """
    named = set().union(*map(named_modules, values))
    own = own_files(named, folder)
    known = (
        sys.stdlib_module_names | {"modelet"} | {_top(module_of(path.relative_to(folder).as_posix())) for path in own}
    )
    installed = _installed()
    packages = dict(ALWAYS)
    strangers = []
    for top in sorted({_top(name) for name in named} - known):
        if found := _distribution(top, installed):
            packages[top] = found
        else:
            strangers.append(top)
    for top in sorted({_top(name) for name in _required(own)} - known):
        if found := _distribution(top, installed):
            packages[top] = found
    modules = {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in sorted(own)}
    return Pickled(packages, modules), strangers


def data_files(folder: Path) -> list[str]:
    """Return the files in a function's folder that its modules may read, and that are not recorded."""
    found = []
    for above, folders, names in os.walk(folder):
        place = Path(above).relative_to(folder)
        generated = {BAKED, "tests", "events"} if place == Path() else set()
        folders[:] = [name for name in folders if name not in LEFT_OUT | generated and not name.startswith(".")]
        found += [(place / name).as_posix() for name in names if not name.startswith(".")]
    return sorted(name for name in found if not NO_DATA.fullmatch(name))


@cache
def _installed() -> Mapping[str, list[str]]:
    """Return the distributions of each module. Cached, because reading all metadata takes longer than a pickle."""
    return packages_distributions()


def _top(module: str) -> str:
    return module.partition(".")[0]


def _distribution(top: str, installed: Mapping[str, list[str]]) -> str | None:
    """Return the installed distribution of a top-level module; in a shared namespace, the one that contains it."""
    found = sorted(set(installed.get(top, ())))
    if len(found) < 2:
        return found[0] if found else None
    file = getattr(sys.modules.get(top), "__file__", None)
    held = [name for name in found if file and _holds(name, Path(file))]
    return (held or found)[0]


def _holds(name: str, file: Path) -> bool:
    held = distribution(name)
    return any(Path(str(held.locate_file(path))) == file for path in held.files or ())


def _required(files: Iterable[Path]) -> Iterator[str]:
    """Yield the imports at module level; those in a function or a `try` may be missing in the image."""
    for path in (path for path in files if path.suffix == SOURCE):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
