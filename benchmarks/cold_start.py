"""Cold start to the first response: fresh processes with a Runtime API; Modelet, the floor and common tools.

`python -m benchmarks.cold_start` prints a table, and JSON with --json. Every round starts each subject once, in another
order, and the floor twice, so that other load on the machine affects all of them. Ratios are of medians in one run.
"""

from __future__ import annotations

import json
import random
import sys

import click

from benchmarks.lineup import FLOOR, lineup, sampled
from benchmarks.machine import Row, machine, rows, sentence

NOTES = "CPU and wall ms until the first answer is posted; memory then, and at its peak, in MB; warm: round trip"


def measured(rounds: int, warm: int) -> list[Row]:
    """Return one row per subject, the floor first."""
    with lineup() as subjects:
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in subjects}
        with click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
            for _ in counted:
                for name in random.sample([*subjects, FLOOR], len(subjects) + 1):
                    samples[name].append(sampled(subjects[name], warm=warm).figures)
    return rows(samples)


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=25, show_default=True)
@click.option("--warm", type=click.IntRange(1, 5000), default=200, show_default=True, help="Requests after the first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, warm: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.cold_start --rounds 5."""
    where, found = machine(), measured(rounds, warm)
    if as_json:
        document = {"benchmark": "cold_start", "machine": where, "rounds": rounds, "unit notes": NOTES, "rows": found}
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{sentence(where)}; medians of {rounds} rounds, CPU also least and most\n")
    click.echo("| subject | CPU ms | min–max | × floor | wall ms | × | MB | × | peak MB | warm µs |")
    click.echo("|---|---|---|---|---|---|---|---|---|---|")
    for row in found:
        cpu = f"{row['cpu_ms']} | {row['cpu_ms_min']}–{row['cpu_ms_max']} | {row['cpu_ms_ratio']}"
        wall, memory = (f"{row[key]} | {row[f'{key}_ratio']}" for key in ("wall_ms", "resident_mb"))
        click.echo(f"| {row['subject']} | {cpu} | {wall} | {memory} | {row['peak_mb']} | {row['warm_us']} |")


if __name__ == "__main__":
    main()
