from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.environment import Subject
from benchmarks.live import Behind, Inside, Live

HANDLER = """
import json, os

turns = []
if os.environ.get("FAILS"):
    raise RuntimeError("no model here")

def handler(event, context):
    turns.append(context.aws_request_id)
    print("a line of the log")
    if event.get("end") and len(turns) > 2:
        os._exit(1)
    return {"asked": event, "turn": len(turns), "left": context.get_remaining_time_in_millis() > 0}
"""
Start = Callable[[Subject, bytes], Live]
both_ways = pytest.mark.parametrize("start", [Behind, Inside])


@contextmanager
def live(start: Start, folder: Path, event: object = None, **environment: str) -> Iterator[Live]:
    (folder / "answering.py").write_text(HANDLER)
    up = start(Subject("tiny", folder, "answering.handler", environment), json.dumps(event or {}).encode())
    try:
        yield up
    finally:
        up.stop()


@both_ways
def test_a_function_answers_once_and_then_in_blocks(start: Start, tmp_path: Path) -> None:
    with live(start, tmp_path, {"body": "x"}) as up:
        assert json.loads(up.first) == {"asked": {"body": "x"}, "turn": 1, "left": True}
        block = up.block(3)
        assert len(block.times_us) == 3
        assert min(block.times_us) > 0
        assert block.cpu_us > 0
        assert len(up.block(1).times_us) == 1


@both_ways
def test_a_function_that_does_not_start_is_an_error(start: Start, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="tiny: "), live(start, tmp_path, FAILS="yes"):
        pass


def test_a_function_that_ends_is_an_error(tmp_path: Path) -> None:
    with live(Inside, tmp_path, {"end": True}) as up, pytest.raises(RuntimeError, match="tiny: ended"):
        up.block(5)
