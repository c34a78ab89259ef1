"""Fetch a version's file from S3: Modelet's parallel ranges compared with boto3's `download_file`.

`python -m benchmarks.store` prints a table, and JSON with --json. Every fetch runs in a fresh process. Every round runs
each way once, in another order.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks.machine import Row, machine, rows, sentence
from benchmarks.objects import serving
from benchmarks.s3 import SIGNED_IN

MB = 1_000_000
SIZES = (1, 64, 100, 300)
IN_MEMORY = 64
"""The largest file, in MB, that a function reads into memory."""
HOWS = {
    "boto3 download_file": "boto3",
    "boto3 download_file, then SHA-256": "boto3-checked",
    "modelet to disk, hashed": "disk",
    "modelet to memory, hashed": "memory",
}
LATENCY_MS, MB_A_SECOND = 25, 80
SERVERS = {"at once": (0, 0), "as S3": (LATENCY_MS, MB_A_SECOND)}
NOTES = (
    "The server hands files out by sendfile over plain HTTP on the same machine, in a process of its own: it is no S3, "
    "but emulators in Python are slower than what is measured. As S3: the first byte of an answer takes 10 to 40 ms, "
    "and one connection carries 80 MB/s; what a function's own network carries is not imitated. boto3's settings are "
    "its own: parts of 8 MB, ten threads. Extra peak: resident memory at its most during the fetch, above what it was "
    "before."
)


class Object(NamedTuple):
    """A file to fetch: its name, its size in bytes, its digest."""

    key: str
    size: int
    sha256: str


def make(folder: Path, size: int) -> Object:
    """Write a file of `size` random bytes, and return its description."""
    chance, hasher, left = random.Random(size), hashlib.sha256(), size  # noqa: S311 - no secret
    file = folder / f"{size}.onnx"
    with file.open("wb") as written:
        while left:
            part = chance.randbytes(min(left, MB))
            written.write(part)
            hasher.update(part)
            left -= len(part)
    return Object(file.name, size, hasher.hexdigest())


def fetch(how: str, wanted: Object, url: str, folder: Path) -> dict[str, float]:
    """Fetch an object in a fresh process. Raises CalledProcessError; its output is on our standard error."""
    environment = {
        **SIGNED_IN,
        "PATH": os.environ["PATH"],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
    }
    target = folder / "fetched"
    words = [how, wanted.key, str(wanted.size), wanted.sha256, str(target)]
    process = [sys.executable, "-m", "benchmarks.fetched", *words]
    ran = subprocess.run(process, cwd=Path(__file__).parents[1], env=environment, stdout=subprocess.PIPE, check=True)
    target.unlink(missing_ok=True)
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures | {"mb_a_second": wanted.size / MB / (figures["wall_ms"] / 1000)}


def measure(sizes: tuple[int, ...], rounds: int, objects: Path, folder: Path) -> list[Row]:
    """Return rows for every size in MB and every server. objects: the server's files. folder: the target of fetches."""
    found: list[Row] = []
    made = {size: make(objects, size * MB) for size in sizes}
    (folder / "small.json").write_text(json.dumps(make(objects, 1_000)._asdict()))
    for server, (latency_ms, mb_a_second) in SERVERS.items():
        with serving(objects, latency_ms, mb_a_second) as url:
            for size, wanted in made.items():
                click.echo(f"{size} MB, {server}", err=True)
                hows = {name: how for name, how in HOWS.items() if how != "memory" or size <= IN_MEMORY}
                samples: dict[str, list[dict[str, float]]] = {name: [] for name in hows}
                for _ in range(rounds):
                    for name in random.sample(list(hows), len(hows)):
                        samples[name].append(fetch(hows[name], wanted, url, folder))
                found += [{"server": server, "size_mb": size, **row} for row in rows(samples)]
    return found


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=7, show_default=True)
@click.option("--size", "sizes", type=click.IntRange(1, 2000), multiple=True, help="MB.  [default: 1, 64, 100, 300]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, sizes: tuple[int, ...], as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.store --size 300 --rounds 3."""
    with tempfile.TemporaryDirectory() as objects, tempfile.TemporaryDirectory() as folder:
        found = measure(sizes or SIZES, rounds, Path(objects), Path(folder))
    result = {"benchmark": "store", "machine": machine(), "rounds": rounds, "unit notes": NOTES, "rows": found}
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [f"{sentence(result['machine'])}; medians of {result['rounds']} rounds", ""]
    lines += ["| server | MB | way | ms | min–max | × | CPU ms | MB/s | extra peak MB |", f"|{'---|' * 9}"]
    for row in result["rows"]:
        wall = f"{row['wall_ms']:g} | {row['wall_ms_min']:g}–{row['wall_ms_max']:g} | {row['wall_ms_ratio']:g}"
        rest = f"{row['cpu_ms']:g} | {row['mb_a_second']:g} | {row['extra_peak_mb']:g}"
        lines.append(f"| {row['server']} | {row['size_mb']} | {row['subject']} | {wall} | {rest} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
