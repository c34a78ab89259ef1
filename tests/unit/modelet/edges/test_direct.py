"""Direct invocation: JSON in, JSON out; what a retry may mend is raised."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from modelet.errors import (
    DeadlineError,
    StoreError,
)
from modelet.violation import RESPONSE_LIMIT
from support.callers import in_process
from support.contexts import Context
from support.events import rows_event
from support.projects import GOOD, SLOW, Tiny, make_tiny


def test_a_direct_event_is_answered_with_its_json_value(tiny: Tiny) -> None:
    assert tiny.call(GOOD)["label"] == "high"
    assert [one["label"] for one in tiny.call({"instances": [GOOD]})["predictions"]] == ["high"]


@pytest.mark.parametrize("event", [None, 5, [], "x", {}, {"a": float("nan"), "b": 1}, {"instances": [{"a": "\ud800"}]}])
def test_a_direct_event_that_is_wrong_is_answered_with_a_problem(tiny: Tiny, event: Any) -> None:
    assert tiny.call(event)["status"] in {400, 422}


def test_what_a_retry_may_mend_is_raised_to_a_direct_caller_and_answered_over_http(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    with in_process(tiny.function, tiny.settings) as handler:
        response = handler(rows_event("-1"), Context())
        assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "1")
        assert "secret" not in response["body"]
        with pytest.raises(StoreError) as caught:
            handler(-1.0, Context())
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        with pytest.raises(DeadlineError):
            handler(5.0, Context(remaining_ms=200))
        assert sys.tracebacklimit == 0, "the runtime client would send the stack along"
        handler(0.0, Context())
        assert not hasattr(sys, "tracebacklimit"), "an author's own logging shows stacks"


def test_a_direct_answer_above_lambda_s_limit_names_batches(tmp_path: Path) -> None:
    app = """
from modelet import Model, ModelHandler

class Loud(Model[int, str]):
    def infer(self, inputs: list[int]) -> list[str]:
        return ["x" * count for count in inputs]

handler = ModelHandler(Loud)
"""
    tiny = make_tiny(tmp_path, app=app)
    with in_process(tiny.function, tiny.settings) as loud:
        exact = RESPONSE_LIMIT - 2  # the quotes of the text
        assert loud(exact, Context()) == "x" * exact
        assert loud(exact + 1, Context())["status"] == 413


def test_a_direct_event_of_any_depth_is_answered_with_a_problem(tiny: Tiny) -> None:
    for depth in (150, 900, 990, 5000):
        event: Any = 1
        for _ in range(depth):
            event = [event]
        assert tiny.call(event)["status"] in {400, 422}
