"""`modelet batch plan`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.inputs import input_options, request_of
from modelet.dev.cli.command import command
from modelet.dev.cli.output import say, table


@command(
    "modelet batch plan patients.csv --key id\n"
    "modelet batch plan 's3://lake/patients/*.parquet' --key id --memory-mb 3008 --concurrency 20"
)
@input_options
@click.option("--concurrency", type=click.IntRange(1, 50), default=50, show_default=True, help="Workers at one time.")
@click.option(
    "--memory-mb", type=click.IntRange(128, 10_240), default=1769, show_default=True, help="The memory of a worker."
)
def plan(concurrency: int, memory_mb: int, **given: object) -> None:
    """Show the chunks, time and price of a batch before it runs.

    The inputs are read to cut them into chunks, with your own AWS credentials. Prices are those of us-east-1.
    """
    from modelet.batch.plan import Plan
    from modelet.batch.prices import IMPORT_ROWS, estimate
    from modelet.store.objects import Objects

    request = request_of(given, local=True)
    found = Plan.of(request, Objects(sign_in_as_boto3=True))
    if found.rows is None:
        say(f"{len(found.chunks)} chunks, {found.size:,} bytes; compressed inputs are not counted before they are read")
        return
    say(f"{found.rows:,} rows in {len(found.chunks)} chunks, {found.size:,} bytes")
    rows = []
    for load in ("write", "import"):
        guess = estimate(found.rows, len(found.chunks), load, concurrency=concurrency, memory_mb=memory_mb)
        chosen = "chosen" if load == found.load else "-"
        services = ", ".join(f"{service} ${dollars:,.2f}" for service, dollars in guess.dollars.items())
        rows.append([load, f"${guess.total:,.2f}", services, _duration(guess.seconds), chosen])
    table(["load", "price", "by service", "time", ""], rows)
    if request.load == "auto":
        say(f"load auto chooses {found.load}: it imports from {IMPORT_ROWS:,} rows on")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
