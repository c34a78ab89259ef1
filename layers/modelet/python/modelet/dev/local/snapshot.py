"""A generation of a function's sources: what its folder held at one moment, out of reach of later edits."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from watchfiles import DefaultFilter

from modelet.dev.bundle.bake import BAKED

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = frozenset(DefaultFilter.ignore_dirs)
"""Folders that are not watched, .git and __pycache__ among them: what is not watched is not a source."""
LARGE = 16 * 1_048_576
"""Bytes from which a file is linked, not copied: such files are data, never modules.

A tool that replaces such a file leaves the generations as they are; one that writes into it changes them too.
"""


def take_snapshot(folder: Path, target: Path) -> None:
    """Copy a function's folder to `target`, which is made, without `baked` and what is not a source.

    Symbolic links become what they point to. Left out are files that vanish meanwhile, that cannot be read, or that are
    not regular files. Raises OSError where the copy cannot be written.
    """
    target.mkdir(parents=True)
    _copy(folder, target, (folder.stat(), target.stat()))


def _copy(folder: Path, target: Path, above: tuple[os.stat_result, ...]) -> None:
    """above: the snapshot itself, the folder and those that hold it: links to them would be followed for ever."""
    for entry in _entries(folder):
        there, copy = folder / entry.name, target / entry.name
        try:
            found = entry.stat()
        except OSError:  # a link to nothing, or a file that an editor has just replaced
            continue
        if entry.is_dir():
            generated = len(above) == 2 and (entry.name == BAKED or entry.name.startswith(f".{BAKED}."))
            if not generated and entry.name not in LEFT_OUT and not any(os.path.samestat(found, up) for up in above):
                copy.mkdir()
                _copy(there, copy, (*above, found))
        elif entry.is_file() and os.access(there, os.R_OK):
            _copy_file(there, copy, found.st_size)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _copy_file(there: Path, copy: Path, size: int) -> None:
    if size >= LARGE:
        try:
            copy.hardlink_to(there.resolve())
        except OSError:  # another disk, or a file of another user: it is copied
            pass
        else:
            return
    try:
        shutil.copy2(there, copy)
    except FileNotFoundError:  # replaced between the look and the copy: the change is told, and a snapshot follows
        copy.unlink(missing_ok=True)
