"""Snapshots of a function's folder, which later edits do not change."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from watchfiles import DefaultFilter

from modelet.dev.bundle.bake import BAKED

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = frozenset(DefaultFilter.ignore_dirs)
"""Folders that are not watched and so not copied, such as .git and __pycache__."""
LARGE = 16 * 1_048_576
"""The size in bytes from which a file is hard-linked, not copied: such files are data, not modules.

A tool that replaces such a file does not change the snapshots; a tool that writes into it does.
"""


def take_snapshot(folder: Path, target: Path) -> None:
    """Copy a function's folder to a new folder `target`, without `baked` and files that are not sources.

    Symbolic links are followed. Files are skipped if they disappear during the copy, are not readable or are not
    regular files. Raises OSError if the copy cannot be written.
    """
    target.mkdir(parents=True)
    _copy(folder, target, (folder.stat(), target.stat()))


def _copy(folder: Path, target: Path, above: tuple[os.stat_result, ...]) -> None:
    """Copy a folder. above: the snapshot, the folder and its parents; links to them would never end, so skip them."""
    for entry in _entries(folder):
        there, copy = folder / entry.name, target / entry.name
        try:
            found = entry.stat()
        except OSError:  # a broken link, or a file that an editor has just replaced
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
        except OSError:  # on another disk, or owned by another user: copy it instead
            pass
        else:
            return
    try:
        shutil.copy2(there, copy)
    except FileNotFoundError:  # replaced just before the copy: the change is reported, and leads to another snapshot
        copy.unlink(missing_ok=True)
