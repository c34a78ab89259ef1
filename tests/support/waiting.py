"""A worker in a process of its own, which waits in the middle of a chunk: `python -m support.waiting`, to be killed."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge
from typing_extensions import TypedDict

from modelet.batch.settings import WorkerSettings
from modelet.model import Model
from support.batches import Stage
from support.services import service


class Row(TypedDict):
    x: Annotated[float, Ge(0)]
    sex: Literal[1, 2] | None


class Answer(TypedDict):
    double: float


class Waiting(Model[Row, Answer]):
    """Doubles x; from its second piece on it waits while a file is there, and says so in another one."""

    gate: Path | None = None
    pieces = 0

    def infer(self, inputs: list[Row]) -> list[Answer]:
        self.pieces += 1
        while self.pieces > 1 and self.gate is not None and self.gate.exists():
            self.gate.with_name("waits").touch()
            time.sleep(0.02)
        return [{"double": 2 * row["x"]} for row in inputs]


def waiting_stage(url: str, settings: WorkerSettings) -> Stage:
    """The stage of this model, in pieces of ten rows."""
    return Stage(service(Waiting, limits={"max_instances": 10}), url, settings)


if __name__ == "__main__":
    given: dict[str, Any] = json.load(sys.stdin)
    stage = waiting_stage(given["url"], WorkerSettings(*given["settings"]))
    Waiting.gate = Path(given["gate"])
    batch = stage.worker.batches.get("tiny", given["batch"])
    stage.step("chunk", batch, chunk=given["chunk"])
