"""A server that is killed leaves nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from modelet.dev.local.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from support.clients import Make

SERVER = """
import asyncio, sys
from pathlib import Path
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.runtime import Runtime

async def main():
    function = LocalFunction("busy", Path(sys.argv[1]), "app.handler", timeout_s=900)
    async with Runtime([function], log=MemoryLog()) as runtime:
        await runtime.invoke("busy", sys.argv[2].encode())

asyncio.run(main())
"""
BUSY = """
import os, pathlib, subprocess, sys, tempfile, time
def handler(event, context):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=event["leaves"])
    here = pathlib.Path(__file__).parent
    (here / "writing").write_text(f"{os.getpid()} {child.pid} {tempfile.gettempdir()}")
    (here / "writing").rename(here / "busy")
    time.sleep(600)
"""


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("leaves", ["false", "true"])
def test_after_sigkill_no_environment_no_child_and_no_folder_is_left(make: Make, leaves: str) -> None:
    function = make(BUSY)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(function.folder), f'{{"leaves": {leaves}}}'])
    try:
        told = function.folder / "busy"
        deadline = time.monotonic() + 20
        while not told.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        environment, child, tmp = told.read_text().split()
        assert Path(tmp).is_dir()
    finally:
        server.kill()
        server.wait()
    while not (gone(int(environment)) and gone(int(child)) and not Path(tmp).parent.exists()):
        assert time.monotonic() < deadline + 10
        time.sleep(0.02)


def test_a_group_that_was_forgotten_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    watchdog = Watchdog(folder)
    sleepers = [
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        for _ in range(2)
    ]
    try:
        for sleeper in sleepers:
            watchdog.watch(sleeper.pid, "mark")
        watchdog.forget(sleepers[0].pid)
        watchdog.stop()
        assert sleepers[1].wait(5) == -9
        assert sleepers[0].poll() is None
        assert not folder.exists()
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def test_a_killed_watchdog_breaks_nothing(tmp_path: Path) -> None:
    watchdog = Watchdog(tmp_path)
    killed = psutil.Process().children()[-1]
    killed.kill()
    killed.wait()
    for group in range(3):
        watchdog.watch(2**22 + group, "mark")
    watchdog.stop()
