"""A batch end to end: rows of 30 numbers from S3 into a table, in CPU a row and rows per second of CPU.

`python -m benchmarks.batch` prints a table, and JSON with --json. Every measurement is a process of its own
(`benchmarks.batch_parts`), whose CPU time and peak of memory count; S3, the control table and the endpoint that takes
the predictions are other processes. Every round runs each part once, in another order.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import click

from benchmarks.batch_parts import BUCKET, CONTROL, PARTS, PLAIN, make_project, make_rows
from benchmarks.machine import machine, rows
from benchmarks.processes import ROOT, emulated, listening
from benchmarks.tables import table

PLAIN_SHARE = 20
"""The plain way scores this part of the rows, because it takes so much longer."""
FEW = 1_000
SUBJECTS = {
    PLAIN: "plain: pandas, predict, batch_writer",
    "read": "modelet: read",
    "check": "… and checked",
    "infer": "… and predicted",
    "write": "… and loaded by `write`",
    "import": "… or loaded by `import`",
}
BEFORE = {"check": "read", "infer": "check", "write": "infer", "import": "infer"}
"""The part that each part continues."""
NOTES = (
    "CPU µs a row, and rows/s of one processor, of {count:,} rows in chunks of 50,000: CSV rows of 31 cells in S3. A "
    "logistic regression of 30 float columns and its scaler, as ONNX with a compiled contract; the plain way is one "
    "handler with the same estimator as joblib, and has {few:,} of the rows. Alone: without the parts before it. The "
    "CPU of starting a process and of its first 1,000 rows is subtracted. Peak: the process's memory, of the last two "
    "rows with {few:,} rows."
)


def measured(name: str, root: Path, url: str, sink: str) -> dict[str, float]:
    """Run a part in a process of its own. Raises ClickException with its output."""
    command = [sys.executable, "-m", "benchmarks.batch_parts", name, str(root), url, sink]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def figures(found: dict[str, float], start: dict[str, float]) -> dict[str, float]:
    """Return the figures of one run. start: the run with few rows."""
    cpu_s, count = found["cpu_s"] - start["cpu_s"], found["rows"] - start["rows"]
    return {"cpu_us": cpu_s / count * 1e6, "rows_s": count / cpu_s, "peak_mb": found["peak_mb"]}


def alone(taken: dict[str, dict[str, float]]) -> None:
    """Add to each part of a round what it takes without the part that it continues."""
    for name, found in taken.items():
        found["alone_us"] = found["cpu_us"] - (taken[BEFORE[name]]["cpu_us"] if name in BEFORE else 0)


def measure(count: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Return the figures of all parts in each round."""
    with (
        tempfile.TemporaryDirectory() as folder,
        emulated() as port,
        listening("-m", "benchmarks.sink") as sink_port,
    ):
        root, sink = Path(folder), f"http://127.0.0.1:{sink_port}/"
        make_project(root)
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }
        urls = _put_inputs({"few": FEW, "part": count // PLAIN_SHARE, "whole": count})
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in PARTS}
        smaller: dict[str, list[dict[str, float]]] = {name: [] for name in ("write", "import")}
        for number in range(rounds):
            taken = {}
            for name in random.Random(number).sample(PARTS, len(PARTS)):  # noqa: S311 - an order
                click.echo(f"{name}, round {number + 1}", err=True)
                start = measured(name, root, urls["few"], sink)
                taken[name] = figures(measured(name, root, urls["part" if name == PLAIN else "whole"], sink), start)
            alone(taken)
            for name, found in taken.items():
                samples[name].append(found)
            for name, found_smaller in smaller.items():
                found_smaller.append({"peak_mb": measured(name, root, urls["part"], sink)["peak_mb"]})
    few = f"{count // PLAIN_SHARE:,} rows"
    return {SUBJECTS[name]: samples[name] for name in PARTS} | {
        f"`{name}`, {few}": found for name, found in smaller.items()
    }


def _put_inputs(sizes: dict[str, int]) -> dict[str, str]:
    """Put inputs of these numbers of rows into S3, create the control table, and return the inputs' URLs."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    urls = {}
    for size, count in sizes.items():
        s3.put_object(Bucket=BUCKET, Key=f"{size}.csv", Body=make_rows(count))
        urls[size] = f"s3://{BUCKET}/{size}.csv"
    boto3.client("dynamodb").create_table(
        TableName=CONTROL,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    return urls


@click.command()
@click.option("--count", type=click.IntRange(20 * FEW * 2), default=1_000_000, show_default=True, help="Rows.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; each runs every part once.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(count: int, rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.batch --count 1000000."""
    result = {
        "benchmark": "batch",
        "machine": machine(),
        "rounds": rounds,
        "unit notes": NOTES.format(count=count, few=count // PLAIN_SHARE),
        "rows": rows(measure(count, rounds)),
    }
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


if __name__ == "__main__":
    main()
