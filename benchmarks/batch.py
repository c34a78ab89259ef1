"""A batch end to end: rows of 30 numbers from S3 into a table, in rows per second of CPU, beside the plain way.

`python -m benchmarks.batch` prints a table, and JSON with --json. Every measurement is a process of its own, whose CPU
time and peak of memory count; S3, the control table and the endpoint that takes the predictions are other processes.
The plain way is one handler with pandas, scikit-learn's `predict` and boto3's `batch_writer`. The CPU of starting a
process is measured with no rows, and subtracted.
"""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any

import click

from benchmarks.machine import machine, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
FEATURES = [f"x{number}" for number in range(30)]
BUCKET = "batches"
CHUNK_ROWS = 50_000
PLAIN_SHARE = 20
"""The plain way scores this part of the rows, because it takes so much longer."""
PARTS = ("read", "check", "infer", "write", "import", "plain")
TARGETS = {"write": 3, "import": 8}
"""How many times the rows per second of the plain way these must score."""
NOTES = (
    "A logistic regression of 30 float columns and its scaler, as ONNX with a compiled contract; the plain way has "
    "the same estimator as joblib. CSV rows of 31 cells. read: cut into chunks and read; check: and validated; infer: "
    "and predicted; write, import: and written. Each figure contains those before it."
)
TRAIN = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from modelet.publishing import Trained

def train():
    rows = np.random.default_rng(1).normal(size=(4000, 30)).round(4)
    labels = np.where(rows[:, :5].sum(axis=1) > 0, "high", "low")
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels)
    return Trained(estimator=estimator, examples=rows, metrics={"accuracy": 1.0}, metric="accuracy",
                   feature_names=[f"x{number}" for number in range(30)])
"""


def make_project(root: Path) -> None:
    """Publish the model into a project below `root`, and keep its estimator beside it for the plain way."""
    import joblib

    from modelet.dev.bundle.bundle import write_bundle
    from modelet.dev.project.project import Project
    from modelet.publishing import pin, publish
    from modelet.store.store import Store

    folder = root / "functions" / "wide"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text("backend: onnx\n")
    (folder / "train.py").write_text(TRAIN)
    project = Project(root)
    store = Store(project.store_url(None))
    function = project.function("wide")
    publish(function, store)
    write_bundle(function, store, pin(function, store))
    names: dict[str, Any] = {}
    exec(TRAIN, names)  # noqa: S102 - our own text
    joblib.dump(names["train"]().estimator, root / "model.joblib")


def make_rows(count: int) -> bytes:
    """Return a CSV file with a key and 30 numbers in each row, the same in every run."""
    chosen = random.Random(0)  # noqa: S311 - numbers
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *FEATURES])
    for number in range(count):
        writer.writerow([f"customer-{number:09d}", *(round(chosen.gauss(0, 1), 4) for _ in FEATURES)])
    return text.getvalue().encode()


def part(name: str, root: Path, url: str, sink: str) -> dict[str, float]:
    """Do one part in this process, and return its rows, its seconds of CPU and its peak of memory in MB."""
    work: Callable[[Path, str, str, str], int] = _plain if name == "plain" else _ours
    done = work(root, url, sink, name)
    used = getrusage(RUSAGE_SELF)
    return {"rows": done, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Return this process's peak of memory. getrusage also counts what the process that started it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def _plain(root: Path, url: str, sink: str, _name: str) -> int:
    """Score an object as a first version of such a handler does."""
    import boto3
    import joblib
    import pandas

    bucket, _, key = url.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    frame = pandas.read_csv(io.BytesIO(body))
    model = joblib.load(root / "model.joblib")
    features = frame[FEATURES].to_numpy()
    labels = model.predict(features)
    probabilities = model.predict_proba(features).max(axis=1)
    table = boto3.resource("dynamodb", endpoint_url=sink).Table("predictions")
    with table.batch_writer() as writer:
        for key_, label, probability in zip(frame["id"], labels, probabilities, strict=True):
            text = json.dumps({"label": label, "probability": float(probability)})
            writer.put_item(Item={"id": key_, "generation": "g", "source": "batch", "prediction": text})
    return len(frame)


def _ours(root: Path, url: str, sink: str, name: str) -> int:
    """Score an object as a worker does, up to a stage; all chunks one after the other in this process."""
    import boto3

    from modelet.batch.inputs.cut import cut
    from modelet.batch.inputs.find import find_inputs
    from modelet.batch.inputs.read import read_pieces
    from modelet.batch.records import Batches
    from modelet.batch.request import BatchRequest
    from modelet.batch.settings import WorkerSettings
    from modelet.batch.table import new_id
    from modelet.batch.worker import Worker
    from modelet.handler import ModelHandler
    from modelet.observability import Timings
    from modelet.settings import Settings

    store = (root / ".modelet" / "store").as_uri()
    service = ModelHandler(settings=Settings(root / "functions" / "wide", store, root / "tmp")).service
    worker = Worker(service, WorkerSettings("control", f"s3://{BUCKET}/files", "predictions"))
    request = BatchRequest((url,), "id", chunk_rows=CHUNK_ROWS)
    chunks = list(cut(find_inputs(request, worker.objects), request, worker.objects))
    pipeline, contract = service.pipeline, service.pipeline.contract
    if name in {"write", "import"}:
        worker.batches = Batches(boto3.client("dynamodb"), "control")
        worker.dynamodb = boto3.client("dynamodb", endpoint_url=sink)
        created = worker.batches.create(
            "wide", new_id(), version="1", function="", request=request, tolerated=0, load=name
        )
        record = worker.batches.plan_done(created, 1, len(chunks), None, name)
        assert record is not None  # noqa: S101 - it was just created
        for chunk in chunks:
            worker.chunk({"model": "wide", "id": record.id, "attempt": 1}, chunk.to_json(), Timings(), None)
        found = worker.batches.get("wide", record.id)
        if found.rows_failed or found.chunks_done != len(chunks):
            raise click.ClickException(f"rows or chunks failed: {found}")
        return found.rows_done
    rows = 0
    for chunk in chunks:
        for piece in read_pieces(chunk, request, worker.objects, fields=contract.field_names):
            rows += len(piece.keys)
            if name != "read":
                checked = contract.check_columns(piece.columns or {}, partial=True)
                if name == "infer":
                    pipeline.infer(checked, Timings(), partial=True)
    return rows


@contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command of this Python until the block ends."""
    import os

    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.terminate()


def measured(name: str, root: Path, url: str, sink: str, aws: dict[str, str]) -> dict[str, float]:
    """Run a part in a process of its own. Raises ClickException with its output."""
    import os

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.batch", "--part", name, str(root), url, sink],
        cwd=ROOT,
        env={**os.environ, **aws},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


SERVER = """
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
time.sleep(1e9)
"""


def run(count: int, rounds: int) -> dict[str, Any]:
    """Measure all parts in each round, in a changing order."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process("-c", SERVER) as server,
        process("-m", "benchmarks.sink") as sink,
    ):
        root = Path(folder)
        make_project(root)
        port, sink_port = (int(each.stdout.readline()) for each in (server, sink))  # type: ignore[union-attr] # asked for
        aws = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }
        sink_url = f"http://127.0.0.1:{sink_port}/"
        urls = _put_inputs(aws, count)
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in PARTS}
        for number in range(rounds):
            for name in random.Random(number).sample(PARTS, len(PARTS)):  # noqa: S311 - an order
                size = "part" if name == "plain" else "whole"
                empty = measured(name, root, urls["few"], sink_url, aws)
                found = measured(name, root, urls[size], sink_url, aws)
                cpu_us = (found["cpu_s"] - empty["cpu_s"]) / (found["rows"] - empty["rows"]) * 1e6
                samples[name].append({"cpu_us": cpu_us, "peak_mb": found["peak_mb"]})
        flat = {size: measured("write", root, urls[size], sink_url, aws)["peak_mb"] for size in ("part", "whole")}
        return {"samples": samples, "peak_mb": flat, "part rows": count // PLAIN_SHARE}


def _put_inputs(aws: dict[str, str], count: int) -> dict[str, str]:
    """Put inputs of three sizes into S3, create the control table, and return the inputs' URLs."""
    import boto3

    settings = {
        "endpoint_url": aws["AWS_ENDPOINT_URL"],
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "region_name": "us-east-1",
    }
    s3 = boto3.client("s3", **settings)
    s3.create_bucket(Bucket=BUCKET)
    urls = {}
    for size, rows in {"few": 1_000, "part": count // PLAIN_SHARE, "whole": count}.items():
        s3.put_object(Bucket=BUCKET, Key=f"{size}.csv", Body=make_rows(rows))
        urls[size] = f"s3://{BUCKET}/{size}.csv"
    boto3.client("dynamodb", **settings).create_table(
        TableName="control",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    return urls


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown, by the best round of each part."""
    best = {name: min(each["cpu_us"] for each in found) for name, found in result["samples"].items()}
    lines = [sentence(result["machine"]), f"{result['rows scored']:,} rows, {result['rounds']} rounds", ""]
    lines += ["| part | µs of CPU a row | rows/s per core | × plain | at least | kept |", "|---|---|---|---|---|---|"]
    for name in PARTS:
        ratio, target = best["plain"] / best[name], TARGETS.get(name)
        kept = "" if target is None else "yes" if ratio >= target else "**no**"
        figures = f"{best[name]:.1f} | {1e6 / best[name]:,.0f} | {ratio:.1f} | {target or ''} | {kept}"
        lines.append(f"| {name} | {figures} |")
    peaks = result["peak_mb"]
    lines += [
        "",
        f"Peak of memory: {peaks['part']:.0f} MB with {result['part rows']:,} rows, {peaks['whole']:.0f} MB with all.",
    ]
    return "\n".join([*lines, "", NOTES])


@click.command()
@click.option("--count", default=1_000_000, show_default=True, help="Rows of the input.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; each runs every part once.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--part", "name", hidden=True, type=click.Choice(PARTS))
@click.argument("given", nargs=-1)
def main(count: int, rounds: int, as_json: bool, name: str | None, given: tuple[str, ...]) -> None:
    """Measure, as in: python -m benchmarks.batch --count 1000000."""
    if name is not None:
        root, url, sink = given
        click.echo(json.dumps(part(name, Path(root), url, sink)))
        return
    began = time.monotonic()
    found = run(count, rounds)
    result = {"benchmark": "batch", "machine": machine(), "rounds": rounds, "rows scored": count, **found}
    result["seconds"] = round(time.monotonic() - began)
    click.echo(json.dumps(result | {"unit notes": NOTES}, indent=2, ensure_ascii=False) if as_json else table(result))


if __name__ == "__main__":
    main()
