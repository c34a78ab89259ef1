"""The kinds of `modelet new --kind`: what each costs. `python -m benchmarks.scaffolds` prints one table.

Each is written by `modelet new`, published where it has something to publish, and started in fresh processes from the
local disk, beside the floor: numpy and onnxruntime with one graph of the kind `several`. Ratios are of medians in one
run. "compiled" is the scaffold of the backend onnx, for comparison.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.environment import Subject, measure
from benchmarks.lineup import command
from benchmarks.machine import machine, sentence
from benchmarks.tables import plain
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.cli.new import KINDS
from modelet.dev.local.runtime.variables import LAYER
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR = Path(__file__).parent / "model_subjects"
COMPILED, SEVERAL = "compiled", "several"
WARM = 400


@contextmanager
def lineup() -> Iterator[dict[str, tuple[Subject, bytes]]]:
    """Yield every kind and the floor, each with the event that it gets."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        (root / "functions").mkdir(parents=True)
        for kind in KINDS:
            command(root, "new", f"k-{kind}", "--kind", kind)
        command(root, "new", f"k-{COMPILED}")
        command(root, "pin", "--publish")
        command(root, "bundle")
        found = {kind: _entry(root, kind) for kind in (COMPILED, *KINDS)}
        graph = root / ".modelet/store" / f"k-{SEVERAL}" / "1" / "linear/model.onnx"
        floor = Subject("floor", FLOOR, "floor.handler", {"ORT_DISABLE_TELEMETRY": "1", "GRAPH": str(graph)})
        yield {"floor": (floor, _rows(found[SEVERAL][1])), **found}


def _entry(root: Path, kind: str) -> tuple[Subject, bytes]:
    folder = root / "functions" / f"k_{kind}"
    given = {
        "MODELET_BUNDLE_SHA256": digest((folder / BUNDLE_FILE).read_bytes()),
        "MODELET_STORE": (root / ".modelet/store").as_uri(),
        "PYTHONPATH": str(LAYER),
    }
    event = (root / "events" / f"k_{kind}" / "infer.json").read_bytes()
    return Subject(kind, folder, ENTRY_POINT, given), event


def _rows(event: bytes) -> bytes:
    """Return the event with its bare instance as a list of one."""
    given = json.loads(event)
    return json.dumps({**given, "body": json.dumps({"instances": [json.loads(given["body"])]})}).encode()


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=15, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.scaffolds --rounds 5."""
    cpu: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    with lineup() as entries, click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
        for _ in counted:
            for name in random.sample(list(entries), len(entries)):
                sample = measure(*entries[name])
                if json.loads(sample.answers[0])["statusCode"] != 200:
                    raise RuntimeError(f"{name} answers {sample.answers[0][:300]!r}")
                cpu.setdefault(name, []).append(sample.cpu_ms)
                memory.setdefault(name, []).append(sample.resident_mb)
        warm = {name: statistics.median(measure(*entry, warm=WARM).warm_us) for name, entry in entries.items()}
    floor = statistics.median(cpu["floor"])
    found = [
        {
            "kind": name,
            "cpu_ms": round(statistics.median(cpu[name])),
            "of_floor": round(statistics.median(cpu[name]) / floor, 2),
            "memory_mb": round(statistics.median(memory[name])),
            "warm_us": round(warm[name]),
        }
        for name in entries
    ]
    if as_json:
        figures = {"benchmark": "scaffolds", "machine": machine(), "rounds": rounds, "rows": found}
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"{sentence(machine())}; medians of {rounds} rounds\n")
    click.echo(plain(("kind", "CPU ms", "× floor", "memory MB", "µs a request, warm"), found))


if __name__ == "__main__":
    main()
