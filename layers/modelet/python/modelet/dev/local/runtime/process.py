"""A function's process and its output."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, cast

from modelet.dev.local.runtime import watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelet.dev.local.runtime.function import LocalFunction

AT_ONCE = 65_536
READS = 16
"""The most reads of 64 KiB at a time, so that a function that prints endlessly does not block the server."""
LONGEST_LINE = 262_144
"""Bytes after which a line without an end is logged; CloudWatch splits events there too."""

SIGNALS: dict[int, str] = {number.value: number.name for number in signal.Signals} | {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
}


class Process(asyncio.SubprocessProtocol):
    """The official runtime client with a handler, in a session of its own, so that Ctrl-C does not reach it.

    on_line: receives each line of its output, which is one event in CloudWatch. on_exit: receives how it ended, in
    Lambda's words (those of Go: `exit status 1`, `signal: killed`).
    """

    def __init__(self, on_line: Callable[[str], None], on_exit: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._on_exit = on_exit
        self._buffer = b""
        self._output = -1
        self._transport: asyncio.SubprocessTransport | None = None
        self.exited = asyncio.Event()
        self.mark = ""
        self._killed = False

    async def start(self, function: LocalFunction, environ: Mapping[str, str]) -> None:
        """Start the process in the function's folder."""
        self._loop = asyncio.get_running_loop()
        self.mark = environ[watchdog.MARK]
        self._output, end = os.pipe()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self.drain)
        command = [sys.executable, "-m", "awslambdaric", function.handler]
        spawning = asyncio.ensure_future(
            self._loop.subprocess_exec(
                lambda: self,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=end,
                stderr=end,
                cwd=str(function.folder),
                env=dict(environ),
                start_new_session=True,
            )
        )
        try:
            # If this is cancelled halfway, nothing would know the process.
            await asyncio.shield(spawning)
        except OSError:
            self._close_output()
            raise
        finally:
            await asyncio.wait([spawning])
            os.close(end)

    @property
    def pid(self) -> int:
        """Return the id of the process, which is also the id of its group."""
        return self._transport.get_pid() if self._transport is not None else 0

    def drain(self) -> None:
        """Read the available output without waiting."""
        for _ in range(READS):
            if self._output < 0:
                return
            try:
                data = os.read(self._output, AT_ONCE)
            except BlockingIOError:
                return
            if not data:
                self._close_output()
                return
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            for line in lines:
                self._say(line)
            if len(self._buffer) > LONGEST_LINE:
                self._break_line()
            if len(data) < AT_ONCE:  # all was read, and another read would cost as much
                return

    def flush(self) -> None:
        """Read the available output, including a last line without a newline."""
        self.drain()
        self._break_line()

    def kill(self) -> None:
        """Kill the process and all that it started, as Lambda does for a function without extensions."""
        if self._transport is not None and not self.exited.is_set() and not self._killed:
            self._killed = True
            watchdog.end(self.pid, self.mark)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle the start of the process (asyncio)."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def process_exited(self) -> None:
        """Handle the end of the process (asyncio), and end the processes that it left."""
        if not self._killed:
            watchdog.end(self.pid, self.mark, leads=False)
        self.flush()
        self._close_output()
        self.exited.set()
        if self._transport is not None:
            self._on_exit(words(self._transport.get_returncode()))
            self._transport.close()

    def _break_line(self) -> None:
        if self._buffer:
            line, self._buffer = self._buffer, b""
            self._say(line)

    def _say(self, line: bytes) -> None:
        # The client joins the lines of a traceback with carriage returns, so that they are one event in CloudWatch.
        for part in line.decode("utf-8", "replace").rstrip("\r").split("\r"):
            self._on_line(part)

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1


def words(code: int | None) -> str:
    """Return a return code in Lambda's words, or an empty string for an exit without a reason."""
    if not code:
        return ""
    return f"exit status {code}" if code > 0 else f"signal: {SIGNALS.get(-code, -code)}"
