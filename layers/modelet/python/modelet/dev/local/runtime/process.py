"""One process of a function and what it prints."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, cast

from modelet.dev.local.runtime import watchdog as keeper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelet.dev.local.runtime.function import LocalFunction

AT_ONCE = 65_536
READS = 16
"""Reads of 64 KiB at a time: a function that never stops printing must not keep the server from all else."""
LONGEST_LINE = 262_144
"""Bytes after which a line without an end is shown as it is; CloudWatch cuts events there too."""

SIGNALS: dict[int, str] = {number.value: number.name for number in signal.Signals} | {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
}


class Process(asyncio.SubprocessProtocol):
    """The official runtime client with a handler, in a session of its own, so that Ctrl-C does not reach it.

    on_line: each line of its output, which CloudWatch would show as one event. on_exit: how it ended, in Go's words, as
    Lambda says it (`exit status 1`, `signal: killed`).
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
        """Run it in the function's folder."""
        self._loop = asyncio.get_running_loop()
        self.mark = environ[keeper.MARK]
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
            # Cancelled halfway, there would be a process that nobody knows.
            await asyncio.shield(spawning)
        except OSError:
            self._close_output()
            raise
        finally:
            await asyncio.wait([spawning])
            os.close(end)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._transport.get_pid() if self._transport is not None else 0

    def drain(self) -> None:
        """Read what was printed so far, without waiting."""
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
            if len(data) < AT_ONCE:  # that was all: to ask once more would cost as much again
                return

    def flush(self) -> None:
        """Read what was printed so far, and show a last line that has no newline too."""
        self.drain()
        self._break_line()

    def kill(self) -> None:
        """End it and all that it started, at once, as Lambda does to a function without extensions."""
        if self._transport is not None and not self.exited.is_set() and not self._killed:
            self._killed = True
            keeper.end(self.pid, self.mark)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it runs."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def process_exited(self) -> None:
        """asyncio: it ended; what it left running ends with it."""
        if not self._killed:
            keeper.end(self.pid, self.mark, leads=False)
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
        # The client joins the lines of a traceback with carriage returns, which make one event of them in CloudWatch.
        for part in line.decode("utf-8", "replace").rstrip("\r").split("\r"):
            self._on_line(part)

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1


def words(code: int | None) -> str:
    """A return code as Lambda says it, empty for an exit without a reason."""
    if not code:
        return ""
    return f"exit status {code}" if code > 0 else f"signal: {SIGNALS.get(-code, -code)}"
