"""`modelet batch list` and `modelet batch status`."""

from __future__ import annotations

import click

from modelet.dev.cli.batch.service import api_options, batch_service
from modelet.dev.cli.batch.watch import notes, summary
from modelet.dev.cli.batch.watch import watch as watch_batch
from modelet.dev.cli.command import command, name_argument
from modelet.dev.cli.output import document, hint, say, table
from modelet.errors import CommandError


@command("modelet batch list diabetes\nmodelet batch list diabetes --limit 100 --url https://abc.execute-api.…")
@name_argument
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="The most batches to show.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
@api_options
def listing(
    name: str,
    limit: int,
    as_json: bool,
    url: str | None,
    region: str | None,
    api_key: str | None,
    token: str | None,
) -> None:
    """List a model's batches, the newest first."""
    with batch_service(name, url, region, api_key, token) as service:
        found = service.get("batches", query=f"limit={limit}")["batches"]
    if as_json:
        document(found)
        return
    rows = [
        [
            record["id"],
            record["state"],
            str(record["version"] or "-"),
            f"{record.get('rows_done', 0):,}",
            f"{record.get('rows_failed', 0):,}",
            record["created"],
        ]
        for record in found
    ]
    table(["batch", "state", "version", "rows", "rejected", "created"], rows)
    if not found:
        hint(f"start one with `modelet batch start {name} INPUT --key COLUMN`")


listing.name = "list"


@command("modelet batch status diabetes\nmodelet batch status diabetes 20261129T051200Z-1a2b3c4d --watch")
@name_argument
@click.argument("batch", required=False)
@click.option("--watch", "watched", is_flag=True, help="Follow the batch until it ends.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@api_options
def status(
    name: str,
    batch: str | None,
    watched: bool,
    as_json: bool,
    url: str | None,
    region: str | None,
    api_key: str | None,
    token: str | None,
) -> None:
    """Show a batch: its progress, and what went wrong. Without BATCH, the newest.

    With --watch, the exit code is 1 if the batch fails or is cancelled.
    """
    with batch_service(name, url, region, api_key, token) as service:
        chosen = batch or newest(service.get("batches", query="limit=1")["batches"], name)
        if watched:
            watch_batch(service, chosen)
            return
        record = service.get("batches", chosen)
        if as_json:
            document(record)
            return
        say(summary(record))
        if record.get("problem"):
            say(f"problem: {record['problem'].get('detail')}")
        for line in notes(service, record):
            say(line)


def newest(found: list[dict[str, str]], name: str) -> str:
    """Return the id of the newest batch. Raises CommandError if there is none."""
    if not found:
        raise CommandError(f"{name} has no batches: start one with `modelet batch start {name} INPUT --key COLUMN`")
    return found[0]["id"]
