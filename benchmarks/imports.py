"""The imports of a function until its first response: who imported each module first, and the cost of its own code.

`python -m benchmarks.imports` prints the imports of Modelet's subjects beyond the floor, for benchmarks/budget.toml.
"""

from __future__ import annotations

import json
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from benchmarks.lineup import BAKED, FLOOR, HERE, PYDANTIC, S3, lineup, sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.lineup import Entry


class Imported(NamedTuple):
    """A module: the one that imported it first ("" for the runtime client itself), and the cost of its own code."""

    name: str
    importer: str
    cpu_ms: float
    wall_ms: float
    memory_kb: float


Imports = dict[str, Imported]
"""Every module by name, in the order in which the imports ended."""


def imports(entry: Entry) -> Imports:
    """Return the imports of a fresh process until its first response. Raises RuntimeError without a prediction."""
    subject, event = entry
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "imports"
        watched = replace(subject, client=(str(HERE / "subjects/watched.py"), str(lines)))
        sampled((watched, event))
        fields = [line.split("\t") for line in lines.read_text().splitlines()]
    return {name: Imported(name, importer, *map(float, figures)) for name, importer, *figures in fields}


def own(entry: Entry, found: Imports) -> list[Imported]:
    """Return the modules of a function's own init: its `app`, and the module with its handler."""
    return [found[name] for name in {"app", entry[0].handler.rpartition(".")[0]} if name in found]


def chain(found: Imports, name: str) -> list[str]:
    """Return the chain of imports from the function's own module to a module."""
    names = [name]
    while (module := found.get(names[0])) and module.importer and module.importer not in names:
        names.insert(0, module.importer)
    return names


def cost(found: Imports, name: str) -> float:
    """Return the CPU ms of a module and of everything that it imported first."""
    return sum(module.cpu_ms for module in found.values() if name in chain(found, module.name))


def label(name: str) -> str:
    """Return a module's name in a budget: full for the standard library, three parts for ours, two for others.

    Empty if one of these parts is private, because such a module comes with public ones.
    """
    parts = name.split(".")
    if parts[0] not in sys.stdlib_module_names:
        parts = parts[: 3 if parts[0] == "modelet" else 2]
    return "" if any(part.startswith("_") for part in parts) else ".".join(parts)


def labels(found: Imports) -> dict[str, str]:
    """Return all imports by their names in a budget, each with its first module."""
    named: dict[str, str] = {}
    for name in found:
        named.setdefault(label(name), name)
    return {each: each if each in found else name for each, name in named.items() if each}


def unexpected(found: Imports, known: set[str]) -> Iterator[str]:
    """Yield one line for each unknown import, with its chain; what it imports itself is not listed again."""
    strange = {each: name for each, name in labels(found).items() if each not in known}
    for each, name in strange.items():
        path = chain(found, name)
        if not {label(before) for before in path[:-1]} & (strange.keys() - {each}):
            yield f"{each} ({' → '.join(path)}; {cost(found, name):.1f} ms of CPU with all that it imports)"


def costliest(found: Imports, floor: Imports, unit: str = "ms", count: int = 6) -> str:
    """Return the most expensive modules beyond the floor, in CPU ms or KB, with the modules that imported them."""
    took = {name: each.cpu_ms if unit == "ms" else each.memory_kb for name, each in found.items() if name not in floor}
    worst = sorted(took, key=lambda name: -took[name])[:count]
    by = {name: f" (by {found[name].importer})" if found[name].importer else "" for name in worst}
    return ", ".join(f"{name} {took[name]:,.1f} {unit}{by[name]}" for name in worst)


@click.command()
def main() -> None:
    """Print the imports for a budget, as in: python -m benchmarks.imports."""
    with lineup() as subjects:
        floor = labels(imports(subjects[FLOOR])).keys()
        found = {name: labels(imports(subjects[name])).keys() - floor for name in (BAKED, S3, PYDANTIC)}
    every = set.intersection(*map(set, found.values()))
    lists = {"every": every} | {f'"{name}"': more - every for name, more in found.items()}
    for name, more in lists.items():
        names = textwrap.wrap(json.dumps(sorted(more))[1:-1], 116, break_long_words=False, break_on_hyphens=False)
        if names:
            click.echo("\n".join([f"{name} = [", *(f"    {line}" for line in names), "]"]))


if __name__ == "__main__":
    main()
