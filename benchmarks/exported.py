"""Samples that were exported from torch: beside a floor, and a naive function in the environment of `make export`."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks.environment import Subject, measure
from benchmarks.lineup import BAKED, QUIET, S3, command, push
from benchmarks.machine import machine, rows, sentence
from benchmarks.s3 import BUCKET, SIGNED_IN, emulated
from modelet.bundle import BUNDLE_FILE, ENTRY_POINT
from modelet.dev.local.runtime.variables import LAYER
from modelet.digest import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[1]
EXPORT = ROOT / ".tools" / "export"


class Sample(NamedTuple):
    """A sample and what it is measured beside.

    benchmark: the module's name. habits: the folder with the floor's and the naive function's handlers, whose names
    follow. files: what the naive function downloads, below the environment of `make export`, with its keys. event: the
    sample's. is_right: whether a body is the answer. variables: of the floor and the naive function.
    """

    benchmark: str
    name: str
    habits: str
    floor: str
    naive: str
    files: Mapping[str, str]
    event: str
    is_right: Callable[[Any], bool]
    variables: Mapping[str, str] = {}


@contextmanager
def lineup(sample: Sample, *, naive: bool) -> Iterator[list[Subject]]:
    """Yield the subjects, the floor first, with the sample published to a folder and to an emulated S3."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder) / "project"
        shutil.copytree(ROOT / "functions" / sample.name, root / "functions" / sample.name)
        command(root, "pin", "--publish")
        command(root, "bundle")
        endpoint, _ = stack.enter_context(emulated(0))
        push(root, endpoint)
        version, function = root / ".modelet/store" / sample.name / "1", root / "functions" / sample.name
        trusted = {"PYTHONPATH": str(LAYER), "MODELET_BUNDLE_SHA256": digest((function / BUNDLE_FILE).read_bytes())}
        bucket = {**SIGNED_IN, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
        floor = {**QUIET, **sample.variables, "MODEL": str(version)}
        subjects = [
            Subject(sample.floor, Path(__file__).parent / sample.habits, "floor.handler", floor),
            Subject(BAKED, function, ENTRY_POINT, {**trusted, "MODELET_STORE": (root / ".modelet/store").as_uri()}),
            Subject(S3, function, ENTRY_POINT, {**trusted, **bucket, "MODELET_STORE": f"s3://{BUCKET}/models"}),
        ]
        yield [*subjects, _naive(sample, bucket, Path(folder))] if naive else subjects


def _naive(sample: Sample, bucket: Mapping[str, str], folder: Path) -> Subject:
    """Put the files into the bucket. boto3 and the runtime client are those of this environment."""
    import boto3

    keys = {name.lower(): SIGNED_IN[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    client = boto3.client("s3", endpoint_url=bucket["AWS_ENDPOINT_URL"], **keys)
    for path, key in sample.files.items():
        client.upload_file(str(EXPORT / path), BUCKET, key)
    here = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    own = next((EXPORT / "lib").glob("python*/site-packages"))
    (folder / "tmp").mkdir()
    given = {**QUIET, **bucket, **sample.variables, "BUCKET": BUCKET, "TMPDIR": str(folder / "tmp")}
    # The function's folder has the module that a pickle of torch names.
    paths = ":".join(map(str, (own, here, ROOT / "functions" / sample.name)))
    habits, python = Path(__file__).parent / sample.habits, str(EXPORT / "bin" / "python")
    return Subject(sample.naive, habits, "naive.handler", {**given, "PYTHONPATH": paths}, python=python)


def main_of(sample: Sample) -> click.Command:
    """Return the command that measures a sample and prints a table."""

    @click.command(help=f"Measure, as in: python -m benchmarks.{sample.benchmark} --rounds 5.")
    @click.option("--rounds", type=click.IntRange(1, 100), default=15, show_default=True)
    @click.option(
        "--warm", type=click.IntRange(1, 5000), default=100, show_default=True, help="Requests after the first."
    )
    @click.option("--naive/--no-naive", default=True, help="Measure the naive function too.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def main(rounds: int, warm: int, naive: bool, as_json: bool) -> None:
        if naive and not all((EXPORT / path).is_file() for path in sample.files):
            raise click.UsageError(f"run make export-{sample.name} first, or give --no-naive")
        event = (ROOT / "events" / sample.name / sample.event).read_bytes()
        with lineup(sample, naive=naive) as subjects:
            samples: dict[str, list[dict[str, float]]] = {subject.name: [] for subject in subjects}
            for _ in range(rounds):
                for subject in random.sample(subjects, len(subjects)):
                    samples[subject.name].append(_sampled(sample, subject, event, warm))
        _show(sample, rounds, rows(samples), as_json=as_json)

    return main


def _sampled(sample: Sample, subject: Subject, event: bytes, warm: int) -> dict[str, float]:
    """Measure one fresh process. Raises RuntimeError if its answer is wrong."""
    found = measure(subject, event, warm=warm)
    if not sample.is_right(json.loads(json.loads(found.answers[0])["body"])):
        raise RuntimeError(f"{subject.name} answers {found.answers[0][:300]!r}")
    return found.figures


def _show(sample: Sample, rounds: int, found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        figures = {"benchmark": sample.benchmark, "machine": machine(), "rounds": rounds, "rows": found}
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"{sentence(machine())}; medians of {rounds} rounds, CPU also the least\n")
    click.echo("| subject | CPU ms | least | × floor | wall ms | MB | × | warm µs |")
    click.echo("|---|---|---|---|---|---|---|---|")
    for row in found:
        cpu = f"{row['cpu_ms']} | {row['cpu_ms_min']} | {row['cpu_ms_ratio']}"
        memory = f"{row['resident_mb']} | {row['resident_mb_ratio']}"
        click.echo(f"| {row['subject']} | {cpu} | {row['wall_ms']} | {memory} | {row['warm_us']} |")
