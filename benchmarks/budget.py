"""The budget of a cold start and of a warm request: benchmarks/budget.toml, and the check against it.

A measured figure exceeds its limit only if the low end of its confidence interval does. On a busy machine the interval
is wide, and the check does not fail.
"""

from __future__ import annotations

import random
import statistics
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.lineup import FLOOR, NAIVE
from benchmarks.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESAMPLES = 1_000
TAIL = 0.025
"""The share of resamples below an interval's low end: half of the share outside a 95 % interval."""

FILE = Path(__file__).with_name("budget.toml")


class Mark(NamedTuple):
    """The limits of one subject. cpu, memory: × the floor's; less_cpu: how many times less CPU than the naive function;
    of_naive: × the naive function's memory. stages: the CPU of each when the budget was written, × the floor's total.
    """

    cpu: float
    stages: dict[str, float]
    memory: float | None = None
    less_cpu: float | None = None
    of_naive: float | None = None


class Budget(NamedTuple):
    """The limits by subject, the allowed imports beyond the floor, and the limits of a warm request in each way, × the
    bare handler with a line and an alarm.
    """

    marks: dict[str, Mark]
    imports: dict[str, set[str]]
    warm: dict[str, float]

    @classmethod
    def read(cls, file: Path = FILE) -> Budget:
        """Read the file. Raises KeyError or TypeError if it is not complete."""
        found = tomllib.loads(file.read_text())
        marks = {name: Mark(**mark) for name, mark in found["cold"].items()}
        every = set(found["imports"]["every"])
        return cls(marks, {name: every | set(found["imports"].get(name, [])) for name in marks}, found["warm"])


def fastest(values: Sequence[float]) -> float:
    """Return the mean of the fastest quarter, the statistic that depends least on other load on the machine."""
    best = sorted(values)[: max(1, len(values) // 4)]
    return sum(best) / len(best)


def times_fastest(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of the fastest processes of one subject to those of another."""
    return fastest(ours) / fastest(theirs)


def times_median(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of two medians."""
    return statistics.median(ours) / statistics.median(theirs)


def low_end(figure: Callable[..., float], *samples: Sequence[float]) -> float:
    """Return the low end of the 95 % interval of a statistic.

    It resamples with replacement, with a fixed seed. Source: B. Efron, "Bootstrap Methods: Another Look at the
    Jackknife", 1979.
    """
    draw = random.Random(0)  # noqa: S311 - not for security
    found = sorted(figure(*(draw.choices(each, k=len(each)) for each in samples)) for _ in range(RESAMPLES))
    return found[int(RESAMPLES * TAIL)]


Samples = Mapping[str, Sequence[float]]
"""The cost of each process, by the name of its subject."""


def too_much(mark: Mark, cpu: Samples, memory: Samples, name: str) -> Iterator[str]:
    """Yield where a subject exceeds its limits. cpu in ms, memory in MB: of it, the floor and the naive function."""
    shares = (
        ("CPU until the first answer", times_fastest, cpu, FLOOR, mark.cpu, "× the floor's"),
        ("memory after the first answer", times_median, memory, FLOOR, mark.memory, "× the floor's"),
        ("memory after the first answer", times_median, memory, NAIVE, mark.of_naive, "× the naive function's"),
    )
    for what, figure, samples, other, most, of in shares:
        pair = samples[name], samples[other]
        if most is not None and low_end(figure, *pair) > most:
            yield f"{name}: {what} is {figure(*pair):.3f} {of}, above the budget of {most}"
    if mark.less_cpu is not None and low_end(times_fastest, cpu[name], cpu[NAIVE]) > 1 / mark.less_cpu:
        less = times_fastest(cpu[NAIVE], cpu[name])
        yield f"{name}: CPU until the first answer is {less:.1f} × less than the naive function's, not {mark.less_cpu}"


def grown(mark: Mark, stages: dict[str, float]) -> str:
    """Return the stages that grew since the budget was written, the worst first. stages: × the floor's total CPU."""
    more = {stage: stages[stage] - mark.stages[stage] for stage in STAGES}
    worst = [stage for stage in sorted(STAGES, key=lambda stage: -more[stage]) if more[stage] > 0.02]
    return ", ".join(f"{stage} {stages[stage]:.2f} (was {mark.stages[stage]:.2f})" for stage in worst) or "no one stage"
