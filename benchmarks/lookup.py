"""The CPU of one warm look-up of a prediction by its key, and of its parts.

`PYTHONPATH=tests python -m benchmarks.lookup` prints a table, and JSON with --json. The platform function answers an
event of an HTTP API in this process, whose CPU counts; DynamoDB is a process of its own, over TLS. Every round measures
each part once, in another order.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks.items import CONTROL, GENERATION, PREDICTIONS
from benchmarks.machine import machine, rows
from benchmarks.processes import listening
from benchmarks.tables import table
from benchmarks.tls import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelet.batch.lookup import Looked

CALLS = 200
WHOLE, FRAME = "a look-up", "of it the frame"
BOTO3 = "boto3's get_item alone"
NOTES = (
    "CPU µs of one call, with the pointer to the generation in memory, as it is for two seconds after each reading of "
    "it. Frame: the platform function with the prediction at hand: Mangum, FastAPI, Powertools' log line with the "
    "metrics. DynamoDB is a process that answers at once over TLS, on one connection, as DynamoDB does; what it takes "
    "is not counted."
)


class Known(NamedTuple):
    """A look-up that has been answered already."""

    looked: Looked

    def get(self, _model: str, _keys: list[str]) -> Looked:
        """Return the answer."""
        return self.looked


@contextmanager
def _function() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the module of the platform function, and an event of a look-up."""
    from support.batches_api import event_loop, loaded
    from support.events import http_event

    environment = {
        "MODELET_PREFIX": "bench",
        "MODELET_CONTROL_TABLE": CONTROL,
        "MODELET_BATCHES": "s3://batches",
        "MODELET_STATE_MACHINE": "none",
        "MODELET_WORKERS": '{"tiny": {"batch": {}}}',
    }
    with event_loop(), loaded(environment) as module:
        yield module, http_event("GET", "/models/tiny/predictions?key=k")


@contextmanager
def parts() -> Iterator[dict[str, Callable[[], object]]]:
    """Yield the calls to be measured by their names. Raises ClickException if a look-up is not answered."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificate, key, authorities = certificates(folder)
        port = stack.enter_context(listening("-m", "benchmarks.items", str(certificate), str(key)))
        os.environ |= {
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
            "AWS_CA_BUNDLE": str(authorities),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "t" * 300,  # a role's keys have one, and it is signed
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        sys.stdout = stack.enter_context(Path(os.devnull).open("w"))  # the function's log
        stack.callback(setattr, sys, "stdout", sys.__stdout__)
        module, event = stack.enter_context(_function())
        from support.batches_api import PlatformContext

        services = module.app.state.services
        lookup = services.lookup
        known = Known(lookup.get("tiny", ["k"]))
        client = lookup._client
        item = {"id": {"S": "k"}, "generation": {"S": GENERATION}}

        def answer(source: Any) -> Callable[[], object]:
            def call() -> None:
                services.lookup = source
                if module.handler(event, PlatformContext())["statusCode"] != 200:
                    raise click.ClickException("the look-up failed")

            return call

        yield {
            WHOLE: answer(lookup),
            FRAME: answer(known),
            "of it the item": lambda: lookup.get("tiny", ["k"]),
            "the pointer, every two seconds": lambda: lookup._generations.active("tiny"),
            BOTO3: lambda: client.get_item(TableName=PREDICTIONS, Key=item, ConsistentRead=True),
        }


def measure(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Return the CPU of each part in each round."""
    with parts() as calls:
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in calls}
        for number in range(-1, rounds):  # the first round is a warm-up
            order = random.Random(number).sample(list(calls), len(calls))  # noqa: S311 - an order
            for name in order:
                began = time.process_time()
                for _ in range(CALLS):
                    calls[name]()
                if number >= 0:
                    samples[name].append({"cpu_us": (time.process_time() - began) / CALLS * 1e6})
    return samples


@click.command()
@click.option("--rounds", default=15, show_default=True, help=f"Rounds of {CALLS} calls of each part.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure, as in: python -m benchmarks.lookup --rounds 15."""
    result = {"benchmark": "lookup", "machine": machine(), "rounds": rounds, "rows": rows(measure(rounds))}
    result["unit notes"] = NOTES
    click.echo(json.dumps(result, indent=2, ensure_ascii=False) if as_json else table(result))


if __name__ == "__main__":
    main()
