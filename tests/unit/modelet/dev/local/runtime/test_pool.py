"""Environments come with requests, stay for a while, and are never more than allowed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from modelet.dev.local.runtime.runtime import Runtime
from modelet.errors import ThrottledError
from support.clients import environments, until

if TYPE_CHECKING:
    from modelet.dev.local.runtime.log import MemoryLog
    from support.clients import Make

PID = "import os\ndef handler(event, context): return os.getpid()\n"
SLOW = "import os, time\ndef handler(event, context):\n    time.sleep(event)\n    return os.getpid()\n"
COUNTED = """
import os, pathlib
(pathlib.Path(__file__).parent / f"init-{os.getpid()}").touch()
def handler(event, context): return os.getpid()
"""


async def ask(runtime: Runtime, event: Any = None, name: str = "echo") -> Any:
    outcome = await runtime.invoke(name, json.dumps(event).encode())
    assert outcome.error is None, outcome
    return json.loads(outcome.payload)


def running() -> int:
    return len(environments())


def test_one_caller_after_another_meets_the_same_environment(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with Runtime([make(PID)], log=log) as runtime:
            assert len({await ask(runtime) for _ in range(20)}) == 1
        inits = [line for line in log.lines if "Init Duration" in line]
        assert len(inits) == 1

    asyncio.run(scenario())


def test_as_many_environments_as_requests_at_once_and_the_rest_is_throttled(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with Runtime([make(SLOW, max_concurrency=3)], log=log) as runtime:
            results = await asyncio.gather(*(ask(runtime, 0.5) for _ in range(8)), return_exceptions=True)
            throttled = [result for result in results if isinstance(result, ThrottledError)]
            answered = [result for result in results if isinstance(result, int)]
            assert len(throttled) == 5
            assert len(set(answered)) == 3
            assert await ask(runtime, 0) in answered
            assert running() == 3
        assert running() == 0
        assert sum("(max_concurrency: 3)" in line for line in log.lines) == 1

    asyncio.run(scenario())


def test_provisioned_environments_are_initialised_before_traffic_and_used_first(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        function = make(COUNTED, provisioned=2, max_concurrency=4)
        async with Runtime([function], log=log) as runtime:
            ready = {int(path.name.removeprefix("init-")) for path in function.folder.glob("init-*")}
            assert len(ready) == 2
            assert {await ask(runtime) for _ in range(4)} <= ready

    asyncio.run(scenario())


def test_an_environment_that_is_idle_for_long_is_stopped_but_not_a_provisioned_one(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with Runtime([make(SLOW, provisioned=1)], log=log, idle_s=0.3) as runtime:
            await asyncio.gather(*(ask(runtime, 0.2) for _ in range(3)))
            assert running() == 3
            await until(lambda: running() == 1)
            await asyncio.sleep(0.5)
            assert running() == 1
            await ask(runtime, 0)

    asyncio.run(scenario())


def test_after_a_crash_or_a_timeout_the_next_request_has_a_new_environment(make: Make, log: MemoryLog) -> None:
    source = """
import os, time
def handler(event, context):
    if event == "die": os._exit(1)
    if event == "hang": time.sleep(60)
    return os.getpid()
"""

    async def scenario() -> None:
        async with Runtime([make(source, timeout_s=1, max_concurrency=1)], log=log) as runtime:
            pids = [await ask(runtime)]
            for trouble, error in (("die", "Runtime.ExitError"), ("hang", "Sandbox.Timedout")):
                assert (await runtime.invoke("echo", json.dumps(trouble).encode())).error == error
                pids.append(await ask(runtime))
            assert len(set(pids)) == 3
            assert running() == 1

    asyncio.run(scenario())


def test_an_error_of_the_handler_costs_no_environment(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        source = "import os\ndef handler(event, context):\n    if event: raise ValueError\n    return os.getpid()\n"
        async with Runtime([make(source)], log=log) as runtime:
            pid = await ask(runtime)
            for _ in range(3):
                assert (await runtime.invoke("echo", b"1")).error == "ValueError"
            assert await ask(runtime) == pid

    asyncio.run(scenario())


def test_a_failed_init_is_tried_again_by_the_next_request(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        function = make("raise RuntimeError('not yet')\n", provisioned=1)
        async with Runtime([function], log=log) as runtime:
            assert (await runtime.invoke("echo", b"{}")).error == "RuntimeError"
            assert (await runtime.invoke("echo", b"{}")).error == "RuntimeError"
            (function.folder / "app.py").write_text("def handler(event, context): return 'now'\n")
            assert await ask(runtime) == "now"
        assert sum(line.startswith("INIT_REPORT") for line in log.lines) == 3

    asyncio.run(scenario())


def test_a_provisioned_environment_that_dies_is_replaced(
    make: Make, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.dev.local.runtime.pool.REPROVISION_AFTER", 0.05)

    async def scenario() -> None:
        async with Runtime([make(PID, provisioned=1)], log=log) as runtime:
            first = await ask(runtime)
            psutil.Process(first).kill()
            await until(lambda: running() == 1 and not psutil.pid_exists(first))
            assert await ask(runtime) != first
        assert any("An idle environment ended: Runtime exited with error: signal: killed" in line for line in log.lines)

    asyncio.run(scenario())


def test_replaced_environments_finish_what_they_do_and_take_no_more(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with Runtime([make(SLOW, provisioned=1)], log=log) as runtime:
            old = await ask(runtime, 0)
            under_way = asyncio.create_task(ask(runtime, 0.6))
            await asyncio.sleep(0.1)
            assert await runtime.replace("echo") is None
            fresh = await ask(runtime, 0)
            assert fresh != old
            assert await under_way == old
            await until(lambda: not psutil.pid_exists(old))
            assert await ask(runtime, 0) != old

    asyncio.run(scenario())


def test_a_replacement_can_bring_another_configuration(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        source = "def handler(event, context): return context.memory_limit_in_mb\n"
        function = make(source, memory_mb=128)
        async with Runtime([function], log=log) as runtime:
            assert await ask(runtime) == "128"
            assert await runtime.replace("echo", make(source, memory_mb=256)) is None
            assert await ask(runtime) == "256"

    asyncio.run(scenario())


def test_what_does_not_load_replaces_nothing_and_leaves_nothing(make: Make, log: MemoryLog, tmp_path: Path) -> None:
    async def scenario() -> None:
        broken = make("raise LookupError('not yet')\n", provisioned=2)
        broken = dataclasses.replace(broken, sources=tmp_path)
        async with Runtime([make(PID, provisioned=1)], log=log) as runtime:
            old = await ask(runtime)
            assert await runtime.replace("echo", broken) == "LookupError"
            assert await ask(runtime) == old
            assert running() == 1
            assert not broken.folder.exists()

    asyncio.run(scenario())


HALF = """
import os, pathlib, time
try:
    (pathlib.Path(__file__).parents[1] / "first").open("x").close()
except FileExistsError:
    time.sleep(60)
def handler(event, context): return os.getpid()
"""
"""Of several environments the first one loads, and the others go on loading."""


def test_a_replacement_that_is_given_up_leaves_neither_environments_nor_its_snapshot(
    make: Make, log: MemoryLog, tmp_path: Path
) -> None:
    async def scenario() -> None:
        new = dataclasses.replace(make(HALF, provisioned=2), sources=tmp_path)
        async with Runtime([make(PID, provisioned=1)], log=log) as runtime:
            old = await ask(runtime)
            replacing = asyncio.create_task(runtime.replace("echo", new))
            await until(lambda: running() == 3 and (tmp_path / "first").exists())
            await asyncio.sleep(0.5)
            replacing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await replacing
            await until(lambda: running() == 1)
            await until(lambda: not new.folder.exists())
            assert await ask(runtime) == old

    asyncio.run(scenario())


def test_a_replacement_that_is_given_up_before_the_start_leaves_no_snapshot(
    make: Make, log: MemoryLog, tmp_path: Path
) -> None:
    async def scenario() -> None:
        new = dataclasses.replace(make(PID), sources=tmp_path)
        replacing = asyncio.create_task(Runtime([make(PID)], log=log).replace("echo", new))
        await asyncio.sleep(0)
        replacing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await replacing
        assert not new.folder.exists()

    asyncio.run(scenario())


def test_an_init_is_repeated_with_what_replaced_the_function_meanwhile(
    make: Make, log: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelet.dev.local.runtime.pool.INIT_LIMIT", 4.0)

    async def scenario() -> None:
        slow = "import time\ntime.sleep(60)\n"
        old, new = (dataclasses.replace(make(source), sources=tmp_path) for source in (slow, PID))
        async with Runtime([old], log=log) as runtime:
            asked = asyncio.create_task(ask(runtime))
            await until(lambda: running() == 1)
            assert await runtime.replace("echo", new) is None
            assert await asked
            assert not old.folder.exists()

    asyncio.run(scenario())


def test_a_snapshot_goes_with_the_last_environment_that_runs_in_it(make: Make, log: MemoryLog, tmp_path: Path) -> None:
    async def scenario() -> None:
        old, new = (dataclasses.replace(make(SLOW), sources=tmp_path) for _ in range(2))
        async with Runtime([old], log=log) as runtime:
            await asyncio.gather(*(ask(runtime, 0.2) for _ in range(2)))
            under_way = asyncio.create_task(ask(runtime, 1))
            await asyncio.sleep(0.1)
            assert await runtime.replace("echo", new) is None
            await until(lambda: running() == 2)
            assert old.folder.exists()
            await under_way
            await until(lambda: not old.folder.exists())
            await ask(runtime, 0)
            assert new.folder.exists()
        assert tmp_path.exists()

    asyncio.run(scenario())


def test_a_log_names_the_author_s_file_not_the_snapshot_s(make: Make, log: MemoryLog, tmp_path: Path) -> None:
    async def scenario() -> None:
        copied = make("def handler(event, context): raise LookupError('gone')\n")
        async with Runtime([dataclasses.replace(copied, sources=tmp_path)], log=log) as runtime:
            await runtime.invoke("echo", b"{}")
        assert any(f'File "{tmp_path}/app.py", line 1' in line for line in log.lines)

    asyncio.run(scenario())


def test_stopping_ends_what_is_busy_and_what_is_starting(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        slow = make("import time\ntime.sleep(60)\n", "slow")
        runtime = Runtime([make(SLOW, timeout_s=60), slow], log=log)
        await runtime.start()
        busy = asyncio.create_task(runtime.invoke("echo", b"60"))
        starting = asyncio.create_task(runtime.invoke("slow", b"1"))
        await until(lambda: running() == 2)
        await asyncio.sleep(0.3)
        await asyncio.wait_for(runtime.stop(), 5)
        assert running() == 0
        outcomes = await asyncio.gather(busy, starting)
        assert [outcome.error for outcome in outcomes] == ["Runtime.ExitError", "Runtime.ExitError"]

    asyncio.run(scenario())


def test_stopping_in_the_middle_of_provisioned_inits_leaves_nothing(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        for seconds in (0.0, 0.01, 0.03, 0.1, 0.3):
            start = asyncio.create_task(
                _enter(Runtime([make("import time\ntime.sleep(60)\n", provisioned=2)], log=log))
            )
            await asyncio.sleep(seconds)
            start.cancel()
            with pytest.raises(asyncio.CancelledError):
                await start
            assert running() == 0

    asyncio.run(scenario())


async def _enter(runtime: Runtime) -> None:
    async with runtime:
        raise AssertionError("it never starts")


def test_a_cancelled_request_ends_its_environment(make: Make, log: MemoryLog) -> None:
    async def scenario() -> None:
        async with Runtime([make(SLOW, max_concurrency=1)], log=log) as runtime:
            first = await ask(runtime, 0)
            task = asyncio.create_task(ask(runtime, 60))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await ask(runtime, 0) != first

    asyncio.run(scenario())
