"""Logs of the functions."""

from __future__ import annotations

import sys
from typing import Protocol, TextIO

from modelet.dev.cli.printing import printable


class Log(Protocol):
    """Receives the log lines of functions: Lambda's own, the function's output, and errors of the local runtime."""

    def line(self, function: str, text: str) -> None:
        """Log one or more lines. text: without a newline at the end."""


class StreamLog:
    """Writes each line to a stream, with its function's name. A closed stream ends the log, but not the server."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream: TextIO | None = sys.stderr if stream is None else stream

    def line(self, function: str, text: str) -> None:
        """Write the lines at once."""
        if self._stream is None:
            return
        text = printable(text)
        if "\n" in text:
            text = text.replace("\n", f"\n{function} | ")
        try:
            self._stream.write(f"{function} | {text}\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # closed by the reader or by this process
            self._stream = None
        except OSError:  # a full disk; a later line may succeed
            return


class MemoryLog:
    """Keeps the lines, for `modelet invoke` and for tests."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, function: str, text: str) -> None:  # noqa: ARG002  # the protocol's signature
        """Keep the lines."""
        self.lines += text.split("\n")
