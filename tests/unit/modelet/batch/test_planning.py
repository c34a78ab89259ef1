"""The first step of a batch: what cannot be planned within the worker's timeout fails by name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from modelet.batch.planning import RESERVE_S
from modelet.deadline import MARGIN
from support.batches import Stage, csv_text
from support.doubling import doubling_stage


@pytest.fixture
def stage(place: str) -> Stage:
    return doubling_stage(place)


def test_inputs_that_take_longer_to_cut_than_the_worker_has_fail_the_batch_with_the_remedy(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = stage.create_batch(stage.put("a.csv", csv_text([{"id": "a", "x": 1}])))

    def stream(*_: Any) -> Iterator[bytes]:
        while True:
            time.sleep(0.01)
            yield b"id,x\n"

    monkeypatch.setattr(stage.worker.objects, "stream", stream)
    assert stage.step("plan", batch, remaining=RESERVE_S + MARGIN + 0.2)["chunks"] == 0
    found = stage.record(batch)
    assert found.state == "FAILED"
    assert found.problem is not None
    assert "within the worker's timeout" in found.problem["detail"]
    assert "Parquet" in found.problem["detail"]


def test_a_plan_whose_file_is_gone_or_may_not_be_read_says_to_start_anew(stage: Stage) -> None:
    batch = stage.create_batch(stage.put("a.csv", csv_text([{"id": "a", "x": 1}])))
    stage.step("plan", batch)
    stage.worker.batches.cancel(batch.model, batch.id)
    resumed = stage.worker.batches.resume(batch.model, batch.id)
    stage.worker.objects.delete(stage.worker.files(batch.id).plan)
    assert stage.step("plan", resumed)["chunks"] == 0
    found = stage.record(resumed)
    assert found.state == "FAILED"
    assert found.problem is not None
    assert "start a new batch" in found.problem["detail"]
