"""The Python environment of the emulator, made on first use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelet.dev.local.runtime.variables import LAYER
from modelet.errors import CommandError
from modelet.settings import get_variable

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIREMENTS = Path("requirements", "ministack.txt")
FOLDER = Path(".tools", "ministack")
READY = ".ready"
PINNED = re.compile(r"^ministack==(\S+)", re.MULTILINE)


def emulator_python(root: Path, say: Callable[[str], None]) -> Path:
    """Return the Python of the environment with the pinned emulator, below the project or modelet's own repository.

    say: receives a line before the environment is made, which takes a while. Raises CommandError if it cannot be made.
    """
    home = next((folder for folder in (root, LAYER.parents[2]) if (folder / REQUIREMENTS).is_file()), None)
    if home is None:
        raise CommandError(
            f"{REQUIREMENTS} is missing in {root}, and batches and jobs need the emulator that it pins: copy the file "
            "from modelet's repository"
        )
    found = PINNED.search((home / REQUIREMENTS).read_text())
    if found is None:
        raise CommandError(f"{home / REQUIREMENTS} pins no ministack: restore the file from modelet's repository")
    folder, version = home / FOLDER, found[1]
    python = folder / "bin" / "python"
    if not _has(folder, version):
        say(f"installing the AWS emulator, MiniStack {version}, in {folder}: only the first batch or job waits for it")
        _make(folder, home / REQUIREMENTS)
        if not _has(folder, version):
            raise CommandError(f"{folder} lacks ministack {version}: delete the folder and try again")
    return python


def _has(folder: Path, version: str) -> bool:
    """Return whether the environment was made completely (as `make deploy-local` marks it too), with this version."""
    return (folder / READY).is_file() and any(folder.glob(f"lib/python*/site-packages/ministack-{version}.dist-info"))


def _make(folder: Path, requirements: Path) -> None:
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), get_variable("PATH") or ""]))
    if uv is None:
        raise CommandError(f"{folder} cannot be made without uv: run `pip install uv` and try again")
    sync = [uv, "pip", "sync", "--system-certs", "--quiet", "--compile-bytecode", "--require-hashes"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)],
        [*sync, "--python", str(folder / "bin" / "python"), str(requirements)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
            raise CommandError(
                f"the AWS emulator cannot be installed in {folder}: {said[-1]}: check the network and the package "
                "index, then try again"
            )
    (folder / READY).touch()
