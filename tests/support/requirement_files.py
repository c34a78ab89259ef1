"""Requirement files as tests read them: their requirements, a line each, without the hashes."""

from __future__ import annotations

import re
from pathlib import Path


def requirements(path: Path) -> list[str]:
    """The requirements of a file in its order, as they are written before their hashes."""
    lines = (line.rstrip("\\").strip() for line in path.read_text().splitlines())
    return [line for line in lines if re.match(r"\w", line)]


def hashes(path: Path) -> dict[str, set[str]]:
    """The hashes of each requirement of a file."""
    found: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        text = line.rstrip("\\").strip()
        if re.match(r"\w", text):
            found[text] = set()
        elif text.startswith("--hash="):
            found[next(reversed(found))].add(text.removeprefix("--hash="))
    return found
