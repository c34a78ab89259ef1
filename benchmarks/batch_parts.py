"""The parts of `benchmarks.batch`, each in a process of its own: `python -m benchmarks.batch_parts NAME ROOT URL SINK`.

ROOT: a project of `make_project`. URL: of a CSV file of `make_rows` in S3. SINK: the endpoint that takes predictions.
It prints the rows, the seconds of CPU and the peak of memory in MB as JSON.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

FEATURES = [f"x{number}" for number in range(30)]
CHUNK_ROWS = 50_000
CONTROL, BUCKET = "control", "batches"
PLAIN = "plain"
PARTS = (PLAIN, "read", "check", "infer", "write", "import")
"""All parts; each of Modelet's does the work of those before it, but `import`, which does not write."""
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


def measured(name: str, root: Path, url: str, sink: str) -> dict[str, float]:
    """Do one part in this process, and return its rows, its seconds of CPU and its peak of memory in MB."""
    work: Callable[[Path, str, str, str], int] = _plain if name == PLAIN else _ours
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
    worker = Worker(service, WorkerSettings(CONTROL, f"s3://{BUCKET}/files", "predictions"))
    request = BatchRequest((url,), "id", chunk_rows=CHUNK_ROWS)
    chunks = list(cut(find_inputs(request, worker.objects), request, worker.objects))
    pipeline, contract = service.pipeline, service.pipeline.contract
    if name in {"write", "import"}:
        worker.batches = Batches(boto3.client("dynamodb"), CONTROL)
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


if __name__ == "__main__":
    part, project, *urls = sys.argv[1:]
    click.echo(json.dumps(measured(part, Path(project), *urls)))
