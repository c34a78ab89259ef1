"""The gate: fails where cold starts, their imports, their memory or a warm request cost more than the budget says.

`python -m benchmarks.gate`. All figures are ratios to the floor of the same run, from processes that were started in
turn; what is above its mark is measured once more, with twice the rounds, before it fails. A failure names the import
or the stage that caused it.
"""

from __future__ import annotations

import random
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks import warm
from benchmarks.budget import Budget, fastest, grown, too_much
from benchmarks.imports import Imports, costliest, imports, labels, own, unexpected
from benchmarks.lineup import BAKED, FLOOR, NAIVE, PROJECT, lineup, sampled
from benchmarks.live import Behind, Inside, Live, one_processor
from benchmarks.stages import BEFORE, STAGES, before, split, typical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.environment import Sample
    from benchmarks.lineup import Entry

WATCHED = 3
"""Processes of each subject whose imports are watched, for what their own code takes; the imports alone need one."""

NAIVE_ROUNDS = 5
"""It costs ten times as much, and its mark is far."""


def watch(subjects: dict[str, Entry], names: list[str], count: int) -> dict[str, list[Imports]]:
    """What each subject imports, so many processes of each."""
    return {name: [imports(subjects[name]) for _ in range(count)] for name in names}


def wrong_imports(budget: Budget, watched: dict[str, list[Imports]]) -> Iterator[str]:
    """Imports that neither the floor has nor the budget allows."""
    floor = {each for found in watched[FLOOR] for each in labels(found)}
    for name, allowed in budget.imports.items():
        for line in unexpected(watched[name][0], floor | allowed):
            yield f"{name}: imports {line}, which benchmarks/budget.toml does not list"


class Cost:
    """What fresh processes cost: CPU ms and memory in MB by subject, and the stages as shares of the floor's CPU.

    They are started in turn, once a round; the floor twice, the naive function in the first rounds only.
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
        self.cpu = {name: fastest([each.cpu_ms for each in found]) for name, found in self._samples.items()}
        self.memory = {
            name: statistics.median(each.resident_mb for each in found) for name, found in self._samples.items()
        }

    def stages(self, name: str, entry: Entry) -> dict[str, float]:
        """The CPU of each stage of a subject, × the floor's whole."""
        init = {"cpu": min(sum(each.cpu_ms for each in own(entry, found)) for found in self._watched[name]), "wall": 0}
        splits = [split(sample, self._before, init) for sample in self._samples[name]]
        return {stage: fastest([each[f"{stage}_cpu_ms"] for each in splits]) / self.cpu[FLOOR] for stage in STAGES}


def cold(budget: Budget, watched: dict[str, list[Imports]], subjects: dict[str, Entry], rounds: int) -> list[str]:
    """Marks of cold starts that are not kept. Prints what was measured."""
    cost = Cost(subjects, watched, rounds)
    click.echo(f"{rounds} rounds; floor {cost.cpu[FLOOR]:.1f} ms of CPU, {cost.memory[FLOOR]:.1f} MB; × that:")
    failures = []
    for name, mark in budget.marks.items():
        stages = cost.stages(name, subjects[name])
        shares = f"CPU {cost.cpu[name] / cost.cpu[FLOOR]:.3f}, memory {cost.memory[name] / cost.memory[FLOOR]:.3f}"
        said = ", ".join(f"{stage} = {share:.2f}" for stage, share in stages.items())
        naive = f"naive function {cost.cpu[NAIVE] / cost.cpu[name]:.1f} × its CPU"
        click.echo(f"  {name}: {shares}; {naive}; stages = {{ {said} }}")
        failures += (found := list(too_much(mark, cost.cpu, cost.memory, name)))
        imported, floor = watched[name][0], watched[FLOOR][0]
        if any("CPU" in line for line in found):
            failures.append(f"  stages that grew, × the floor's CPU: {grown(mark, stages)}")
            failures.append(f"  costliest imports that the floor lacks: {costliest(imported, floor)}")
        if any("memory" in line for line in found):
            failures.append(f"  largest imports that the floor lacks: {costliest(imported, floor, 'KB')}")
    return failures


def warm_request(budget: Budget, subjects: dict[str, Entry], rounds: int) -> list[str]:
    """Whether a warm request costs too much above the bare handler, in process and through the runtime client.

    Prints both figures.
    """
    ways: dict[str, type[Inside | Behind]] = {"in process": Inside, "through the runtime client": Behind}
    failures = []
    for way, start in ways.items():
        with one_processor(), ExitStack() as stack:
            ups: dict[str, Live] = {}
            for name in (FLOOR, BAKED):
                ups[name] = up = start(*subjects[name])
                stack.callback(up.stop)
            samples = warm.measure(ups, rounds, 200)
        above = statistics.median(each["cpu_us_above"] for each in samples[BAKED])
        click.echo(f"  a warm request of one row, {way}: {above:.1f} µs of CPU above the floor's")
        if above > budget.warm_us[way]:
            said = f"a warm request takes {above:.1f} µs above the bare handler {way}"
            failures.append(f"{BAKED}: {said}, above the budget of {budget.warm_us[way]}")
    return failures


@click.command()
@click.option("--rounds", type=click.IntRange(15, 100), default=15, show_default=True)
@click.option("--imports-only", is_flag=True, help="Start few processes: look at what is imported, measure no time.")
@click.option("--project", type=click.Path(path_type=Path, exists=True), default=PROJECT, help="Instead of our own.")
def main(rounds: int, imports_only: bool, project: Path) -> None:
    """Hold the budget against this machine's own floor, as in: python -m benchmarks.gate."""
    budget = Budget.read()
    with lineup(project) as subjects:
        watched = watch(subjects, [FLOOR, *budget.marks], 1 if imports_only else WATCHED)
        failures = list(wrong_imports(budget, watched))
        if not imports_only:
            failures += cold(budget, watched, subjects, rounds) and cold(budget, watched, subjects, 2 * rounds)
            failures += warm_request(budget, subjects, rounds) and warm_request(budget, subjects, 2 * rounds)
    click.echo("\n".join(["the budget is broken:", *failures] if failures else ["the budget is kept"]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
