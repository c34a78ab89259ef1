"""The gate: fail if the CPU time, imports or memory of a cold start, or a warm request, exceed the budget.

`python -m benchmarks.gate`. Imports, and the bytecodes and calls of our own code, are exact. Every measured value is a
ratio within the run, from processes that are started in turn. A value above its limit is measured again, with twice the
rounds, before the gate fails. A failure names the import, the module or the stage that caused it.
"""

from __future__ import annotations

import random
import statistics
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks import counts, warm
from benchmarks.budget import Budget, fastest, grown, low_end, too_much
from benchmarks.imports import Imports, costliest, imports, labels, own, unexpected
from benchmarks.kinds import ATTENTIVE
from benchmarks.lineup import BAKED, FLOOR, HERE, NAIVE, PROJECT, lineup, sampled
from benchmarks.live import Behind, Inside, Live, one_processor
from benchmarks.stages import BEFORE, STAGES, before, split, typical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.environment import Sample, Subject
    from benchmarks.lineup import Entry

WATCHED = 3
"""Processes of each subject with recorded imports, to measure the subject's own code; the imports alone need one."""

NAIVE_ROUNDS = 5
"""It takes ten times as long, and is far from its limit."""

BLOCKS = 3
"""Blocks of warm requests for each process; the cheapest counts."""


def watch(subjects: dict[str, Entry], names: list[str], count: int) -> dict[str, list[Imports]]:
    """Return the imports of each subject, from `count` processes each."""
    return {name: [imports(subjects[name]) for _ in range(count)] for name in names}


def wrong_imports(budget: Budget, watched: dict[str, list[Imports]]) -> Iterator[str]:
    """Yield imports that are neither in the floor nor allowed by the budget."""
    floor = {each for found in watched[FLOOR] for each in labels(found)}
    for name, allowed in budget.imports.items():
        for line in unexpected(watched[name][0], floor | allowed):
            yield f"{name}: imports {line}, which benchmarks/budget.toml does not list"


def too_many(subjects: dict[str, Entry]) -> Iterator[str]:
    """Yield where our own code exceeds benchmarks/counts.toml, or print that another Python minor version runs."""
    allowed = counts.read()
    if allowed["python"] != counts.PYTHON:
        click.echo(f"  bytecodes and calls are checked only on Python {allowed['python']}; this is {counts.PYTHON}")
        return
    for name, most in allowed["counts"].items():
        yield from counts.grown(name, counts.counts(subjects[name]), most)


class Cost:
    """The cost of fresh processes: CPU ms and memory in MB by subject, and the stages as shares of the floor's CPU.

    They are started in turn, once per round; the floor twice, the naive function only in the first rounds.
    """

    def __init__(self, subjects: dict[str, Entry], watched: dict[str, list[Imports]], rounds: int) -> None:
        self._watched = watched
        self._samples: dict[str, list[Sample]] = {name: [] for name in [*watched, NAIVE]}
        bares = []
        for turn in range(rounds):
            turns = [*watched, FLOOR, *([NAIVE] if turn < NAIVE_ROUNDS else [])]
            bares.append(before(1))
            for name in random.sample(turns, len(turns)):
                self._samples[name].append(sampled(subjects[name]))
        self._before = [typical((bare[name][0] for bare in bares), fastest) for name in BEFORE]
        self.cpus = {name: [each.cpu_ms for each in found] for name, found in self._samples.items()}
        self.memories = {name: [each.resident_mb for each in found] for name, found in self._samples.items()}
        self.cpu = {name: fastest(found) for name, found in self.cpus.items()}
        self.memory = {name: statistics.median(found) for name, found in self.memories.items()}

    def stages(self, name: str, entry: Entry) -> dict[str, float]:
        """Return the CPU time of each stage of a subject, × the floor's total."""
        init = {"cpu": min(sum(each.cpu_ms for each in own(entry, found)) for found in self._watched[name]), "wall": 0}
        splits = [split(sample, self._before, init) for sample in self._samples[name]]
        return {stage: fastest([each[f"{stage}_cpu_ms"] for each in splits]) / self.cpu[FLOOR] for stage in STAGES}


def cold(budget: Budget, watched: dict[str, list[Imports]], subjects: dict[str, Entry], rounds: int) -> list[str]:
    """Return the limits of cold starts that are exceeded. Print the measured values."""
    cost = Cost(subjects, watched, rounds)
    click.echo(f"{rounds} rounds; floor {cost.cpu[FLOOR]:.1f} ms of CPU, {cost.memory[FLOOR]:.1f} MB; × that:")
    failures = []
    for name, mark in budget.marks.items():
        stages = cost.stages(name, subjects[name])
        shares = f"CPU {cost.cpu[name] / cost.cpu[FLOOR]:.3f}, memory {cost.memory[name] / cost.memory[FLOOR]:.3f}"
        said = ", ".join(f"{stage} = {share:.2f}" for stage, share in stages.items())
        naive = f"naive function {cost.cpu[NAIVE] / cost.cpu[name]:.1f} × its CPU"
        click.echo(f"  {name}: {shares}; {naive}; stages = {{ {said} }}")
        failures += (found := list(too_much(mark, cost.cpus, cost.memories, name)))
        imported, floor = watched[name][0], watched[FLOOR][0]
        if any("CPU" in line for line in found):
            failures.append(f"  stages that grew, × the floor's CPU: {grown(mark, stages)}")
            failures.append(f"  most expensive imports that the floor lacks: {costliest(imported, floor)}")
        if any("memory" in line for line in found):
            failures.append(f"  largest imports that the floor lacks: {costliest(imported, floor, 'KB')}")
    return failures


def warm_request(budget: Budget, subjects: dict[str, Entry], starts: int) -> list[str]:
    """Return failures if a warm request costs too much, × the bare handler with a line and an alarm, in process and
    through the runtime client.

    Print both figures. Each process gives one ratio, because its memory layout affects all of its requests.
    """
    ways: dict[str, type[Inside | Behind]] = {"in process": Inside, "through the runtime client": Behind}
    ours, event = subjects[BAKED]
    both = {ATTENTIVE: attentive(subjects[FLOOR][0]), BAKED: ours}
    failures = []
    for way, start in ways.items():
        with one_processor():
            ratios = [ratio(both, event, start) for _ in range(starts)]
        times = statistics.median(ratios)
        click.echo(f"  a warm request of one row, {way}: {times:.2f} × the bare handler with a line and an alarm")
        if low_end(statistics.median, ratios) > budget.warm[way]:
            said = f"a warm request takes {times:.2f} × the CPU of the bare handler with a line and an alarm {way}"
            failures.append(f"{BAKED}: {said}, above the budget of {budget.warm[way]}")
    return failures


def attentive(floor: Subject) -> Subject:
    """Return the bare handler with a line and an alarm, with the floor's graph."""
    given = {**floor.environment, "MODEL": floor.environment["GRAPH"]}
    return replace(floor, name=ATTENTIVE, folder=HERE / "warm_subjects", handler="attentive.handler", environment=given)


def ratio(both: dict[str, Subject], event: bytes, start: type[Inside | Behind]) -> float:
    """Return the CPU time of a warm request of the second function, × that of the first, in one process each."""
    with ExitStack() as stack:
        ups: dict[str, Live] = {}
        for name, subject in both.items():
            ups[name] = up = start(subject, event)
            stack.callback(up.stop)
        samples = warm.measure(ups, BLOCKS, 200)
    first, second = (min(each["cpu_us"] for each in samples[name]) for name in both)
    return second / first


@click.command()
@click.option("--rounds", type=click.IntRange(15, 100), default=15, show_default=True)
@click.option("--exact-only", is_flag=True, help="Check only imports and counts: start few processes, measure no time.")
@click.option("--project", type=click.Path(path_type=Path, exists=True), default=PROJECT, help="The project to use.")
def main(rounds: int, exact_only: bool, project: Path) -> None:
    """Check the budget against this machine's own floor, as in: python -m benchmarks.gate."""
    budget = Budget.read()
    with lineup(project) as subjects:
        watched = watch(subjects, [FLOOR, *budget.marks], 1 if exact_only else WATCHED)
        failures = [*wrong_imports(budget, watched), *too_many(subjects)]
        if not exact_only:
            failures += cold(budget, watched, subjects, rounds) and cold(budget, watched, subjects, 2 * rounds)
            failures += warm_request(budget, subjects, rounds) and warm_request(budget, subjects, 2 * rounds)
    click.echo("\n".join(["the budget is broken:", *failures] if failures else ["the budget is kept"]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
