"""`modelet batch plan`."""

from __future__ import annotations

import click

from modelet.batch.concurrency import at_once
from modelet.dev.cli.batch.inputs import input_options, request_of
from modelet.dev.cli.command import command, current_project
from modelet.dev.cli.output import say, table
from modelet.errors import CommandError


def _take_worker(context: click.Context, _: click.Parameter, name: str | None) -> None:
    """Let a model's own worker give the defaults. Raises CommandError for a model without one."""
    if name is None:
        return
    spec = current_project().function(name).spec
    if spec.own_worker is None:
        raise CommandError(f"{name} has no worker: add `batch: {{}}` to its model.yaml")
    jobs = spec.jobs.max_concurrency if spec.jobs else None
    chunks = at_once(spec.own_worker.max_concurrency, jobs)
    context.default_map = {"concurrency": chunks, "memory_mb": spec.own_worker.memory_mb}


@command(
    "modelet batch plan patients.csv --key id --model diabetes\n"
    "modelet batch plan 's3://lake/patients/*.parquet' --key id --memory-mb 3008 --concurrency 20"
)
@input_options
@click.option(
    "--model",
    metavar="NAME",
    callback=_take_worker,
    is_eager=True,
    expose_value=False,
    help="Take the two defaults below from this model's model.yaml.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=at_once(),
    show_default=True,
    help="Workers at one time: worker.max_concurrency, less jobs.max_concurrency of a model with jobs.",
)
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
