"""Find the files of modules in a function's folder, as Python's import does, and the files that these import."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SOURCE = ".py"
KINDS = (frozenset({".so", ".pyd"}), frozenset({SOURCE}), frozenset({".pyc"}))
"""File suffixes in the order in which Python tries them. Source: importlib.machinery.FileFinder (packages first)."""


def own_files(modules: Iterable[str], folder: Path) -> set[Path]:
    """Return the files of some modules in the folder, and of the modules that they import, directly or indirectly."""
    found: set[Path] = set()
    waiting = [path for name in modules for path in _files(folder, name)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(other for name in _imports(path, folder) for other in _files(folder, name))
    return found


def own_file(folder: Path, name: str) -> Path | None:
    """Return the file that `import name` opens in a folder, without its parents, or None.

    A folder without `__init__` is ignored, because Python uses it only if no file has the name.
    """
    for place, stem in ((folder / name, "__init__"), (folder, name)):
        there = sorted(path for path in place.glob(f"{stem}.*") if path.is_file())
        for kind in KINDS:
            for path in there:
                # A compiled module may have a tag before its suffix: features.cpython-311-x86_64-linux-gnu.so.
                if path.suffix in kind and (path.stem == stem or kind is KINDS[0]):
                    return path
    return None


def module_of(name: str) -> str:
    """Return the full name of the module of a file in the folder."""
    *packages, file = name.split("/")
    stem = file.partition(".")[0]
    return ".".join(packages if stem == "__init__" else [*packages, stem])


def _files(folder: Path, module: str) -> Iterator[Path]:
    """Yield the files of a module in the folder, including its packages' `__init__`; nothing for other modules."""
    for part in module.split("."):
        if path := own_file(folder, part):
            yield path
        folder = folder / part


def _imports(path: Path, folder: Path) -> Iterator[str]:
    """Yield the full names of all modules that a source file imports; nothing for a compiled file."""
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
