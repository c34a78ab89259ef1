"""Writing predictions: boto3's ways, and the two writers of batches, in rows per second of CPU.

`python -m benchmarks.batch_writing` prints a table, and JSON with --json. An endpoint in a process of its own takes and
counts every item. The CPU time is this process's own, of all its threads. Every round runs each way once, in another
order, so that other load on the machine affects all of them. A way that loses an item ends the run.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import urlopen

import boto3
import click
import orjson

from benchmarks.machine import machine, rows
from benchmarks.processes import listening
from benchmarks.tables import table
from modelet.batch.outputs.import_file import ImportWriter
from modelet.batch.outputs.row import Row
from modelet.batch.outputs.writer import SignedWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST = "boto3 Table.batch_writer"
WRITE, IMPORT = "modelet, load: write", "modelet, load: import"
BOTO3_SHARE = 5
"""boto3 writes this part of the rows, because it takes so much longer."""
GENERATION = "20261129T000000Z-12345678"
PIECE = 2_000
NOTES = (
    "{count:,} rows, of which boto3's ways write {few:,}. One prediction is a label, a probability and three scores, "
    "280 bytes of DynamoDB JSON an item. boto3's ways write the same item; Table.batch_writer as it is documented, "
    "with a Python dict of texts. rows/s of CPU: for each second of this process's CPU, without the endpoint's. The "
    "import file is put into memory."
)


class Way(NamedTuple):
    """A way to write. write: takes the rows and the endpoint's URL, and returns how many items it gave to files."""

    subject: str
    write: Callable[[list[Row], str], int]
    share: int = 1


def batch_writer(scored: list[Row], url: str) -> int:
    """Write as boto3's guide says, with numbers as Decimals only where a Table needs them."""
    with _table(url).batch_writer() as writer:
        for row in scored:
            writer.put_item(Item={**_texts(row), "expires_at": Decimal(1_900_000_000)})
    return 0


def batch_write_item(scored: list[Row], url: str) -> int:
    """Write with the client's own call, typed by hand."""
    client = _client(url)
    for puts in _typed(scored):
        client.batch_write_item(RequestItems={"predictions": puts})
    return 0


def batch_write_item_threads(scored: list[Row], url: str) -> int:
    """Write with the client's own call from eight threads."""
    client = _client(url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda puts: client.batch_write_item(RequestItems={"predictions": puts}), _typed(scored)))
    return 0


def signed(threads: int) -> Callable[[list[Row], str], int]:
    """Return our writer with this number of threads."""

    def write(scored: list[Row], url: str) -> int:
        client = _client(url)
        with SignedWriter(client, "predictions", GENERATION, expires_at=1_900_000_000, threads=threads) as writer:
            for piece in _pieces(scored):
                writer.write(piece)
        return 0

    return write


class Memory:
    """Objects that are dropped."""

    def put(self, url: str, data: bytes) -> None:
        """Take an object."""


def import_file(scored: list[Row], _url: str) -> int:
    """Write the file that ImportTable reads."""
    with ImportWriter(Memory(), "s3://batches/import/0.json.gz", GENERATION, expires_at=1_900_000_000) as writer:
        for piece in _pieces(scored):
            writer.write(piece)
    return writer.rows


WAYS = (
    Way(FIRST, batch_writer, BOTO3_SHARE),
    Way("boto3 client.batch_write_item", batch_write_item, BOTO3_SHARE),
    Way("boto3 client.batch_write_item, 8 threads", batch_write_item_threads, BOTO3_SHARE),
    Way("modelet, load: write, 1 thread", signed(1)),
    Way(WRITE, signed(8)),
    Way(IMPORT, import_file),
)


@cache
def _client(url: str) -> Any:
    """Return a client, which the warm-up makes: a worker has one for many chunks."""
    return boto3.client("dynamodb", **_settings(url))


@cache
def _table(url: str) -> Any:
    return boto3.resource("dynamodb", **_settings(url)).Table("predictions")


def _settings(url: str) -> dict[str, str]:
    return {
        "region_name": "us-east-1",
        "endpoint_url": url,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_session_token": "t" * 300,  # a role's keys have one, and it is signed
    }


def _texts(row: Row) -> dict[str, Any]:
    text = orjson.dumps(row.prediction).decode()
    return {"id": row.key, "generation": GENERATION, "source": "batch", "prediction": text}


def _typed(scored: list[Row]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(scored), 25):
        items = [{name: {"S": text} for name, text in _texts(row).items()} for row in scored[start : start + 25]]
        yield [{"PutRequest": {"Item": {**item, "expires_at": {"N": "1900000000"}}}} for item in items]


def _pieces(scored: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(scored), PIECE):
        yield scored[start : start + PIECE]


def scored_rows(count: int) -> list[Row]:
    """Return rows with the same predictions in every run."""
    random.seed(0)
    labels = ("setosa", "versicolor", "virginica")
    found = []
    for number in range(count):
        scores = [random.random() for _ in labels]  # noqa: S311 - scores
        prediction = {"label": labels[number % 3], "probability": max(scores), "scores": scores}
        found.append(Row(f"customer-{number:09d}", number, prediction))
    return found


def measure(ways: tuple[Way, ...], scored: list[Row], rounds: int, url: str) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each way and round. Raises ClickException if an item is lost."""
    samples: dict[str, list[dict[str, float]]] = {way.subject: [] for way in ways}
    for number in itertools.chain([None], range(rounds)):  # the first round is a warm-up, with few rows
        order = random.Random(number).sample(ways, len(ways))  # noqa: S311 - an order
        for way in order:
            part = scored[: 500 if number is None else len(scored) // way.share]
            wall, cpu = time.perf_counter(), time.process_time()
            in_files = way.write(part, url)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            with urlopen(url) as answer:  # noqa: S310 - our own process
                counted = json.load(answer)["items"]
            if counted + in_files != len(part):
                raise click.ClickException(f"{way.subject}: {counted + in_files} of {len(part)} items were written")
            if number is not None:
                figures = {"rows_s": len(part) / cpu, "cpu_us": cpu / len(part) * 1e6}
                samples[way.subject].append({**figures, "wall_rows_s": len(part) / wall})
    return samples


@click.command()
@click.option("--count", default=100_000, show_default=True, help="Rows to write in each round.")
@click.option("--rounds", default=5, show_default=True, help="Rounds; each runs every way once.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(count: int, rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.batch_writing --rounds 5."""
    with listening("-m", "benchmarks.sink") as port:
        found = rows(measure(WAYS, scored_rows(count), rounds, f"http://127.0.0.1:{port}/"))
    result = {
        "benchmark": "batch_writing",
        "machine": machine(),
        "rounds": rounds,
        "unit notes": NOTES.format(count=count, few=count // BOTO3_SHARE),
        "rows": found,
    }
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


if __name__ == "__main__":
    main()
