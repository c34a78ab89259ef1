"""Progress of long-running work: bars on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from modelet.dev.cli.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

QUIET_S = 2.0
"""The shortest time in seconds between two progress lines in a pipe."""


class Progress(Protocol):
    """Reports the progress of long-running work."""

    def step(self, text: str) -> None:
        """Start a new step and finish the previous one. `text` is one line."""

    def advance(self, done: int, total: int) -> None:
        """Report the step's progress, in any unit; it is finished when `done` equals `total`."""


class Silent:
    """Reports nothing."""

    def step(self, text: str) -> None:
        """Do nothing."""

    def advance(self, done: int, total: int) -> None:
        """Do nothing."""


class Lines:
    """Prints a line for each step, and occasionally the percentage of a long step."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said = time.monotonic()

    def step(self, text: str) -> None:
        """Print the step."""
        self._write(text)

    def advance(self, done: int, total: int) -> None:
        """Print the percentage, unless the last line is only seconds old."""
        if time.monotonic() - self._said >= QUIET_S:
            self._write(f"  {percent(done, total)} %")

    def _write(self, line: str) -> None:
        self._said = time.monotonic()
        self._stream.write(f"{printable(line)}\n")
        self._stream.flush()


class Bars:
    """Shows a spinner for each step, and a bar if its progress is known."""

    def __init__(self, shown: RichProgress) -> None:
        self._shown = shown
        self._task: TaskID | None = None

    def step(self, text: str) -> None:
        """Finish the previous bar and start a new one."""
        self.finish()
        # A step is plain text, not rich markup, because a column may be called [red].
        self._task = self._shown.add_task(printable(text), total=None)

    def advance(self, done: int, total: int) -> None:
        """Update the bar."""
        if self._task is not None:
            self._shown.update(self._task, completed=done, total=max(total, 1))

    def finish(self) -> None:
        """Mark the last step as done."""
        if self._task is not None:
            self._shown.update(self._task, total=1, completed=1)
            self._task = None


@contextmanager
def progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """Report progress on a stream (default: stderr), with bars if it is a terminal and lines otherwise.

    If the work fails, its last step stays unfinished on the screen.
    """
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield Lines(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=Console(file=stream)) as shown:
        bars = Bars(shown)
        yield bars
        bars.finish()


def percent(done: int, total: int) -> int:
    """Return the progress from 0 to 100; it is 100 if `total` is 0."""
    return 100 * min(done, total) // total if total > 0 else 100
