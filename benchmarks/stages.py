"""The stages of a cold start: interpreter, runtime client, imports, fetch, verify, load, first inference; CPU and wall.

`python -m benchmarks.stages` prints a table, and JSON with --json. The first two stages are measured in processes that
do nothing else. The client's first request for an event ends the init. A further process records the imports, to
separate them from the function's own code. Fetch and load are Modelet's own figures, from its cold log line.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.imports import imports, own
from benchmarks.lineup import FLOOR, lineup, sampled
from benchmarks.machine import Row, machine, rows, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.environment import Sample
    from benchmarks.lineup import Entry

STAGES = ("interpreter", "client", "imports", "init", "first")
CLOCKS = ("cpu", "wall")
NOTES = (
    "ms. init: what the function's own code does beyond its imports. fetch: how long Modelet's init waited for files; "
    "load: the model's own, with what it imports; both are wall time. verify: the SHA-256 of the version's files alone"
)

BEFORE = {"interpreter": "pass", "client": "import awslambdaric.__main__"}

Cost = dict[str, float]
"""The ms of a stage, by clock."""


def bare(code: str) -> Cost:
    """Return the CPU and wall ms of an interpreter that runs some code and exits at once, without cleanup."""
    began = time.perf_counter()
    command = [sys.executable, "-c", f"{code}; import os; os._exit(0)"]
    process = subprocess.Popen(command, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0  # os.wait4 has already waited for it
    return {"cpu": (used.ru_utime + used.ru_stime) * 1000, "wall": (time.perf_counter() - began) * 1000}


def before(rounds: int) -> dict[str, list[Cost]]:
    """Measure the time before any function, `rounds` times: the interpreter alone, and with the runtime client."""
    found: dict[str, list[Cost]] = {name: [] for name in BEFORE}
    for _ in range(rounds):
        for name, code in BEFORE.items():
            found[name].append(bare(code))
    return found


def typical(costs: Iterable[Cost], of: Callable[[list[float]], float] = statistics.median) -> Cost:
    """Return the median of some costs, separately for each clock, or another statistic."""
    found = list(costs)
    return {clock: of([each[clock] for each in found]) for clock in CLOCKS}


def own_init(entry: Entry) -> Cost:
    """Measure the cost of a function's own code without its imports, in a process that records imports."""
    modules = own(entry, imports(entry))
    return {"cpu": sum(each.cpu_ms for each in modules), "wall": sum(each.wall_ms for each in modules)}


def split(sample: Sample, first: Sequence[Cost], init: Cost) -> dict[str, float]:
    """Return the ms of each stage of one sample by each clock, as `imports_cpu_ms`.

    first: the cost of the interpreter, alone and with the runtime client. init: the cost of the function's own code.
    """
    interpreter, client = first
    found: dict[str, float] = {}
    ready = {"cpu": sample.init_cpu_ms, "wall": sample.init_wall_ms}
    total = {"cpu": sample.cpu_ms, "wall": sample.wall_ms}
    for clock in CLOCKS:
        stages = {
            "interpreter": interpreter[clock],
            "client": client[clock] - interpreter[clock],
            "imports": ready[clock] - client[clock] - init[clock],
            "init": init[clock],
            "first": total[clock] - ready[clock],
        }
        found |= {f"{stage}_{clock}_ms": ms for stage, ms in stages.items()}
    return found


def logged(sample: Sample) -> dict[str, float]:
    """Return the figures of the init in Modelet's cold log line; empty for other subjects."""
    for line in sample.printed.splitlines():
        if line.startswith("{") and '"init_ms"' in line:
            said = json.loads(line)
            return {name: said[name] for name in ("fetch_ms", "load_ms") if name in said}
    return {}


def verify_ms(entry: Entry, store: Path) -> float:
    """Measure the SHA-256 of the served version's files on this machine."""
    version = store / entry[0].folder.name.replace("_", "-") / "1"
    data = [path.read_bytes() for path in version.iterdir()]
    began = time.perf_counter()
    for each in data:
        hashlib.sha256(each).digest()
    return (time.perf_counter() - began) * 1000


def measured(rounds: int) -> list[Row]:
    """Return one row per subject, the floor first."""
    with lineup() as subjects:
        store = Path(subjects[FLOOR][0].environment["GRAPH"]).parents[2]
        bares: dict[str, list[Cost]] = {name: [] for name in BEFORE}
        inits: dict[str, list[Cost]] = {name: [] for name in subjects}
        samples: dict[str, list[Sample]] = {name: [] for name in subjects}
        with click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
            for _ in counted:
                for name in random.sample([*subjects], len(subjects)):
                    for known, found in before(1).items():
                        bares[known] += found
                    inits[name].append(own_init(subjects[name]))
                    samples[name].append(sampled(subjects[name]))
        verify = {name: verify_ms(subjects[name], store) for name in subjects if name.startswith("modelet")}
    first = [typical(bares[name]) for name in BEFORE]
    return rows(
        {
            name: [
                {**each.figures, **split(each, first, typical(inits[name])), **logged(each), **verified(verify, name)}
                for each in found
            ]
            for name, found in samples.items()
        }
    )


def verified(known: dict[str, float], name: str) -> dict[str, float]:
    """Return the time for the digests of a subject's version; empty for subjects that check none."""
    return {"verify_ms": known[name]} if name in known else {}


def cell(row: Row, stage: str) -> str:
    """Return a stage by both clocks."""
    return f"{row[f'{stage}_cpu_ms']:.1f} / {row[f'{stage}_wall_ms']:.1f}"


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=25, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.stages --rounds 5."""
    where, found = machine(), measured(rounds)
    if as_json:
        document = {"benchmark": "stages", "machine": where, "rounds": rounds, "unit notes": NOTES, "rows": found}
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{sentence(where)}; medians of {rounds} rounds, CPU / wall ms\n")
    click.echo("| subject | interpreter | client | imports | own init | fetch | verify | load | first | all |")
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for row in found:
        before = " | ".join(cell(row, stage) for stage in STAGES[:4])
        inside = " | ".join(f"{row[name]:.2f}" if name in row else "–" for name in ("fetch_ms", "verify_ms", "load_ms"))
        total = f"{row['cpu_ms']:.1f} / {row['wall_ms']:.1f}"
        click.echo(f"| {row['subject']} | {before} | {inside} | {cell(row, 'first')} | {total} |")


if __name__ == "__main__":
    main()
