"""Progress of long work: bars on a terminal, plain lines into a pipe."""

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
"""A pipe hears of a step's advance no more often than this: a log is read, not watched."""


class Progress(Protocol):
    """What long work tells the person who waits for it."""

    def step(self, text: str) -> None:
        """A new step begins, and the one before it is done. `text` is one line."""

    def advance(self, done: int, total: int) -> None:
        """The step's work so far, in any unit; at `total` it is done."""


class Silent:
    """Tells nobody."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def advance(self, done: int, total: int) -> None:
        """Say nothing."""


class Lines:
    """A line for each step, and now and then one for the advance of a long step."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said = time.monotonic()

    def step(self, text: str) -> None:
        """Write the step."""
        self._write(text)

    def advance(self, done: int, total: int) -> None:
        """Write the advance where the last line is some seconds old."""
        if time.monotonic() - self._said >= QUIET_S:
            self._write(f"  {percent(done, total)} %")

    def _write(self, line: str) -> None:
        self._said = time.monotonic()
        self._stream.write(f"{printable(line)}\n")
        self._stream.flush()


class Bars:
    """A spinner for each step, and a bar where its advance is known."""

    def __init__(self, shown: RichProgress) -> None:
        self._shown = shown
        self._task: TaskID | None = None

    def step(self, text: str) -> None:
        """Finish the bar of the step before and begin one."""
        self.finish()
        # A step is text, never rich's markup: an author's column may be called [red].
        self._task = self._shown.add_task(printable(text), total=None)

    def advance(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._shown.update(self._task, completed=done, total=max(total, 1))

    def finish(self) -> None:
        """Mark the last step as done."""
        if self._task is not None:
            self._shown.update(self._task, total=1, completed=1)
            self._task = None


@contextmanager
def progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """Progress on a stream (stderr, where none is given): bars where it is a terminal, lines where it is not.

    Where the work fails, its last step stays unfinished on the screen.
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
    """How much is done, from 0 to 100; all of nothing is done."""
    return 100 * min(done, total) // total if total > 0 else 100
