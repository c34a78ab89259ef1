"""The files of a function's folder that modules are, as Python finds them, and those that these import."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SOURCE = ".py"
KINDS = (frozenset({".so", ".pyd"}), frozenset({SOURCE}), frozenset({".pyc"}))
"""Which suffixes Python tries before which. Source: importlib.machinery.FileFinder, which asks for packages first."""


def own_files(modules: Iterable[str], folder: Path) -> set[Path]:
    """The files of the folder that some modules are, and those that these import, directly or not."""
    found: set[Path] = set()
    waiting = [path for name in modules for path in _files(folder, name)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(other for name in _imports(path, folder) for other in _files(folder, name))
    return found


def own_file(folder: Path, name: str) -> Path | None:
    """The file that `import name` opens in a folder, without its parents; None where there is none.

    A folder without `__init__` is not considered: Python takes it only where no file has the name.
    """
    for place, stem in ((folder / name, "__init__"), (folder, name)):
        there = sorted(path for path in place.glob(f"{stem}.*") if path.is_file())
        for kind in KINDS:
            for path in there:
                # A compiled module may name its Python between the two: features.cpython-311-x86_64-linux-gnu.so.
                if path.suffix in kind and (path.stem == stem or kind is KINDS[0]):
                    return path
    return None


def module_of(name: str) -> str:
    """The full name of the module that a file of the folder is."""
    *packages, file = name.split("/")
    stem = file.partition(".")[0]
    return ".".join(packages if stem == "__init__" else [*packages, stem])


def _files(folder: Path, module: str) -> Iterator[Path]:
    """The files of a module in the folder, its packages' own among them; none where it is of elsewhere."""
    for part in module.split("."):
        if path := own_file(folder, part):
            yield path
        folder = folder / part


def _imports(path: Path, folder: Path) -> Iterator[str]:
    """The full names of the modules that a source file imports, anywhere in it; none for a compiled file."""
    try:
        tree = ast.parse(path.read_bytes() if path.suffix == SOURCE else b"")
    except (SyntaxError, ValueError):  # it cannot be imported either
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.relative_to(folder).parts if node.level else ()
            base = [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)
