"""The budget that a cold start and a warm request keep: benchmarks/budget.toml, and what breaks it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.lineup import FLOOR, NAIVE
from benchmarks.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FILE = Path(__file__).with_name("budget.toml")


class Mark(NamedTuple):
    """What one subject may cost. cpu, memory: × the floor's; less_cpu: how many times less CPU than the naive function;
    of_naive: × the naive function's memory. stages: the CPU of each when this was written, × the floor's whole.
    """

    cpu: float
    stages: dict[str, float]
    memory: float | None = None
    less_cpu: float | None = None
    of_naive: float | None = None


class Budget(NamedTuple):
    """The marks by subject, what each may import beyond the floor, and a warm request's µs above it by way."""

    marks: dict[str, Mark]
    imports: dict[str, set[str]]
    warm_us: dict[str, float]

    @classmethod
    def read(cls, file: Path = FILE) -> Budget:
        """Read the file. Raises KeyError or TypeError for one that is not whole."""
        found = tomllib.loads(file.read_text())
        marks = {name: Mark(**mark) for name, mark in found["cold"].items()}
        every = set(found["imports"]["every"])
        return cls(marks, {name: every | set(found["imports"].get(name, [])) for name in marks}, found["warm"])


def fastest(values: Sequence[float]) -> float:
    """The mean of the fastest quarter: of all that was tried, it moves least when the machine does other things too."""
    best = sorted(values)[: max(1, len(values) // 4)]
    return sum(best) / len(best)


def too_much(mark: Mark, cpu: dict[str, float], memory: dict[str, float], name: str) -> Iterator[str]:
    """What of a subject is above its mark. cpu in ms, memory in MB: of it, of the floor and of the naive function."""
    shares = (
        ("CPU until the first answer", cpu[name] / cpu[FLOOR], mark.cpu, "× the floor's"),
        ("memory after the first answer", memory[name] / memory[FLOOR], mark.memory, "× the floor's"),
        ("memory after the first answer", memory[name] / memory[NAIVE], mark.of_naive, "× the naive function's"),
    )
    for what, share, most, of in shares:
        if most is not None and share > most:
            yield f"{name}: {what} is {share:.3f} {of}, above the budget of {most}"
    less = cpu[NAIVE] / cpu[name]
    if mark.less_cpu is not None and less < mark.less_cpu:
        yield f"{name}: CPU until the first answer is {less:.1f} × less than the naive function's, not {mark.less_cpu}"


def grown(mark: Mark, stages: dict[str, float]) -> str:
    """The stages that cost more than when the budget was written, the worst first. stages: × the floor's whole CPU."""
    more = {stage: stages[stage] - mark.stages[stage] for stage in STAGES}
    worst = [stage for stage in sorted(STAGES, key=lambda stage: -more[stage]) if more[stage] > 0.02]
    return ", ".join(f"{stage} {stages[stage]:.2f} (was {mark.stages[stage]:.2f})" for stage in worst) or "no one stage"
