"""What opening a pickle imports: libraries, by their versions, and the author's own modules, by their digests."""

from __future__ import annotations

import ast
import io
import pickle
import sys
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelet.digest import digest
from modelet.manifest import Pickled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ALWAYS = {"joblib": "joblib", "numpy": "numpy", "sklearn": "scikit-learn"}
"""What every version of the backend sklearn is opened with."""


class _Names(pickle.Unpickler):
    """Opens a pickle and remembers the modules that it names."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)


def named_modules(value: object) -> set[str]:
    """The modules that the pickle of an object names."""
    names = _Names(pickle.dumps(value))
    names.load()
    return names.modules


def pickled(values: Iterable[object], folder: Path) -> tuple[Pickled, list[str]]:
    """What opening the pickles of some objects imports, and the modules of neither the folder nor a known package.

    Call it where the folder's modules can be imported. Such a module counts with all that it imports from the folder,
    wherever in it the import stands: an edit of any of them may change what is answered.
    """
    named = set().union(*map(named_modules, values))
    own = _own_files(named, folder)
    installed = _installed()
    packages = dict(ALWAYS)
    strangers = []
    for top in sorted({_top(name) for name in named} - sys.stdlib_module_names):
        if any(_files(folder, top)):
            continue
        if found := _distribution(top, installed):
            packages[top] = found
        else:
            strangers.append(top)
    for top in sorted({_top(name) for name in _required(own)} - sys.stdlib_module_names):
        if not any(_files(folder, top)) and (found := _distribution(top, installed)):
            packages[top] = found
    modules = {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in sorted(own)}
    return Pickled(packages, modules), strangers


@cache
def _installed() -> Mapping[str, list[str]]:
    """Who brings each module: asked once, for reading the metadata of all packages takes longer than a pickle."""
    return packages_distributions()


def _top(module: str) -> str:
    return module.partition(".")[0]


def _distribution(top: str, installed: Mapping[str, list[str]]) -> str | None:
    """The installed distribution of a top-level module; of several, which share a namespace, the one that has it."""
    found = sorted(set(installed.get(top, ())))
    if len(found) < 2:
        return found[0] if found else None
    file = getattr(sys.modules.get(top), "__file__", None)
    held = [name for name in found if file and _holds(name, Path(file))]
    return (held or found)[0]


def _holds(name: str, file: Path) -> bool:
    held = distribution(name)
    return any(Path(str(held.locate_file(path))) == file for path in held.files or ())


def _own_files(named: Iterable[str], folder: Path) -> set[Path]:
    """The files of the folder that some modules are, and those that these import, directly or not."""
    found: set[Path] = set()
    waiting = [path for name in named for path in _files(folder, name)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(other for name in _imports(path, folder) for other in _files(folder, name))
    return found


def _files(folder: Path, module: str) -> Iterator[Path]:
    """The files of a module in the folder, its packages' own among them; none where it is of elsewhere."""
    place = folder
    for part in module.split("."):
        place = place / part
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path


def _imports(path: Path, folder: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it, by their full names."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.relative_to(folder).parts if node.level else ()
            base = [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def _required(files: Iterable[Path]) -> Iterator[str]:
    """What files import as they are opened; what stands in a function or a `try` may be missing in the image."""
    for path in files:
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
