"""Cold start with an empty page cache: the same processes after all their files were evicted.

`python -m benchmarks.evicted` prints a table, and JSON with --json. Each round starts a subject once normally (`warm`)
and once after its interpreter, packages, code and model were evicted from the page cache. The wall time then depends
on the disk, so the table also shows the megabytes read from it. Linux only.
"""

from __future__ import annotations

import json
import random
import sys
import sysconfig
from pathlib import Path

import click

from benchmarks import page_cache
from benchmarks.lineup import BAKED, FLOOR, NAIVE, POWERTOOLS, lineup, sampled
from benchmarks.machine import Row, machine, rows, sentence
from modelet.dev.local.runtime.variables import LAYER

SUBJECTS = (FLOOR, BAKED, POWERTOOLS, NAIVE)
NOTES = "ms until the first answer with files in the page cache and evicted; read_mb: from the disk, after the eviction"
LIBRARIES = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platlib", "purelib")]


def measured(rounds: int) -> tuple[list[Row], float]:
    """Return one row per subject, the floor first; and the largest share of all files that stayed in memory."""
    left = 0.0
    with lineup() as subjects:
        root = Path(subjects[FLOOR][0].environment["GRAPH"]).parents[4]
        files = page_cache.below([*LIBRARIES, Path(sys.prefix), Path(sys.base_prefix) / "bin", LAYER, root])
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in SUBJECTS}
        with click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
            for _ in counted:
                for name in random.sample(SUBJECTS, len(SUBJECTS)):
                    sampled(subjects[name])  # read again what another subject's eviction removed
                    warm = sampled(subjects[name])
                    page_cache.evict(files)
                    left = max(left, page_cache.cached_share(files))
                    page_cache.evict(files)  # evict again, because others may have read some files in the meantime
                    cold = sampled(subjects[name])
                    samples[name].append(
                        {
                            "wall_ms": cold.wall_ms,
                            "cpu_ms": cold.cpu_ms,
                            "read_mb": cold.read_mb,
                            "warm_wall_ms": warm.wall_ms,
                            "warm_cpu_ms": warm.cpu_ms,
                        }
                    )
    return rows(samples), left


@click.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.evicted --rounds 5."""
    where, (found, left) = machine(), measured(rounds)
    notes = f"{NOTES}; at most {left:.1%} of the files' pages stayed in memory"
    if as_json:
        document = {"benchmark": "evicted", "machine": where, "rounds": rounds, "unit notes": notes, "rows": found}
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{sentence(where)}; medians of {rounds} rounds; {notes}\n")
    click.echo("| subject | wall ms, evicted | min–max | × floor | CPU ms | MB read | wall ms, warm | × floor |")
    click.echo("|---|---|---|---|---|---|---|---|")
    for row in found:
        wall = f"{row['wall_ms']:g} | {row['wall_ms_min']:g}–{row['wall_ms_max']:g} | {row['wall_ms_ratio']:g}"
        warm = f"{row['warm_wall_ms']:g} | {row['warm_wall_ms_ratio']:g}"
        click.echo(f"| {row['subject']} | {wall} | {row['cpu_ms']:g} | {row['read_mb']:g} | {warm} |")


if __name__ == "__main__":
    main()
