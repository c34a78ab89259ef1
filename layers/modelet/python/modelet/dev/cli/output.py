"""Output of the commands: tables and colour on a terminal, tab-separated lines and plain JSON in a pipe."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from modelet.dev.cli.printing import on_one_line, printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE = "-"
"""The text of an empty cell."""
DAMAGED = "damaged"
"""The text shown for an alias whose file names no version."""


def on_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows: with headings on a terminal, tab-separated and without headings in a pipe."""
    rows = [[on_one_line(cell) for cell in row] for row in rows]
    if not on_terminal():
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for place, heading in enumerate(headings):
        grid.add_column(heading, style="cyan" if place == 0 else "", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell, "dim" if cell == NONE else "") for cell in row))
    Console().print(grid)


def document(value: Any) -> None:
    """Print a JSON value, coloured on a terminal."""
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=2))
    if on_terminal():
        from rich.console import Console
        from rich.highlighter import JSONHighlighter

        Console(soft_wrap=True).print(JSONHighlighter()(text))
    else:
        click.echo(text)


def say(line: str) -> None:
    """Print one line that reports a result."""
    click.echo(printable(line))


def warn_of_damaged(model: str, aliases: Mapping[str, str | None]) -> None:
    """Print a warning on stderr for each damaged alias of a model, with the command that repairs it."""
    for alias in (alias for alias, version in aliases.items() if version is None):
        line = f"{model}'s alias {alias} is damaged: set it again with `modelet alias {model} {alias} VERSION`"
        click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {line}", err=True)


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `2 h 5 min`, `3 min 20 s` or `7 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def hint(line: str) -> None:
    """Print a suggestion for the next step, but only on a terminal."""
    if on_terminal():
        click.secho(printable(line), dim=True)
