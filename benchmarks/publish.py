"""The time from `modelet publish` to the new version's first response from `modelet up --reload`, and its start time.

`python -m benchmarks.publish` prints a table, and JSON with --json. The samples are really trained, in a new project.
After publish and pin, the running server reloads the lock without a restart.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import click

from benchmarks.machine import machine, rows, sentence
from benchmarks.server import Running, Server, ask

HERE = Path(__file__).parent
MODELET = Path(sys.executable).parent / "modelet"
LONGEST = 60
"""Seconds until a new version must be served."""
ASKED_EVERY = 0.02
"""Seconds between two requests for the new version."""
NOTES = (
    "Seconds. Start: from starting `modelet up` with all samples published and pinned to the first prediction of this "
    "one. Publish: training with the sample's own cross-validation, conversion, comparison on held-out rows, writing; "
    "its CPU time beside it. Pin: the lock. Served: from then to the first answer of the new version. Total: publish, "
    "pin and served."
)


def prepare(root: Path) -> list[str]:
    """Create a project with the samples, published and pinned, and return their folders' names."""
    generated = shutil.ignore_patterns("__pycache__", "model.lock", "bundle.json", ".mypy_cache")
    shutil.copytree(HERE.parent / "functions", root / "functions", ignore=generated)
    command("pin", "--publish", root=root)
    return sorted(file.parent.name for file in root.glob("functions/*/model.lock"))


def command(*words: str, root: Path) -> float:
    """Run modelet in a project and return its CPU seconds. Raises click.ClickException with its output."""
    before = getrusage(RUSAGE_CHILDREN)
    ran = subprocess.run([MODELET, *words], cwd=root, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise click.ClickException(f"modelet {' '.join(words)}: {ran.stderr}")
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def server(root: Path, folder: str) -> Server:
    """Return `modelet up` of a project as a server for one of its models. Its prediction is the version."""
    body = json.loads(json.loads((HERE.parent / f"events/{folder}/infer.json").read_text())["body"])
    return Server(
        name="modelet up",
        command=("modelet", "up", "--reload", "--port", "{port}"),
        path=f"/models/{folder.replace('_', '-')}/infer",
        body=json.dumps(body if "instances" in body else {"instances": [body]}),
        label=("version",),
        home=Path(sys.prefix),
        folder=root,
    )


def measure(root: Path, folder: str) -> dict[str, float]:
    """Start, publish, pin, and send requests until the new version responds; in seconds. Raises TimeoutError."""
    up = server(root, folder)
    with Running(up) as running:
        started, answer = running.first()
        new = str(int(up.predicted(answer)) + 1)
        began = time.perf_counter()
        spent = command("publish", folder, root=root)
        published = time.perf_counter()
        command("pin", folder, new, root=root)
        pinned = time.perf_counter()
        served = _served(new, up, running, pinned + LONGEST)
    figures = {"start_s": started, "publish_s": published - began, "publish_cpu_s": spent, "pin_s": pinned - published}
    return figures | {"served_s": served - pinned, "total_s": served - began}


def _served(version: str, up: Server, running: Running, until: float) -> float:
    """Return the time when a version responded. Raises TimeoutError."""
    while time.perf_counter() < until:
        status, answer = ask(running.port, up.path, up.body)
        if status == 200 and up.predicted(answer) == version:
            return time.perf_counter()
        time.sleep(ASKED_EVERY)
    raise TimeoutError(f"version {version} is not served, but {answer[:300]!r}")


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.publish --rounds 1."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in prepare(root)}
        for turn in range(rounds):
            for name, taken in samples.items():
                click.echo(f"{name}, round {turn + 1}", err=True)
                taken.append(measure(root, name))
    result = {
        "benchmark": "publish",
        "machine": machine(),
        "rounds": rounds,
        "unit notes": NOTES,
        "rows": rows(samples),
    }
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [f"{sentence(result['machine'])}; medians of {result['rounds']} rounds", ""]
    figures = ("start_s", "publish_s", "publish_cpu_s", "pin_s", "served_s", "total_s")
    lines += [f"| sample | {' | '.join(name.replace('_', ' ') for name in figures)} | min–max |", f"|{'---|' * 8}"]
    for row in result["rows"]:
        shown = " | ".join(f"{row[name]:.3g}" for name in figures)
        lines.append(f"| {row['subject']} | {shown} | {row['total_s_min']:.3g}–{row['total_s_max']:.3g} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
