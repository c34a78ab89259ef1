"""Where the functions' log lines go."""

from __future__ import annotations

import sys
from typing import Protocol, TextIO

from modelet.dev.cli.printing import printable


class Log(Protocol):
    """One line of one function: Lambda's own, what the function printed, or why the local runtime refused it."""

    def line(self, function: str, text: str) -> None:
        """Keep or show the line, or several; text has no newline at its end."""


class StreamLog:
    """Writes to a stream, each line with its function's name; a reader that left ends the log, not the server."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream: TextIO | None = sys.stderr if stream is None else stream

    def line(self, function: str, text: str) -> None:
        """Write the line at once, several of them together."""
        if self._stream is None:
            return
        text = printable(text)
        if "\n" in text:
            text = text.replace("\n", f"\n{function} | ")
        try:
            self._stream.write(f"{function} | {text}\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # closed, by the reader or by us
            self._stream = None
        except OSError:  # a full disk: the next line may find room
            return


class MemoryLog:
    """Keeps the lines, for `modelet invoke` to show and for tests to read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, function: str, text: str) -> None:  # noqa: ARG002  # the protocol's signature
        """Keep the line."""
        self.lines += text.split("\n")
