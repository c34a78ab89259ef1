"""The deadline: a 504 of our own before Lambda kills the environment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.callers import in_process
from support.contexts import Context
from support.events import rows_event
from support.projects import SLOW, make_tiny


def test_a_request_answers_504_before_its_environment_would_be_killed(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    started = time.perf_counter()
    with in_process(tiny.function, tiny.settings) as handler:
        response = handler(rows_event("5"), Context(remaining_ms=400))
        assert time.perf_counter() - started < 4
        assert response["statusCode"] == 504
        assert handler(rows_event("0.01"), Context())["statusCode"] == 200, "the next request is answered"
        time.sleep(0.4)


def test_a_call_that_comes_too_late_is_not_begun(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    with in_process(tiny.function, tiny.settings) as handler:
        assert handler(rows_event("0"), Context(remaining_ms=50))["statusCode"] == 504


@pytest.mark.parametrize(
    "swallow",
    [
        "except Exception: pass",
        "except Exception as e: raise ValueError from e",
        "except BaseException: time.sleep(5)",  # the alarm rings again
    ],
)
def test_the_deadline_is_not_the_author_s_to_swallow(tmp_path: Path, swallow: str) -> None:
    sleep = f"        try: time.sleep(5)\n        {swallow}\n"
    tiny = make_tiny(tmp_path, app=SLOW.replace("        time.sleep(inputs[0])\n", sleep))
    started = time.perf_counter()
    assert tiny.call(rows_event("1"), remaining_ms=400)["statusCode"] == 504
    assert time.perf_counter() - started < 4
