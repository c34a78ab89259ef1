"""Watch a batch until it ends: a bar with rows, rate, time left and errors, or plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from modelet.dev.cli.output import on_terminal, say
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.dev.cli.batch.service import BatchService

ENDED = {"DONE", "FAILED", "CANCELLED"}
INTERVAL_S, LINE_S = 0.5, 2.0
"""Seconds between two questions, and between two lines in a pipe."""


def watch(service: BatchService, batch: str) -> None:
    """Show a batch's progress until it ends. Raises CommandError if it fails or is cancelled."""
    record = (_with_bar if sys.stderr.isatty() else _with_lines)(service, batch)
    say(summary(record))
    if record["state"] != "DONE":
        problem = record.get("problem") or {}
        raise CommandError(str(problem.get("detail") or f"the batch {batch} is {record['state']}"))


def summary(record: dict[str, Any]) -> str:
    """Return a batch's state in one line."""
    words = [f"{record['id']}: {record['state']}", f"{record.get('rows_done', 0):,} rows"]
    if record.get("rows_failed"):
        words.append(f"{record['rows_failed']:,} rejected")
    progress = record.get("progress", {})
    if progress.get("rows_per_s"):
        words.append(f"{progress['rows_per_s']:,.0f} rows/s")
    if progress.get("seconds_left") is not None and record["state"] not in ENDED:
        words.append(f"{progress['seconds_left']:,.0f} s left")
    if record.get("chunks_failed"):
        words.append(f"{record['chunks_failed']} chunks failed")
    return ", ".join(words)


def _with_lines(service: BatchService, batch: str) -> dict[str, Any]:
    said = 0.0
    while True:
        record = service.get("batches", batch)
        if record["state"] in ENDED:
            return record
        if time.monotonic() - said >= LINE_S:
            said = time.monotonic()
            click.echo(summary(record), err=True)
        time.sleep(INTERVAL_S)


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
            shown.update(task, description=summary(record), completed=seen, total=record.get("rows"))
            if record["state"] in ENDED:
                return record
            time.sleep(INTERVAL_S)
