"""An emulator with a tiny workflow, and a worker that writes down its events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from modelet.dev.local.emulator.emulation import Emulated, Emulation
from modelet.dev.local.emulator.emulator import Emulator
from modelet.dev.local.emulator.worker import Worker
from modelet.dev.local.runtime.log import MemoryLog
from modelet.dev.local.runtime.runtime import Runtime
from support.clients import Make

WORKER = """
import json, os, time

class RefusedError(Exception):
    pass

def handler(event, context):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    if event.get("chunk", {}).get("number") == 3:
        raise RefusedError("chunk 3")
    if event.get("chunk", {}).get("number") == 99:
        time.sleep(60)
    return {"batchItemFailures": []} if "Records" in event else {}
"""

MACHINE: dict[str, Any] = {
    "StartAt": "Chunks",
    "States": {
        "Chunks": {
            "Type": "Map",
            "Label": "Chunks",
            "MaxConcurrency": 4,
            "ToleratedFailurePercentage": 100,
            "ResultPath": None,
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.chunks"},
            },
            "ItemSelector": {"worker.$": "$.worker", "chunk.$": "$$.Map.Item.Value"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {
                    "Work": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Parameters": {"FunctionName.$": "$.worker", "Payload.$": "$"},
                        "OutputPath": "$.Payload",
                        "Catch": [{"ErrorEquals": ["RefusedError"], "Next": "Refused"}],
                        "End": True,
                    },
                    "Refused": {"Type": "Pass", "End": True},
                },
            },
            "End": True,
        }
    },
}


class Laptop:
    """A project's emulator beside a runtime with its worker, in an event loop of its own."""

    def __init__(self, root: Path, make: Make) -> None:
        self.root = root
        self.seen = root / "seen.jsonl"
        self.log = MemoryLog()
        machine = root / "machine.asl.json"
        machine.write_text(json.dumps(MACHINE))
        environment = {"SEEN": str(self.seen)}
        function = make(WORKER, "tiny-worker", environment=environment, timeout_s=5, max_concurrency=4)
        self.worker = Worker("tiny", function, batch=True, jobs=True)
        self._machine = machine
        self._batches = make("def handler(event, context): return {}\n", "batches")
        self._online = make("def handler(event, context): return {'predictions': event['instances']}\n", "tiny")

    def run(self, work: Callable[[Emulation, Emulator], Any]) -> None:
        """Do the work in a thread beside a running emulator."""

        async def run() -> None:
            self.loop = asyncio.get_running_loop()
            emulator = Emulator(self.root)
            emulated = Emulated(emulator, self._batches, (self.worker,))
            async with Runtime([self._online, *emulated.functions], log=self.log) as runtime:
                emulation = Emulation(emulated, runtime, log=self.log, machine=self._machine)
                try:
                    await emulation.ready()
                    await asyncio.to_thread(work, emulation, emulator)
                finally:
                    await emulation.stop()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    def events(self) -> list[dict[str, Any]]:
        """What the worker got."""
        return [json.loads(line) for line in self.seen.read_text().splitlines()] if self.seen.exists() else []


@pytest.fixture
def laptop(tmp_path: Path, make: Make) -> Laptop:
    (tmp_path / "project").mkdir()
    return Laptop(tmp_path / "project", make)
