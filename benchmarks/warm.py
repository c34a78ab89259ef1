"""The overhead of a warm request: Modelet, and FastAPI with Mangum, compared with a bare onnxruntime handler.

`python -m benchmarks.warm` prints a table, and JSON with --json. All handlers for one kind of request run at the same
time and get blocks of requests, in another order in each round. `above` is the difference to the bare handler's block
of the same round, so that the machine's drift cancels out.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.kinds import KINDS, event, prepare, subjects
from benchmarks.live import Behind, Block, Inside, Live, one_processor
from benchmarks.machine import Row, machine, rows, sentence

if TYPE_CHECKING:
    from benchmarks.environment import Subject
    from benchmarks.kinds import Kind

CLIENT, DIRECT = "runtime client", "in process"
Start = Callable[["Subject", bytes], Live]
WAYS: dict[str, Start] = {CLIENT: Behind, DIRECT: Inside}
NOTES = (
    "CPU time of the function's process per request, p50 and p99 of the round trip, and CPU and p50 above the bare "
    "handler: the median of the differences between blocks of one round. Through the runtime client there is a Runtime "
    "API in another process, on one processor with the function; in process the handler is called directly, which "
    "leaves the client's JSON and sockets out and finds the processor's caches warm. The bare handler parses, makes "
    "one array, runs the graph and writes JSON: it checks nothing, logs nothing and keeps no deadline. The same with a "
    "line and an alarm also writes a line of 1 kB and sets and stops an alarm, so that what this costs anybody can be "
    "seen. {starts} processes of each, {rounds} blocks from each."
)


def labels(answer: bytes) -> list[str]:
    """Return the predicted labels of a first response."""
    response = json.loads(answer)
    body = json.loads(response["body"])
    if response["statusCode"] != 200:
        raise RuntimeError(f"status {response['statusCode']}: {response['body'][:300]}")
    if isinstance(body, dict) and "outputs" in body:
        found: list[str] = next(output["data"] for output in body["outputs"] if output["name"] == "label")
        return found
    return [each["label"] for each in (body if isinstance(body, list) else body["predictions"])]


def measure(ups: Mapping[str, Live], rounds: int, block: int) -> dict[str, list[dict[str, float]]]:
    """Return samples of each running function, in another order in each round. The first of `ups` is the baseline.

    The first round is a warm-up.
    """
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in ups}
    for turn in range(rounds + 1):
        found = {name: sample(ups[name].block(block)) for name in random.sample(list(ups), len(ups))}
        first = found[next(iter(ups))]
        for name, figures in found.items():
            above = {f"{key}_above": figures[key] - first[key] for key in ("cpu_us", "p50_us")}
            if turn:
                samples[name].append(figures | above)
    return samples


def sample(block: Block) -> dict[str, float]:
    """Return one block's figures in µs per request."""
    times = sorted(block.times_us)
    at = partial(_quantile, times)
    return {"cpu_us": block.cpu_us / len(times), "p50_us": statistics.median(times), "p99_us": at(0.99)}


def _quantile(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


def several(kind: Kind, found: list[Subject], asked: bytes, start: Start, starts: int, rounds: int) -> list[Row]:
    """Return rows for one kind of request: `starts` processes of each function, with `rounds` blocks each.

    Several processes are needed, because the memory layout of a process can add up to 20 µs to all of its requests.
    Raises click.ClickException if the functions' predictions differ.
    """
    samples: dict[str, list[dict[str, float]]] = {subject.name: [] for subject in found}
    for _ in range(starts):
        with ExitStack() as stack:
            ups: dict[str, Live] = {}
            for subject in found:
                ups[subject.name] = up = start(subject, asked)
                stack.callback(up.stop)
            if len(answers := {tuple(labels(up.first)) for up in ups.values()}) > 1:
                raise click.ClickException(f"{kind.name}: they predict {answers}")
            for name, taken in measure(ups, rounds, kind.block).items():
                samples[name] += taken
    return rows(samples)


@click.command()
@click.option("--starts", type=click.IntRange(1, 100), default=5, show_default=True, help="Processes of each.")
@click.option("--rounds", type=click.IntRange(1, 1000), default=8, show_default=True, help="Blocks of each process.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(starts: int, rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.warm --starts 2."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        models = prepare(root)
        for kind in KINDS:
            published = models[kind.model]
            asked, beside = event(kind, published), subjects(root, published)
            for way, start in WAYS.items():
                click.echo(f"{kind.name}, {way}", err=True)
                with one_processor():
                    taken = several(kind, beside, asked, start, starts, rounds)
                found += [{"request": kind.name, "way": way, **row} for row in taken]
    notes = NOTES.format(starts=starts, rounds=rounds)
    result = {"benchmark": "warm", "machine": machine(), "rounds": starts * rounds, "unit notes": notes, "rows": found}
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [f"{sentence(result['machine'])}; medians of {result['rounds']} rounds of blocks", ""]
    lines += ["| request | way | subject | CPU µs | above | p50 µs | above | p99 µs | × |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for row in result["rows"]:
        figures = " | ".join(f"{row[key]:g}" for key in ("cpu_us", "cpu_us_above", "p50_us", "p50_us_above", "p99_us"))
        lines.append(f"| {row['request']} | {row['way']} | {row['subject']} | {figures} | {row['cpu_us_ratio']:g} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
