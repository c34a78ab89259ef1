"""The long run: `python -m differential.fuzz --cases 3000`, and `--seed N` for one case alone.

Each case's outcome is a line of a file, so that a run that was stopped goes on where it was: `--resume`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from differential.report import lines, shortcomings
from differential.trial import Outcome, tried

OUTCOMES = Path(".modelet/fuzz/outcomes.jsonl")

LIFE = 200
"""Cases that one process does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="differential.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this case alone, with all that is found")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--resume", action="store_true", help="keep the outcomes that are there")
    parser.add_argument("--outcomes", type=Path, default=OUTCOMES)
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _one(given.seed)
    seeds = range(given.first, given.first + given.cases)
    outcomes = _run(seeds, given.outcomes, given.jobs, resume=given.resume)
    _say("", *lines(outcomes))
    return bool(shortcomings(outcomes))


def _one(seed: int) -> int:
    outcome = tried(seed)
    _say(outcome.to_json())
    for found in [*outcome.refused, *outcome.findings]:
        _say(f"\n{found}")
    return bool(outcome.findings)


def _run(seeds: range, file: Path, jobs: int, *, resume: bool) -> list[Outcome]:
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = [Outcome(**json.loads(line)) for line in file.read_text().splitlines()] if resume and file.exists() else []
    outcomes = {outcome.seed: outcome for outcome in kept if outcome.seed in seeds}
    waiting = [seed for seed in seeds if seed not in outcomes]
    # A process for a few cases: what estimators and graphs leave behind in memory goes with it.
    with (
        file.open("a" if resume else "w") as written,
        get_context("spawn").Pool(jobs, _quiet, maxtasksperchild=LIFE) as pool,
    ):
        for outcome in pool.imap_unordered(tried, waiting):
            outcomes[outcome.seed] = outcome
            written.write(f"{outcome.to_json()}\n")
            written.flush()
            _say(_progress(outcome, len(outcomes), len(seeds)))
    return [outcomes[seed] for seed in sorted(outcomes)]


def _progress(outcome: Outcome, done: int, total: int) -> str:
    served = outcome.served or "refused"
    found = f"; {len(outcome.findings)} findings: make fuzz SEED={outcome.seed}" if outcome.findings else ""
    return f"{done}/{total} seed {outcome.seed}: {outcome.predictor}, {served}, {outcome.seconds:.1f} s{found}"


def _say(*said: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in said))
    sys.stdout.flush()


def _quiet() -> None:
    """Keep what libraries print out of the progress: onnxruntime writes each failed row to standard error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


if __name__ == "__main__":
    sys.exit(main())
