"""The deadline: a 504 of our own before Lambda kills the environment."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelet.deadline import MARGIN, REPEAT, Alarm, Deadline, disarm, stop_at_alarm
from modelet.errors import DeadlineError
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


SOON = MARGIN + 0.03


@pytest.mark.parametrize("remaining", [-1.0, 0.0, MARGIN])
def test_a_block_is_not_begun_where_only_the_margin_is_left(remaining: float) -> None:
    with pytest.raises(DeadlineError, match=f"^{remaining:.3f} s are left"), Deadline(remaining):
        pytest.fail("the block was begun")


def test_the_alarm_comes_by_the_margin_before_the_time_is_over() -> None:
    began = time.perf_counter()
    with pytest.raises(Alarm), Deadline(MARGIN + 0.2):
        time.sleep(5)
    assert 0.2 <= time.perf_counter() - began < 5


def test_a_block_that_ends_in_time_leaves_no_alarm_behind() -> None:
    with Deadline(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_block_without_a_limit_neither_sets_an_alarm_nor_stops_another_one() -> None:
    with Deadline(None):
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    with Deadline(60):
        with Deadline(None):
            pass
        assert signal.getitimer(signal.ITIMER_REAL) == pytest.approx((60 - MARGIN, REPEAT), abs=5)


def test_the_alarm_replaces_the_handler_of_another_library() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    with pytest.raises(Alarm), Deadline(SOON):
        time.sleep(5)


def test_a_thread_has_no_alarm() -> None:
    def block() -> tuple[float, float]:
        with Deadline(SOON):
            return signal.getitimer(signal.ITIMER_REAL)

    with ThreadPoolExecutor() as threads:
        assert threads.submit(block).result() == (0, 0)
        assert threads.submit(stop_at_alarm, pytest.fail).result() is None


@pytest.fixture
def stops() -> Iterator[list[float]]:
    """When native code was told to stop."""
    times: list[float] = []
    stop_at_alarm(lambda: times.append(time.perf_counter()))
    yield times
    disarm()
    os.close(signal.set_wakeup_fd(-1))  # this ends the thread


def native(rounds: int) -> None:
    """Run native code, which no alarm interrupts."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", rounds)


def test_native_code_is_told_to_stop_while_it_runs(stops: list[float]) -> None:
    began = time.perf_counter()
    native(20_000)
    rounds = int(20_000 / (time.perf_counter() - began))
    with pytest.raises(Alarm), Deadline(SOON):
        native(3 * rounds)  # about three seconds, of which a busy machine may take two to start the thread
    assert stops
    assert stops[0] < time.perf_counter() - 0.1


@pytest.mark.parametrize("next_timer", [disarm, lambda: signal.setitimer(signal.ITIMER_REAL, 60, REPEAT)])
def test_an_alarm_of_an_earlier_request_stops_nothing(stops: list[float], next_timer: Callable[[], object]) -> None:
    with Deadline(60):
        next_timer()
        with pytest.raises(Alarm):
            signal.raise_signal(signal.SIGALRM)
        time.sleep(0.05)
    assert not stops
