"""Watch a batch until it ends: a bar with rows, rate, time left and errors, or plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from modelet.dev.cli.output import duration, on_terminal, say
from modelet.dev.cli.printing import printable
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.dev.cli.batch.service import BatchService

ENDED = {"DONE", "FAILED", "CANCELLED"}
INTERVAL_S, LONGEST_S, LINE_S = 0.5, 10.0, 2.0
"""Seconds between two questions at first, at most, and between two lines in a pipe."""
ANNOUNCED_S = 30.0
"""Seconds in which the end of a batch is announced, and the method `on_batch_complete` of its model ends."""
MOST_ERRORS = 10
"""Chunks whose errors are printed."""
CHUNKS_A_SECOND = 2_000
"""Chunks for which the seconds between two questions grow by one: each answer is made from the records of chunks."""


def watch(service: BatchService, batch: str) -> None:
    """Show a batch's progress until it ends. Raises CommandError if it fails or is cancelled.

    Ctrl-C says what becomes of the batch, and how to go on.
    """
    try:
        record = (_with_bar if sys.stderr.isatty() else _with_lines)(service, batch)
    except KeyboardInterrupt:
        click.echo(_left(service, batch), err=True)
        raise
    say(summary(record))
    for line in notes(service, record):
        say(line)
    if service.ends:
        _wait_until_announced(service, batch, record)
    if record["state"] != "DONE":
        problem = record.get("problem") or {}
        raise CommandError(str(problem.get("detail") or f"the batch {batch} is {record['state']}"))


def _wait_until_announced(service: BatchService, batch: str, record: dict[str, Any]) -> None:
    """Wait until the end of a batch is announced, for some seconds: it is announced by the server that ends next."""
    until = time.monotonic() + ANNOUNCED_S
    while not record.get("announced") and time.monotonic() < until:
        time.sleep(INTERVAL_S)
        record = service.get("batches", batch)


def interval(chunks: int | None) -> float:
    """Return the seconds between two questions about a batch of so many chunks."""
    return min(LONGEST_S, max(INTERVAL_S, (chunks or 0) / CHUNKS_A_SECOND))


def summary(record: dict[str, Any]) -> str:
    """Return a batch's state in one line."""
    words = [f"{record['id']}: {record['state']}", f"{record.get('rows_done', 0):,} rows"]
    if record.get("rows_failed"):
        words.append(f"{record['rows_failed']:,} rejected")
    progress = record.get("progress", {})
    if progress.get("rows_per_s"):
        words.append(f"{progress['rows_per_s']:,.0f} rows/s")
    if progress.get("seconds_left") is not None and record["state"] not in ENDED:
        words.append(f"{duration(progress['seconds_left'])} left")
    if record.get("chunks_failed"):
        words.append(f"{record['chunks_failed']:,} chunk{'' if record['chunks_failed'] == 1 else 's'} failed")
    return ", ".join(words)


def notes(service: BatchService, record: dict[str, Any]) -> list[str]:
    """Return further lines: how the table is loaded and why, what went wrong, and how to see what was written."""
    # Nothing costs on this machine; --json has it all the same.
    lines = [f"load {record['load_reason']}"] if record.get("load_reason") and not service.is_local else []
    errors = record.get("progress", {}).get("errors", [])
    lines += [f"chunk {each['chunk']}: {each.get('problem', {}).get('detail')}" for each in errors[:MOST_ERRORS]]
    if len(errors) > MOST_ERRORS:
        listed = service.command("status", record["id"], "--json")
        lines.append(f"{len(errors) - MOST_ERRORS} more chunks failed: {listed} lists them")
    if record.get("rejected"):
        shown = service.command("results", record["id"], "--rejected")
        lines.append(f"rejected rows: {_first_rejected(service, record['id'])}{shown} prints them")
    if record["state"] == "DONE" and record["request"].get("table", True):
        lines.append(f"predictions: {service.command('results', record['id'])} prints them")
    if record.get("results"):
        lines.append(f"result files: {record['results']}")
    return lines


def _first_rejected(service: BatchService, batch: str) -> str:
    """Return the first rejected row as an example; empty if it cannot be read."""
    try:
        rows = service.get("batches", batch, "rejected", query="limit=1")["rejected"]
    except CommandError:
        return ""
    if not rows:
        return ""
    field = f", field {rows[0]['field']}" if rows[0].get("field") else ""
    return f"for example row {rows[0]['row']} of {rows[0]['object']}{field}: {rows[0]['reason']}; "


def _left(service: BatchService, batch: str) -> str:
    """Return what happens to a batch after Ctrl-C; if its server ends with the command, it is cancelled."""
    if not service.ends:
        return (
            f"the batch {batch} goes on: {service.command('status', batch, '--watch')} follows it, "
            f"{service.command('cancel', batch)} cancels it"
        )
    resume = service.command("resume", batch)
    try:
        service.delete("batches", batch)
    except CommandError as error:
        return f"the batch {batch} stops with its server, which ends with this command ({error}): look at its status"
    return f"the batch {batch} is cancelled, as its server ends with this command: {resume} runs what is missing"


def _with_lines(service: BatchService, batch: str) -> dict[str, Any]:
    said = 0.0
    while True:
        record = service.get("batches", batch)
        if record["state"] in ENDED:
            return record
        if time.monotonic() - said >= LINE_S:
            said = time.monotonic()
            click.echo(printable(summary(record)), err=True)
        time.sleep(interval(record.get("chunks")))


def _with_bar(service: BatchService, batch: str) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=on_terminal()) as shown:
        task = shown.add_task("", total=None)
        while True:
            record = service.get("batches", batch)
            seen = record.get("rows_done", 0) + record.get("rows_failed", 0)
            shown.update(task, description=printable(summary(record)), completed=seen, total=record.get("rows"))
            if record["state"] in ENDED:
                return record
            time.sleep(interval(record.get("chunks")))
