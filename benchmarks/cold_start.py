"""Cold start to the first answer: fresh processes behind a Runtime API, Modelet against the floor and against habits.

`python -m benchmarks.cold_start` prints a table, and JSON with --json. Every round starts each subject once, in another
order, so that what else the machine does hits all of them; ratios are of medians within the run.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import click

from benchmarks.environment import Sample, Subject, measure
from benchmarks.s3 import BUCKET, SIGNED_IN, emulated
from modelet.dev.local.variables import LAYER

HERE = Path(__file__).parent
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
LATENCY_S = 0.04
"""What S3 takes for a small file, as seen from Lambda (facts of this project)."""
MODELET = Path(sys.executable).parent / "modelet"
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}
"""For the subjects that do not decline it themselves: it would only make them slower."""


def event(model: str) -> bytes:
    """An HTTP API's event that asks a model for one prediction."""
    found = json.loads((HERE.parent / "events/sentiment/infer.json").read_text())
    path = f"/models/{model}/infer"
    found |= {"rawPath": path, "body": json.dumps({"instances": [FLOWER]})}
    found["requestContext"]["http"]["path"] = path
    return json.dumps(found).encode()


def prepare(root: Path) -> None:
    """Train, publish, pin and bundle the benchmark's models in a project of its own."""
    shutil.copytree(HERE / "project", root)
    for words in (["pin", "--publish"], ["bundle"]):
        subprocess.run([MODELET, *words], cwd=root, check=True, capture_output=True)


def subjects(root: Path, plain: str, slow: str) -> list[tuple[Subject, bytes]]:
    """What is measured, each with its event. plain, slow: the endpoints of S3 without and with its latency."""
    functions, habits = root / "functions", HERE / "subjects"
    store = {"MODELET_STORE": (root / ".modelet/store").as_uri(), "PYTHONPATH": str(LAYER)}
    bucket = {**SIGNED_IN, "MODELET_STORE": f"s3://{BUCKET}/models", "PYTHONPATH": str(LAYER)}
    graph = {"GRAPH": str(root / ".modelet/store/iris/1/model.onnx"), "FEATURES": json.dumps(list(FLOWER))}
    keys = {**SIGNED_IN, **QUIET, "AWS_ENDPOINT_URL": plain, "BUCKET": BUCKET}
    onnx, joblib = "models/iris/1/model.onnx", "models/iris-joblib/1/model.joblib"
    iris = event("iris")
    return [
        (Subject("floor: numpy + onnxruntime", habits, "floor.handler", {**graph, **QUIET}), iris),
        (Subject("modelet, folder", functions / "iris", "app.handler", store), iris),
        (Subject("modelet, S3", functions / "iris", "app.handler", {**bucket, "AWS_ENDPOINT_URL": plain}), iris),
        (Subject("modelet, S3 + 40 ms", functions / "iris", "app.handler", {**bucket, "AWS_ENDPOINT_URL": slow}), iris),
        (Subject("modelet, pydantic", functions / "iris_pydantic", "app.handler", store), event("iris-pydantic")),
        (
            Subject("modelet, scikit-learn", functions / "iris_joblib", "modelet.app.handler", store),
            event("iris-joblib"),
        ),
        (Subject("Powertools + boto3", habits, "powertools.handler", {**keys, "KEY": onnx}), iris),
        (Subject("FastAPI + Mangum + boto3 + scikit-learn", habits, "naive.handler", {**keys, "KEY": joblib}), iris),
    ]


def machine() -> str:
    """Where it was measured, and with what."""
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("numpy", "onnxruntime", "scikit-learn", "pydantic-core")
    )
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {libraries}"


def right(answer: bytes) -> bool:
    """Whether a first answer is the prediction."""
    body = json.loads(json.loads(answer)["body"])
    predictions = body["predictions"] if isinstance(body, dict) else body
    return [each["label"] for each in predictions] == ["setosa"]


def table(samples: dict[str, list[Sample]]) -> list[dict[str, str | float]]:
    """One row a subject: medians, spread of CPU time, ratios to the first subject."""
    rows: list[dict[str, str | float]] = []
    for name, found in samples.items():
        cpu = [each.cpu_ms for each in found]
        median = {
            "cpu_ms": statistics.median(cpu),
            "wall_ms": statistics.median(each.wall_ms for each in found),
            "resident_mb": statistics.median(each.resident_mb for each in found),
            "warm_us": statistics.median(statistics.median(each.warm_us) for each in found),
        }
        first = rows[0] if rows else median
        ratios = {f"{key}_ratio": round(value / float(first[key]), 2) for key, value in median.items()}
        spread = {"cpu_min": min(cpu), "cpu_max": max(cpu)}
        rows.append({"subject": name, **{k: round(v, 1) for k, v in {**median, **spread}.items()}, **ratios})
    return rows


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=15, show_default=True)
@click.option("--warm", type=click.IntRange(1, 5000), default=200, show_default=True, help="Requests after the first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, warm: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.cold_start --rounds 5."""
    samples: dict[str, list[Sample]] = {}
    with tempfile.TemporaryDirectory() as folder, emulated(LATENCY_S) as (plain, slow):
        root = Path(folder) / "project"
        prepare(root)
        environment = {**SIGNED_IN, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": plain}
        subprocess.run(
            [MODELET, "push", "--to", f"s3://{BUCKET}/models"],
            cwd=root,
            check=True,
            env=environment,
            capture_output=True,
        )
        measured = subjects(root, plain, slow)
        samples = {subject.name: [] for subject, _ in measured}
        with click.progressbar(range(rounds), label="rounds", file=sys.stderr) as counted:
            for _ in counted:
                for subject, asked in random.sample(measured, len(measured)):
                    sample = measure(subject, asked, warm=warm)
                    if not right(sample.answers[0]):
                        raise click.ClickException(f"{subject.name} answers {sample.answers[0][:300]!r}")
                    samples[subject.name].append(sample)
    rows = table(samples)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(f"{machine()}; medians of {rounds} rounds, CPU also least and most; memory after the first answer\n")
    click.echo("| subject | CPU ms | min–max | × floor | wall ms | × | MB | × | warm µs |")
    click.echo("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        cpu = f"{row['cpu_ms']} | {row['cpu_min']}–{row['cpu_max']} | {row['cpu_ms_ratio']}"
        wall, memory = (f"{row[key]} | {row[f'{key}_ratio']}" for key in ("wall_ms", "resident_mb"))
        click.echo(f"| {row['subject']} | {cpu} | {wall} | {memory} | {row['warm_us']} |")


if __name__ == "__main__":
    main()
