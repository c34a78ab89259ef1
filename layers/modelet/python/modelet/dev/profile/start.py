"""Start one fresh process of a function with a Runtime API, and end it after its first response."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import py_compile
import shutil
import signal
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelet.dev.local.runtime.process import words
from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi
from modelet.dev.local.runtime.variables import variables
from modelet.dev.profile import probe
from modelet.dev.profile.sample import Moment, Sample, noted
from modelet.dev.profile.usage import usage
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.dev.local.runtime.function import LocalFunction

INIT_S = 130.0
"""The longest init in seconds: Lambda's limit for provisioned environments."""


def start(function: LocalFunction, event: bytes | None, aws: Mapping[str, str], *, traced: bool = False) -> Sample:
    """Start a function as it is served, send it at most one event, and end it.

    aws: credentials, region and endpoint. traced: run under -X importtime. Raises CommandError with the function's own
    output if it does not start or does not respond.
    """
    folder = Path(tempfile.mkdtemp(prefix="modelet-profile-"))
    try:
        return asyncio.run(_Start(function, folder).run(event, aws, traced=traced))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Start:
    def __init__(self, function: LocalFunction, folder: Path) -> None:
        self._function = function
        self._folder = folder
        self._pid = 0
        self._ends: dict[str, Moment] = {}
        self._peak_mb = 0.0
        self._ready = asyncio.Event()
        self._said: asyncio.Queue[Reply] = asyncio.Queue()

    async def run(self, event: bytes | None, aws: Mapping[str, str], *, traced: bool) -> Sample:
        api = RuntimeApi(self._waiting, self._replied, self._said.put_nowait)
        environment = self._environment(await api.start(), aws)
        options = ["-X", "importtime"] if traced else []
        # Write to a file, because a process that reads a pipe would run during the measurement.
        with (self._folder / "printed").open("wb") as printed:
            self._began = time.monotonic_ns()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *[*options, "-m", "awslambdaric", self._function.handler],
                cwd=self._function.folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
            self._pid = process.pid
            exits = asyncio.ensure_future(process.wait())
            try:
                reply = await self._answer(api, event, exits)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await exits
                await api.stop()
        lines = (self._folder / "probe" / probe.NOTES).read_text(errors="replace").splitlines()
        notes = [line.split("\t") for line in lines]
        return Sample({**noted(notes, self._began), **self._ends}, self._peak_mb, reply, self._printed(), notes)

    def _environment(self, address: str, aws: Mapping[str, str]) -> dict[str, str]:
        """Return the function's environment variables, with the probe first on the path."""
        found = variables(self._function, address=address, tmp=self._folder, provisioned=False, aws=aws)
        path = self._folder / "probe"
        path.mkdir()
        # Compile the probe here, so that its compilation is not measured.
        py_compile.compile(probe.__file__, str(path / "sitecustomize.pyc"), doraise=True)
        return {**found, "PYTHONPATH": os.pathsep.join([str(path), found["PYTHONPATH"]])}

    async def _answer(self, api: RuntimeApi, event: bytes | None, exits: asyncio.Future[int]) -> Reply | None:
        """Return the first response, or None without an event."""
        name, timeout_s = self._function.name, self._function.timeout_s
        said = asyncio.ensure_future(self._said.get())
        ready = asyncio.ensure_future(self._ready.wait())
        await _first({said, ready, exits}, INIT_S)
        if said.done():
            raise CommandError(f"{name} does not start: {_error(said.result())}")
        if not ready.done():
            raise CommandError(f"{name} does not start: {self._no_response(exits, INIT_S)}")
        if event is None:
            return None
        deadline_ms = int((time.time() + timeout_s) * 1000)
        api.send(Invocation(str(uuid.uuid4()), event, deadline_ms, self._function.arn, ""))
        await _first({said, exits}, timeout_s)
        if not said.done():
            raise CommandError(f"{name} does not respond to the event: {self._no_response(exits, timeout_s)}")
        if (reply := said.result()).error:
            raise CommandError(f"{name} fails with the event: {_error(reply)}")
        return reply

    def _no_response(self, exits: asyncio.Future[int], waited_s: float) -> str:
        """Return why there was no response, with the last line that the function printed."""
        why = words(exits.result()) or "it exits" if exits.done() else f"no response within {waited_s:g} s"
        printed = [line.strip() for line in self._printed().splitlines() if line.strip()]
        return f"{why}; its last output was: {printed[-1]}" if printed else why

    def _printed(self) -> str:
        return (self._folder / "printed").read_text(errors="replace")

    def _waiting(self) -> None:
        if not self._ready.is_set():
            self._reach("init")
            self._ready.set()

    def _replied(self, reply: Reply) -> None:
        self._reach("answer")
        self._said.put_nowait(reply)

    def _reach(self, stage: str) -> None:
        wall_ms = (time.monotonic_ns() - self._began) / 1e6
        used = usage(self._pid)
        self._ends[stage] = Moment(wall_ms, used.cpu_ms, used.resident_mb)
        self._peak_mb = used.peak_mb


async def _first(waited: set[asyncio.Future[Any]], limit_s: float) -> None:
    await asyncio.wait(waited, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)


def _error(reply: Reply) -> str:
    """Return an error that the client posted, on one line."""
    try:
        message = str(json.loads(reply.payload)["errorMessage"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = ""
    return " ".join(f"{reply.error}: {message}".split()).removesuffix(":")
