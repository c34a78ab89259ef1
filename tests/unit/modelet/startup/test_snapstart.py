"""SnapStart: two environments from one snapshot of a function, through the real runtime client.

A snapshot is a fork here: the last thing before it, the process splits in two that go on from the same memory.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.once import invoke_once
from modelet.dev.local.runtime.runtime_api import Invocation, Reply, RuntimeApi
from modelet.dev.local.runtime.variables import variables
from modelet.errors import ArtifactError
from modelet.startup.snapstart import before_snapshot
from modelet.store.artifacts import Artifacts, source
from modelet.threads import Task
from support.aws import Service, running_service
from support.clients import run
from support.projects import make_tiny
from support.versions import write_version

SPEC = "scaling: {snapstart: true}\n"
SNAPSHOT = """
import os
import random

from snapshot_restore_py import get_after_restore, register_before_snapshot

def snapshot():
    state = random.getstate()
    for _ in range(2):
        child = os.fork()
        if not child:
            random.setstate(state)  # a fork seeds it, which a restore does not
            return
        os.waitpid(child, 0)
    os._exit(0)

register_before_snapshot(snapshot)  # the first one registered is the last one called
"""
MODEL = """
import ssl

import numpy as np
from modelet import Model, ModelHandler

class Draws(Model[int, dict[str, float]]):
    def load(self, artifacts):
        random.seed(1)
        np.random.seed(1)
        self.own, self.kept = random.Random(1), random.Random(1)

    def restored(self):
        self.own.seed()

    def infer(self, inputs):
        if inputs[0] < 0:
            os._exit(0)
        drawn = {"random": random.random(), "numpy": np.random.random(), "own": self.own.random()}
        return [{**drawn, "kept": self.kept.random()} for _ in inputs]

handler = ModelHandler(Draws)
"""


def made(root: Path, app: str, spec: str = SPEC) -> LocalFunction:
    tiny = make_tiny(root, app=app, spec=spec)
    return local_function(tiny.function, tiny.store)


def restored_twice(function: LocalFunction, tmp: Path) -> tuple[list[Any], list[dict[str, Any]]]:
    """The first prediction of each of two environments from one snapshot, and what they logged."""

    async def scenario() -> tuple[list[Any], list[dict[str, Any]]]:
        waiting: asyncio.Queue[None] = asyncio.Queue()
        replies: asyncio.Queue[Reply] = asyncio.Queue()
        api = RuntimeApi(lambda: waiting.put_nowait(None), replies.put_nowait, replies.put_nowait)
        environ = variables(function, address=await api.start(), tmp=tmp, provisioned=False, aws={})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "awslambdaric", function.handler),
            cwd=function.folder,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

        async def send(event: str) -> None:
            await waiting.get()
            deadline_ms = int(time.time() * 1000) + 10_000
            api.send(Invocation("an-id", event.encode(), deadline_ms, function.arn, "Root=1-2-3"))

        answers = []
        try:
            async with asyncio.timeout(60):
                for _ in range(2):
                    await send("1")
                    reply = await replies.get()
                    assert reply.error is None, reply
                    answers.append(json.loads(reply.payload))
                    await send("-1")  # the environment ends, and the other one starts
                output, _ = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            await api.stop()
        return answers, [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]

    return run(scenario())


def test_environments_of_one_snapshot_draw_differently(tmp_path: Path) -> None:
    (first, second), _ = restored_twice(made(tmp_path, SNAPSHOT + MODEL), tmp_path)
    for generator in ("random", "numpy", "own"):
        assert first[generator] != second[generator], generator
    assert first["kept"] == second["kept"], "a generator of the author's is theirs to seed in `restored`"


def test_without_the_hooks_they_would_draw_the_same(tmp_path: Path) -> None:
    app = SNAPSHOT + MODEL + "get_after_restore().clear()\n"
    (first, second), _ = restored_twice(made(tmp_path, app), tmp_path)
    assert first == second


def test_the_first_line_of_each_says_what_the_restore_took_and_not_the_init(tmp_path: Path) -> None:
    slow = MODEL.replace("def load(self, artifacts):", "def load(self, artifacts):\n        import time; time.sleep(3)")
    _, lines = restored_twice(made(tmp_path, SNAPSHOT + slow), tmp_path)
    assert [line["cold_start"] for line in lines] == [True, True]
    assert all(0 < line["init_ms"] < 2900 for line in lines)


def test_a_restore_that_fails_serves_nothing(tmp_path: Path) -> None:
    broken = MODEL.replace("self.own.seed()", "raise ConnectionError('no line to the feature store')")
    outcome = invoke_once(made(tmp_path, "import os, random\n" + broken), b"1")
    assert outcome.error == "ConnectionError"
    assert "no line to the feature store" in json.loads(outcome.payload)["errorMessage"]


def test_a_function_without_snapstart_imports_none_of_it(tmp_path: Path) -> None:
    app = """
import sys
from modelet import Model, ModelHandler

class Imported(Model[str, bool]):
    def infer(self, inputs):
        return [name in sys.modules for name in inputs]

handler = ModelHandler(Imported)
"""
    event = b'{"instances": ["modelet.startup.snapstart", "snapshot_restore_py", "random"]}'
    for spec, imported in (("", [False, False]), (SPEC, [True, True])):
        outcome = invoke_once(made(tmp_path / (spec[:2] or "none"), app, spec), event)
        assert json.loads(outcome.payload)["predictions"][:2] == imported


def test_what_is_not_imported_is_not_imported_for_its_seed() -> None:
    program = (
        "import sys; from modelet.startup.snapstart import reseed; before = set(sys.modules); reseed(); "
        "assert set(sys.modules) == before; assert not {'numpy', 'ssl'} & before"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """An S3 that keeps connections open, and answers every path with the same bytes."""
    with running_service() as service:
        for variable, value in {
            "AWS_ENDPOINT_URL": service.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(variable, value)
        service.script = lambda *_: (200, "labels")
        yield service
    gc.unfreeze()


@pytest.fixture
def artifacts(s3: Service, tmp_path: Path) -> Artifacts:
    """What an author's model kept after its load."""
    tiny = make_tiny(tmp_path)
    lock = write_version(tiny.store, {"labels.json": b'"labels"', "more.json": b'"labels"'}, version="2")
    manifest = tiny.store.read("tiny/2/model.json")
    return Artifacts.open(source("s3://bucket/models"), manifest, "tiny", lock, tmp_path / "tmp")


def connections(service: Service) -> int:
    """How many connections to the service this process holds."""
    found = psutil.Process().net_connections("tcp")
    return sum(bool(each.raddr) and each.raddr.port == service.server_port for each in found)


def test_no_connection_is_in_the_snapshot_and_the_store_is_asked_anew_afterwards(
    s3: Service, artifacts: Artifacts
) -> None:
    assert artifacts.json("labels.json") == "labels"
    assert connections(s3) == 1
    before_snapshot(artifacts)
    assert connections(s3) == 0
    assert artifacts.json("labels.json") == "labels"


def test_a_file_that_nobody_has_asked_for_is_not_under_way_in_the_snapshot(s3: Service, artifacts: Artifacts) -> None:
    def slowly(*_: object) -> tuple[int, str]:
        time.sleep(0.3)
        return 200, "labels"

    s3.script = slowly
    artifacts.prefetch()
    artifacts.drop_prefetched()
    assert any(isinstance(thread, Task) for thread in threading.enumerate())
    before_snapshot(artifacts)
    assert not any(isinstance(thread, Task) for thread in threading.enumerate())
    assert connections(s3) == 0


def test_a_file_that_was_altered_is_refused_after_a_restore_too(s3: Service, artifacts: Artifacts) -> None:
    before_snapshot(artifacts)
    s3.script = lambda *_: (200, "libels")
    with pytest.raises(ArtifactError, match="was altered"):
        artifacts.json("labels.json")
