"""The CPU of one warm look-up of a prediction by its key: `PYTHONPATH=tests python -m benchmarks.lookup`.

The platform function answers events of an HTTP API in this process, whose CPU counts; DynamoDB is an emulator in
another one. Beside it, GetItem alone by the same client, which is the least that such a function can take.
"""

from __future__ import annotations

import os
import time
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.batch import SERVER, process
from benchmarks.machine import machine, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED = 300
TARGET_MS = 2.0


def cpu_ms(call: Callable[[], object], rounds: int) -> float:
    """Return the median over the rounds of the CPU of one call, in milliseconds."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(ASKED):
            call()
        found.append((time.process_time() - began) / ASKED * 1e3)
    return median(found)


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds of 300 look-ups.")
def main(rounds: int) -> None:
    """Measure, as in: python -m benchmarks.lookup --rounds 5."""
    with process("-c", SERVER) as server:
        port = int(server.stdout.readline())  # type: ignore[union-attr] # it was asked for
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
        }
        from support.batches_api import Api, event_loop, loaded, make_stage
        from support.events import http_event

        stage = make_stage(os.environ["AWS_ENDPOINT_URL"])
        with event_loop(), loaded(stage.environment()) as module:
            api = Api(module, stage)
            generation = stage.load({"k": {"label": "high", "probability": 0.9}})
            event = http_event("GET", "/models/tiny/predictions?key=k")
            key = {"id": {"S": "k"}, "generation": {"S": generation}}
            client = stage.client("dynamodb")

            def look() -> None:
                if api(event).status != 200:
                    raise click.ClickException("the look-up failed")

            look()
            least = cpu_ms(lambda: client.get_item(TableName=stage.predictions, Key=key), rounds)
            whole = cpu_ms(look, rounds)
    kept = "kept" if whole <= TARGET_MS else "**not kept**"
    click.echo(sentence(machine()))
    click.echo(f"{whole:.2f} ms of CPU a look-up (at most {TARGET_MS:g}: {kept}); GetItem alone {least:.2f} ms")


if __name__ == "__main__":
    main()
