"""The CPU of a warm request whose rows have features by key, and of the same request with all fields in it.

`PYTHONPATH=tests python -m benchmarks.features` prints a table, and JSON with --json. A model's handler answers an
event of an HTTP API in this process, whose CPU counts; DynamoDB is a process of its own, over TLS. Every round measures
each subject once, in another order.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.items import CONTROL, GENERATION, PREDICTIONS, reply
from benchmarks.machine import machine, rows, sentence
from benchmarks.processes import listening
from benchmarks.tls import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelet.features.prediction_set import PredictionSet

CALLS = {1: 300, 100: 30}
"""Calls in a round, by the rows of a request."""
SPEC = "features: {from: customers, key: customer, columns: [{probability: b}]}\n"
NOTES = (
    "CPU µs of one request, with the pointer to the generation in memory, as it is for two seconds after each reading "
    "of it. The rows of a request have distinct keys. DynamoDB is a process that answers at once over TLS, on one "
    "connection; what it takes is not counted."
)


@contextmanager
def subjects() -> Iterator[dict[str, tuple[Callable[[], object], int]]]:
    """Yield the calls to be measured by their names, each with its number of rows.

    Raises ClickException if a request is not answered.
    """
    from support.callers import in_process
    from support.contexts import Context
    from support.events import http_event
    from support.projects import make_tiny

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificate, key, authorities = certificates(folder)
        port = stack.enter_context(listening("-m", "benchmarks.items", str(certificate), str(key)))
        os.environ |= {
            "AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{port}",
            "SSL_CERT_FILE": str(authorities),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "t" * 300,  # a role's keys have one, and it is signed
            "AWS_REGION": "us-east-1",
            "MODELET_FEATURES_TABLE": CONTROL,
        }
        made = {name: make_tiny(folder / name, spec=spec) for name, spec in (("without", ""), ("with", SPEC))}
        handlers = {name: stack.enter_context(in_process(tiny.function, tiny.settings)) for name, tiny in made.items()}
        _silence(stack)

        def call(name: str, count: int) -> Callable[[], object]:
            sent = [{"a": 4, **({"b": 0.9} if name == "without" else {"customer": f"k{n}"})} for n in range(count)]
            event, handler = http_event("POST", "/models/tiny/infer", {"instances": sent}), handlers[name]

            def answer() -> None:
                answered = handler(event, Context())
                if answered["statusCode"] != 200:
                    raise click.ClickException(f"the request failed: {answered['body']}")

            return answer

        found: dict[str, tuple[Callable[[], object], int]] = {}
        for count in CALLS:
            word = "one row" if count == 1 else f"{count} rows"
            found |= {f"{word}, {name} features": (call(name, count), count) for name in handlers}
        found[f"of it the read of {max(CALLS)} keys"] = (_read(handlers["with"], max(CALLS)), max(CALLS))
        yield found


def _read(handler: object, count: int) -> Callable[[], object]:
    reads: PredictionSet = handler.service.pipeline.contract._join._set  # type: ignore[attr-defined] # of a benchmark
    keys = [f"k{number}" for number in range(count)]
    return lambda: reads.rows(keys)


def _silence(stack: ExitStack) -> None:
    """Send the functions' log, which is written to the descriptor, elsewhere."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    stack.callback(os.close, nowhere)
    stack.callback(os.close, kept)
    stack.callback(os.dup2, kept, 1)


def sizes() -> dict[str, int]:
    """Return the bytes of the bodies of one read of 1 and of 100 keys: of the request and of the answer."""
    found = {}
    for count in CALLS:
        keys = [{"id": {"S": f"k{number}"}, "generation": {"S": GENERATION}} for number in range(count)]
        body = json.dumps({"RequestItems": {PREDICTIONS: {"Keys": keys, "ConsistentRead": False}}}).encode()
        found[f"request, {count} keys"] = len(body)
        found[f"answer, {count} keys"] = len(reply(b"", body)[1])
    return found


def measure(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Return the CPU of each subject in each round."""
    with subjects() as calls:
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in calls}
        for number in range(-1, rounds):  # the first round is a warm-up
            order = random.Random(number).sample(list(calls), len(calls))  # noqa: S311 - an order
            for name in order:
                call, count = calls[name]
                began = time.process_time()
                for _ in range(CALLS[count]):
                    call()
                if number >= 0:
                    samples[name].append({"cpu_us": (time.process_time() - began) / CALLS[count] * 1e6})
    return samples


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Rounds of some hundred calls of each subject.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.features --rounds 15."""
    result: dict[str, Any] = {
        "benchmark": "features",
        "machine": machine(),
        "rounds": rounds,
        "rows": rows(measure(rounds)),
    }
    if as_json:
        click.echo(json.dumps({**result, "bytes": sizes()}, indent=2))
        return
    click.echo(f"{sentence(machine())}; medians of {rounds} rounds. {NOTES}\n\n| | CPU µs | × |\n|---|---|---|")
    for row in result["rows"]:
        click.echo(f"| {row['subject']} | {row['cpu_us']} | {row['cpu_us_ratio']} |")
    click.echo("\nBytes of the bodies: " + ", ".join(f"{name} {size:,}" for name, size in sizes().items()))


if __name__ == "__main__":
    main()
