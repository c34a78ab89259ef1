"""What `--reload` looks at."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest
from watchfiles import Change

from modelet.dev.local.runtime.runtime import Runtime
from modelet.dev.local.runtime.variables import LAYER
from modelet.dev.local.watch import Sources, report_changes, watch
from modelet.errors import SpecError
from support.clients import environments, run, until

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.dev.local.runtime.function import LocalFunction
    from modelet.dev.local.runtime.log import MemoryLog
    from support.clients import Make


def test_files_that_a_function_can_read_matter_and_no_others(tmp_path: Path) -> None:
    def matters(path: Path) -> bool:
        return Sources([tmp_path])(Change.modified, str(path))

    read = ("app.py", "model.yaml", "model.lock", "labels.json", "deep/er.csv", "baked_goods.py", "deep/baked/x.csv")
    assert all(matters(tmp_path / name) for name in read)
    assert not any(matters(tmp_path / name) for name in ("bundle.json", "__pycache__/app.pyc", ".git/HEAD", "app.py~"))
    assert not any(
        matters(tmp_path / name) for name in ("baked", "baked/tiny/1/model.onnx", ".baked.a1/new/model.onnx")
    )
    assert matters(LAYER / "modelet" / "pipeline.py")
    assert not matters(LAYER / "modelet" / "dev" / "local" / "watch.py")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            SpecError("model.yaml: resources.memory_mb: 64 is below 128"),
            "stay in use: model.yaml: resources.memory_mb: 64",
        ),
        (SyntaxError("half an edit"), "stay in use: SyntaxError: half an edit"),
    ],
    ids=["ours", "the author's"],
)
def test_a_rebuild_that_fails_is_told_and_the_old_environments_go_on(
    make: Make, log: MemoryLog, error: Exception, told: str
) -> None:
    function = make("def handler(event, context): return 'as before'\n")

    def rebuild(name: str) -> LocalFunction:
        raise error

    async def scenario() -> None:
        async with Runtime([function], log=log) as runtime:
            await runtime.invoke("echo", b"{}")
            watching = asyncio.create_task(watch([function], runtime, log=log, rebuild=rebuild))
            for turn in range(1000):
                (function.folder / "model.yaml").write_text(f"# {turn}")
                await asyncio.sleep(0.05)
                if any("Reload failed" in line for line in log.lines):
                    break
            assert any("Reload failed" in line and told in line for line in log.lines)
            assert (await runtime.invoke("echo", b"{}")).init_ms is None
            watching.cancel()
            await until(watching.done)

    run(scenario())


def test_one_functions_file_leaves_the_others_alone(make: Make, log: MemoryLog) -> None:
    one, other = (make("def handler(event, context): return 1\n", name) for name in ("one", "other"))

    async def scenario() -> None:
        async with Runtime([one, other], log=log) as runtime:
            for name in ("one", "other"):
                await runtime.invoke(name, b"{}")
            watching = asyncio.create_task(watch([one, other], runtime, log=log))
            await asyncio.sleep(0.3)
            (one.folder / "app.py").write_text("def handler(event, context): return 2\n")
            await until(lambda: "Reload: serving the new sources" in log.lines)
            assert (await runtime.invoke("one", b"{}")).payload == b"2"
            assert (await runtime.invoke("other", b"{}")).init_ms is None
            watching.cancel()
            await until(watching.done)

    run(scenario())


def test_a_load_that_fails_or_hangs_is_given_up_for_the_next_change(make: Make, log: MemoryLog) -> None:
    function = make("def handler(event, context): return 'old'\n")
    app = function.folder / "app.py"

    async def scenario() -> None:
        async with Runtime([function], log=log) as runtime:
            assert (await runtime.invoke("echo", b"{}")).payload == b'"old"'
            watching = asyncio.create_task(watch([function], runtime, log=log))
            await asyncio.sleep(0.3)
            app.write_text("raise ValueError('broken while edited')\n")
            await until(
                lambda: (
                    "Reload failed, the old environments stay in use: the new init ended with ValueError" in log.lines
                )
            )
            app.write_text("print('begun')\nimport time\ntime.sleep(600)\n")
            await until(lambda: "begun" in log.lines)
            assert (await runtime.invoke("echo", b"{}")).payload == b'"old"'
            app.write_text("def handler(event, context): return 'new'\n")
            await until(lambda: "Reload: serving the new sources" in log.lines)
            assert (await runtime.invoke("echo", b"{}")).payload == b'"new"'
            assert len(environments()) == 1
            watching.cancel()
            await until(watching.done)

    run(scenario())


def test_a_rebuild_that_a_further_change_overtakes_leaves_no_snapshot(
    make: Make, log: MemoryLog, tmp_path: Path
) -> None:
    function = make("def handler(event, context): return 'old'\n")
    snapshots = [
        dataclasses.replace(make("def handler(event, context): return 'new'\n"), sources=function.folder)
        for _ in range(2)
    ]
    waiting, begun, done = list(snapshots), threading.Event(), threading.Event()

    def rebuild(name: str) -> LocalFunction:
        begun.set()
        assert done.wait(20)
        return waiting.pop(0)

    async def scenario() -> None:
        async with Runtime([function], log=log) as runtime:
            watching = asyncio.create_task(watch([function], runtime, log=log, rebuild=rebuild))
            await asyncio.sleep(0.3)
            (function.folder / "app.py").write_text("# one\n")
            await until(begun.is_set)
            (function.folder / "features.py").write_text("# two\n")
            await until(lambda: any("features.py changed" in line for line in log.lines))
            done.set()
            await until(lambda: "Reload: serving the new sources" in log.lines)
            assert not snapshots[0].folder.exists()
            assert (await runtime.invoke("echo", b"{}")).payload == b'"new"'
            watching.cancel()
            await until(watching.done)

    run(scenario())


def test_without_reload_a_change_of_files_and_one_of_the_lock_are_each_told_once(make: Make, log: MemoryLog) -> None:
    one, other = (make("def handler(event, context): return 1\n", name) for name in ("one", "other"))

    async def scenario() -> None:
        telling = asyncio.create_task(report_changes([one, other], log=log))
        await asyncio.sleep(0.3)
        for turn, name in enumerate(["app.py", "model.lock", "app.py", "labels.json", "model.lock"]):
            (one.folder / name).write_text(f"# {turn}\n")
            await asyncio.sleep(0.2)
        (other.folder / "features.py").write_text("")
        await until(lambda: any(line.startswith("features.py") for line in log.lines))
        telling.cancel()
        await until(telling.done)

    run(scenario())
    remedy = "restart modelet up to apply the change, or use modelet up --reload"
    assert log.lines == [f"{name} changed: {remedy}" for name in ("app.py", "model.lock", "features.py")]
