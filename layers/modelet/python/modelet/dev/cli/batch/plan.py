"""`modelet batch plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from modelet.batch.concurrency import at_once
from modelet.dev.cli.batch.inputs import input_options, request_of
from modelet.dev.cli.command import command, current_project
from modelet.dev.cli.output import NONE, document, duration, say, table
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.batch.plan import Plan
    from modelet.batch.prices import Estimate
    from modelet.batch.quotas import Quota


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
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(concurrency: int, memory_mb: int, as_json: bool, **given: object) -> None:
    """Show the chunks, time, price and quotas of a batch before it runs.

    The inputs are read to cut them into chunks, with your own AWS credentials. Rows of compressed files are guessed
    from their beginnings. Prices are those of us-east-1.
    """
    from modelet.batch.plan import Plan
    from modelet.batch.prices import LOADS, estimate, load_dollars
    from modelet.batch.quotas import quotas
    from modelet.store.objects import Objects

    request = request_of(given, local=True)
    found = Plan.of(request, Objects(sign_in_as_boto3=True))
    limits = {"concurrency": concurrency, "memory_mb": memory_mb}
    loads = {load: estimate(found.about, len(found.chunks), load, **limits) for load in LOADS}
    met = quotas(found.about, len(found.chunks), **limits, text_bytes=found.text_size)
    if as_json:
        document(_document(found, loads, met))
        return
    count = f"{found.rows:,} rows" if found.rows is not None else f"about {found.about:,} rows"
    say(f"{count} in {_counted(len(found.chunks), 'chunk')}, {found.size:,} bytes")
    if found.rows is None:
        say("the rows of compressed files are a guess from their beginnings, and so are time and price")
    chosen = found.load if request.table else None
    rows = []
    for load, guess in loads.items():
        services = ", ".join(f"{service} ${dollars:,.2f}" for service, dollars in guess.dollars.items())
        mark = "chosen" if load == chosen else NONE
        rows.append([load, f"${guess.total:,.2f}", services, duration(guess.seconds), mark])
    table(["load", "price", "by service", "time", ""], rows)
    if found.load_reason:
        say(f"load {found.load_reason}")
    if chosen == "write":
        again = load_dollars("write", found.about)
        say(f"deleting these rows after a later batch costs ${again:,.2f} more, and nothing with batch.expires_days")
    table(
        ["quota of AWS", "value", "this batch", ""],
        [[_named(each), f"{each.most:,.0f}", f"{each.used:,.0f}", each.verdict or NONE] for each in met],
    )


def _named(quota: Quota) -> str:
    return f"{quota.what} ({quota.load})" if quota.load else quota.what


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _document(found: Plan, loads: dict[str, Estimate], met: list[Quota]) -> dict[str, Any]:
    return {
        "rows": found.about,
        "is_guess": found.rows is None,
        "chunks": len(found.chunks),
        "bytes": found.size,
        "load": found.load if found.load_reason else None,
        "load_reason": found.load_reason,
        "loads": {
            load: {"dollars": guess.dollars, "total": guess.total, "seconds": guess.seconds}
            for load, guess in loads.items()
        },
        "quotas": [
            {"quota": each.what, "load": each.load, "value": each.most, "used": each.used, "verdict": each.verdict}
            for each in met
        ],
    }
