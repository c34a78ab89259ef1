"""Profile a function's cold start: several normal starts, and one under -X importtime."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.bundle.opens import backend_of
from modelet.dev.local.prepare import local_function, lock_for
from modelet.dev.local.runtime.credentials import Credentials
from modelet.dev.profile.advice import Advice, advise
from modelet.dev.profile.costs import costs
from modelet.dev.profile.findings import Findings
from modelet.dev.profile.graphs import gain_ms
from modelet.dev.profile.importtime import Import, parse
from modelet.dev.profile.owners import Ownership
from modelet.dev.profile.stages import MeasuredStage, Total, stages, total
from modelet.dev.profile.start import start
from modelet.dev.progress import Progress, Silent
from modelet.registry.listing import read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelet.dev.profile.sample import Sample
    from modelet.dev.project.project import Function
    from modelet.store.store import Store


@dataclass(frozen=True)
class Profile:
    """The profile of a cold start.

    runs: the number of starts behind the medians. status: the status of the response to the event; None without an
    event or an HTTP response. imports: by owner. Their µs come from -X importtime, scaled to the CPU time of normal
    starts, because -X importtime slows the process and includes the time of other processes.
    """

    name: str
    version: str
    runs: int
    status: int | None
    stages: list[MeasuredStage]
    total: Total
    imports: Mapping[str, Sequence[Import]]
    advice: list[Advice]

    def document(self, least_ms: float = 0.0) -> dict[str, Any]:
        """Return the profile as JSON, with the imports that cost at least `least_ms`."""
        return {
            "model": self.name,
            "version": self.version,
            "runs": self.runs,
            "status": self.status,
            "stages": [stage._asdict() for stage in self.stages],
            "total": self.total._asdict(),
            "imports": {
                owner: [cost.document() for cost in costs(imports, least_ms)] for owner, imports in self.imports.items()
            },
            "advice": [advice._asdict() for advice in self.advice],
        }


def profile(
    function: Function, store: Store, event: bytes | None, runs: int, progress: Progress | None = None
) -> Profile:
    """Start a function several times and measure its stages.

    event: the event to send, None to measure only the init. runs: the number of measured starts; two more come first.
    Raises the errors of `local_function` and `start`.
    """
    progress = progress or Silent()
    root, lock = function.folder.parents[1], lock_for(function, store)
    progress.step("compiling the contract")
    local = local_function(function, store, lock)
    aws = Credentials([local]).variables()
    progress.step("first start, to create files and bytecode")
    first = start(local, event, aws)
    progress.step("start under -X importtime")
    traced = start(local, event, aws, traced=True)
    progress.step(f"{runs} measured starts")
    samples: list[Sample] = []
    for done in range(runs):
        progress.advance(done, runs)
        samples.append(start(local, event, aws))
    progress.step("comparing the graph with the one that publish would write today")
    manifest, _ = read_manifest(store, function.name, lock.version)
    owners = Ownership.of(traced.notes, function.folder, backend_of(function, manifest))
    roots = _scaled(parse(traced.printed.splitlines()), _scale(traced, samples))
    imports = owners.divide(roots)
    found = Findings(
        function=function,
        manifest=manifest,
        owners=owners,
        imports=imports,
        needs_pydantic=write_bundle(function, store, lock, Path(local.environment["MODELET_BUNDLE"])).needs_pydantic,
        compiled=[note[1].removeprefix(f"{root}{os.sep}") for note in traced.notes if note[0] == "compile"],
        graph_ms=gain_ms(store, manifest),
        app_ms=_unexplained_ms(traced, samples, roots),
        fetch_ms=min(float(sample.cold.get("fetch_ms", 0.0)) for sample in (first, traced, *samples)),
    )
    return Profile(
        function.name, lock.version, runs, _status(traced), stages(samples), total(samples), imports, advise(found)
    )


def _scale(traced: Sample, samples: Sequence[Sample]) -> float:
    """Return the ratio of the init's CPU time in normal starts to its time under -X importtime."""
    spent = median(sample.ends["init"].cpu_ms - sample.ends["client"].cpu_ms for sample in samples)
    lasted = traced.ends["init"].wall_ms - traced.ends["client"].wall_ms - float(traced.cold.get("fetch_ms", 0.0))
    return spent / max(lasted, spent, 1.0)


def _scaled(roots: Sequence[Import], scale: float) -> list[Import]:
    """Return the imports without the probe's own, with scaled times."""
    return [
        Import(each.module, round(each.self_us * scale), _scaled(each.children, scale))
        for each in roots
        if each.module != "sitecustomize"
    ]


def _unexplained_ms(traced: Sample, samples: Sequence[Sample], roots: Sequence[Import]) -> float:
    """Return the minimum CPU time of the import stage that belongs to no module (other starts may be disturbed)."""
    spent = min(sample.ends["imports"].cpu_ms - sample.ends["client"].cpu_ms for sample in samples)
    names = [note[1] for note in traced.notes]
    ends = [place for place, note in enumerate(traced.notes) if note[:2] == ["stage", "imports"]]
    within = set(names[names.index("client") : ends[-1]])
    explained = sum(each.self_us for root in roots for each in root.walk() if each.module in within) / 1000
    return max(0.0, spent - explained)


def _status(sample: Sample) -> int | None:
    if sample.reply is None:
        return None
    answer = json.loads(sample.reply.payload)
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    return status if isinstance(status, int) else None
