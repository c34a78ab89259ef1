"""Count the bytecodes and calls of a function's start and of one warm request, by module, for the gate.

The counts are exact: they are the same on every machine with the same Python minor version, busy or not. `python -m
benchmarks.counts` writes the limits of the gate to benchmarks/counts.toml.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.environment import variables
from benchmarks.lineup import BAKED, PYDANTIC, S3, lineup
from modelet.dev.local.runtime.variables import LAYER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.lineup import Entry

FILE = Path(__file__).with_name("counts.toml")
COUNTED = Path(__file__).with_name("counted.py")
SUBJECTS = (BAKED, S3, PYDANTIC)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HEADER = """\
# Made by `python -m benchmarks.counts`, never edited by hand: what a function's start and one warm request may cost.
# By module: [bytecodes that it runs, calls that it makes]. The gate holds the sums, and names the modules that grew.
"""
PARTS = {"init": "its start", "request": "a warm request"}
FIGURES = ("bytecodes", "calls")
OWNERS: dict[str, Callable[[str], bool]] = {
    "Modelet": lambda module: module.split(".")[0] == "modelet",
    "the function's own modules": lambda module: module.split(".")[0] != "modelet",
}
"""Counted separately, because an author's own stage may replace work of Modelet's."""

Counts = dict[str, dict[str, list[int]]]
"""`init` and `request`, each by module."""


def counts(entry: Entry) -> Counts:
    """Count one function in a new process. Raises RuntimeError with its output if it does not respond."""
    subject, event = entry
    given = variables(subject)
    # With -P, as in Lambda, a script's folder is not on its path, but counted.py needs called.py.
    path = f"{given['PYTHONPATH']}:{COUNTED.parent}"
    environment = {**given, "PYTHONPATH": path, "OWN": json.dumps([str(LAYER), str(subject.folder)])}
    command = [subject.python, "-P", str(COUNTED), subject.handler]
    done = subprocess.run(
        command,
        input=event,
        cwd=subject.folder,
        env=environment,
        check=False,
        capture_output=True,
    )
    if done.returncode:
        raise RuntimeError(f"{subject.name}: {done.stderr.decode()[-2000:]}")
    found: Counts = json.loads(done.stdout)
    return found


def read(file: Path = FILE) -> dict[str, Any]:
    """Return the allowed counts: `python`, the minor version that they apply to, and `counts` by subject."""
    return tomllib.loads(file.read_text())


def write(found: dict[str, Counts]) -> str:
    """Return the counts as TOML."""
    lines = [HEADER, f'python = "{PYTHON}"']
    for subject, parts in found.items():
        for part, modules in parts.items():
            lines += ["", f'[counts."{subject}".{part}]', *(f'"{name}" = {pair}' for name, pair in modules.items())]
    return "\n".join(lines) + "\n"


def grown(name: str, found: Counts, allowed: Counts) -> Iterator[str]:
    """Yield where a subject exceeds its limits, and in which modules."""
    for part, said in PARTS.items():
        for whose, is_whose in OWNERS.items():
            now, most = ({key: each[part][key] for key in each[part] if is_whose(key)} for each in (found, allowed))
            for place, figure in enumerate(FIGURES):
                count, limit = (sum(pair[place] for pair in each.values()) for each in (now, most))
                if count > limit:
                    modules = ", ".join(_more(now, most, place))
                    above = f"above the {limit:,} of benchmarks/counts.toml"
                    yield f"{name}: {said} takes {count:,} {figure} of {whose}, {above}: {modules}"


def _more(found: dict[str, list[int]], allowed: dict[str, list[int]], place: int) -> list[str]:
    more = {name: pair[place] - allowed.get(name, [0, 0])[place] for name, pair in found.items()}
    return [f"{name} +{count:,}" for name, count in sorted(more.items(), key=lambda each: -each[1]) if count > 0]


@click.command()
def main() -> None:
    """Count again, as in: python -m benchmarks.counts."""
    with lineup() as subjects:
        FILE.write_text(write({name: counts(subjects[name]) for name in SUBJECTS}))


if __name__ == "__main__":
    main()
