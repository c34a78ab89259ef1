"""Cold start of the sample digits to its first answer, and the time of an image, beside the floor and a naive function.

`python -m benchmarks.images_served` prints a table, and JSON with --json. The naive function runs in the environment of
`make export`, with the module that `make export-digits` trains; --no-naive leaves it out. Ratios are of medians in one
run; a warm request is one PNG of 8 × 8 pixels as the body.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.environment import Subject, measure
from benchmarks.lineup import command, push
from benchmarks.machine import machine, rows, sentence
from benchmarks.s3 import BUCKET, SIGNED_IN, emulated
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.local.runtime.variables import LAYER
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
EXPORT = ROOT / ".tools" / "export"
HABITS = Path(__file__).parent / "image_subjects"
FLOOR, BAKED, S3 = "floor: numpy + onnxruntime + Pillow", "modelet, baked", "modelet, S3"
NAIVE = "boto3 + torch + Pillow"
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


@contextmanager
def lineup(naive: bool) -> Iterator[list[Subject]]:
    """Yield the subjects, the floor first, with the sample published to a folder and to an emulated S3."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder) / "project"
        shutil.copytree(ROOT / "functions" / "digits", root / "functions" / "digits")
        command(root, "pin", "--publish")
        command(root, "bundle")
        endpoint, _ = stack.enter_context(emulated(0))
        push(root, endpoint)
        version, function = root / ".modelet/store/digits/1", root / "functions/digits"
        trusted = {"PYTHONPATH": str(LAYER), "MODELET_BUNDLE_SHA256": digest((function / BUNDLE_FILE).read_bytes())}
        bucket = {**SIGNED_IN, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
        subjects = [
            Subject(FLOOR, HABITS, "floor.handler", {**QUIET, "MODEL": str(version)}),
            Subject(BAKED, function, ENTRY_POINT, {**trusted, "MODELET_STORE": (root / ".modelet/store").as_uri()}),
            Subject(S3, function, ENTRY_POINT, {**trusted, **bucket, "MODELET_STORE": f"s3://{BUCKET}/models"}),
        ]
        yield [*subjects, _naive(bucket, Path(folder))] if naive else subjects


def _naive(bucket: dict[str, str], folder: Path) -> Subject:
    """Put the module into the bucket. boto3, Pillow and the runtime client are those of this environment."""
    import boto3

    keys = {name.lower(): SIGNED_IN[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    client = boto3.client("s3", endpoint_url=bucket["AWS_ENDPOINT_URL"], **keys)
    client.upload_file(str(EXPORT / "digits" / "model.pt"), BUCKET, "net/model.pt")
    packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (folder / "tmp").mkdir()
    given = {**QUIET, **bucket, "BUCKET": BUCKET, "TMPDIR": str(folder / "tmp")}
    own = str(next((EXPORT / "lib").glob("python*/site-packages")))
    python = str(EXPORT / "bin" / "python")
    paths = f"{own}:{packages}:{ROOT / 'functions/digits'}"
    return Subject(NAIVE, HABITS, "naive.handler", {**given, "PYTHONPATH": paths}, python=python)


def sampled(subject: Subject, event: bytes, warm: int) -> dict[str, float]:
    """Measure one fresh process. Raises RuntimeError if it does not read the digit."""
    sample = measure(subject, event, warm=warm)
    body = json.loads(json.loads(sample.answers[0])["body"])
    if body.get("digit") != 7:
        raise RuntimeError(f"{subject.name} answers {sample.answers[0][:300]!r}")
    return sample.figures


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=15, show_default=True)
@click.option("--warm", type=click.IntRange(1, 5000), default=100, show_default=True, help="Requests after the first.")
@click.option("--naive/--no-naive", default=True, help="Measure torch too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, warm: int, naive: bool, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.images_served --rounds 5."""
    if naive and not (EXPORT / "digits" / "model.pt").is_file():
        raise click.UsageError("run make export-digits first, or give --no-naive")
    event = (ROOT / "events/digits/infer_file.json").read_bytes()
    with lineup(naive) as subjects:
        samples: dict[str, list[dict[str, float]]] = {subject.name: [] for subject in subjects}
        for _ in range(rounds):
            for subject in random.sample(subjects, len(subjects)):
                samples[subject.name].append(sampled(subject, event, warm))
    found = rows(samples)
    if as_json:
        click.echo(json.dumps({"benchmark": "images_served", "machine": machine(), "rounds": rounds, "rows": found}))
        return
    click.echo(f"{sentence(machine())}; medians of {rounds} rounds, CPU also the least\n")
    click.echo("| subject | CPU ms | least | × floor | wall ms | MB | × | warm µs |")
    click.echo("|---|---|---|---|---|---|---|---|")
    for row in found:
        cpu = f"{row['cpu_ms']} | {row['cpu_ms_min']} | {row['cpu_ms_ratio']}"
        memory = f"{row['resident_mb']} | {row['resident_mb_ratio']}"
        click.echo(f"| {row['subject']} | {cpu} | {row['wall_ms']} | {memory} | {row['warm_us']} |")


if __name__ == "__main__":
    main()
