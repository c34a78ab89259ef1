"""The stages of a cold start: medians of several starts."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from modelet.dev.profile.sample import Moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.dev.profile.sample import Sample

ENDS = {
    "interpreter": "interpreter",
    "runtime client": "client",
    "imports": "imports",
    "load": "init",
    "first inference": "answer",
}
"""Each stage with the moment that ends it. Waiting for files is a part of the load that is shown separately."""


class MeasuredStage(NamedTuple):
    """The time of a stage in ms, and the memory after it in MB; None if unknown."""

    name: str
    wall_ms: float
    cpu_ms: float | None
    resident_mb: float | None


class Total(NamedTuple):
    """A complete start: medians, the minimum and maximum CPU time, and the peak memory."""

    wall_ms: float
    cpu_ms: float
    cpu_min_ms: float
    cpu_max_ms: float
    resident_mb: float
    peak_mb: float


def stages(samples: Sequence[Sample]) -> list[MeasuredStage]:
    """Return every stage that the starts reached, in order.

    The first stage counts from the start of the process. `fetch` is the time that the function waited for files, from
    its own log. The CPU time of downloads belongs to the load, or to the imports during which they run.
    """
    found: list[MeasuredStage] = []
    before = [Moment(0, 0, 0) for _ in samples]
    for name, end in ENDS.items():
        if any(end not in sample.ends for sample in samples):
            continue
        after = [sample.ends[end] for sample in samples]
        wall = [late.wall_ms - early.wall_ms for early, late in zip(before, after, strict=True)]
        cpu = [late.cpu_ms - early.cpu_ms for early, late in zip(before, after, strict=True)]
        waited = [float(sample.cold["fetch_ms"]) for sample in samples if "fetch_ms" in sample.cold]
        if name == "load" and len(waited) == len(samples):
            found.append(MeasuredStage("fetch", median(waited), None, None))
            wall = [whole - each for whole, each in zip(wall, waited, strict=True)]
        found.append(MeasuredStage(name, median(wall), median(cpu), median(moment.resident_mb for moment in after)))
        before = after
    return found


def total(samples: Sequence[Sample]) -> Total:
    """Return the totals of the starts."""
    last = [list(sample.ends.values())[-1] for sample in samples]
    cpu = [moment.cpu_ms for moment in last]
    return Total(
        median(moment.wall_ms for moment in last),
        median(cpu),
        min(cpu),
        max(cpu),
        median(moment.resident_mb for moment in last),
        median(sample.peak_mb for sample in samples),
    )
