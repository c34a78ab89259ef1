"""Long runs of a graph: they end when the deadline's alarm rings, or between two parts of many rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelet.backends.onnx import ROWS_AT_ONCE, OnnxModel, _stop_runs_at_alarm
from modelet.deadline import Alarm, Deadline, disarm
from modelet.store.artifacts import Artifacts
from modelet.store.keys import manifest_path
from modelet.store.store import Store
from support.versions import write_version

WIDTH = 600


def chain(nodes: int) -> bytes:
    """A graph of so many matrices, one after the other."""
    matrix = numpy_helper.from_array(np.full((WIDTH, WIDTH), 1 / WIDTH, np.float32), "matrix")
    made = [helper.make_node("MatMul", [f"t{place}", "matrix"], [f"t{place + 1}"]) for place in range(nodes)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, WIDTH]) for name in ("t0", f"t{nodes}")]
    graph = helper.make_graph(made, "chain", ends[:1], ends[1:], [matrix])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def loaded(graph: bytes, tmp_path: Path) -> OnnxModel[Any, Any]:
    store = Store((tmp_path / "store").as_uri())
    model = OnnxModel[Any, Any]()
    lock = write_version(store, {"model.onnx": graph})
    model.load(Artifacts.open(store, store.read(manifest_path("tiny", lock.version)), "tiny", lock, tmp_path))
    return model


def test_the_alarm_ends_a_run_within_its_graph_and_the_next_one_is_whole(tmp_path: Path) -> None:
    _stop_runs_at_alarm.cache_clear()  # another test of this process may have taken the one pipe that a signal wakes
    model = loaded(chain(3_000), tmp_path)
    ones = np.ones((2_000, WIDTH), np.float32)
    for seconds in (0.5, 1, 2, 4, 8):  # on a busy machine, the first alarm may come before the run begins
        with pytest.raises(Alarm) as caught, Deadline(seconds):
            model.infer({"t0": ones})
        disarm()
        if caught.value.__context__ is not None:
            break
    assert "terminate" in str(caught.value.__context__), "onnxruntime itself stopped"
    [found] = model.infer({"t0": ones[:1]}).values()
    assert found.shape == (1, WIDTH)
    with Deadline(60):
        model.session.run(None, {"t0": ones[:1]})


@pytest.mark.parametrize("rows", [ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 2 * ROWS_AT_ONCE + 7])
def test_many_rows_are_run_in_parts_and_answered_in_their_order(rows: int, tmp_path: Path) -> None:
    model = loaded(chain(1), tmp_path)
    inputs = np.repeat(np.arange(rows, dtype=np.float32)[:, None], WIDTH, axis=1)
    [found] = model.infer({"t0": inputs}).values()
    np.testing.assert_allclose(found[:, 0], inputs[:, 0], rtol=1e-5)
