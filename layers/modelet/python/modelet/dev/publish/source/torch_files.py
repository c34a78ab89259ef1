"""Tell files of torch apart by their content: a saved module or weights, TorchScript, an exported program."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

TorchKind = Literal["pickle", "script", "program"]

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The start of a file that torch.save wrote before torch 1.6: a pickled magic number."""


def torch_kind(path: Path) -> TorchKind | None:
    """Return what torch wrote into a file, or None if it did not write it. Nothing in the file is run.

    pickle: torch.save of a module or of weights. script: torch.jit.save. program: torch.export.save.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(len(LEGACY)) == LEGACY:
            return "pickle"
    if not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = {each for name in archive.namelist() for each in (name, name.partition("/")[2])}
    except zipfile.BadZipFile:
        return None
    if "data.pkl" in names:
        return "script" if "constants.pkl" in names else "pickle"
    has_program = any(name.startswith("models/") or name == "serialized_exported_program.json" for name in names)
    return "program" if has_program else None
