from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.threads import in_order


@settings(max_examples=30)
@given(values=st.lists(st.integers(), max_size=20), at_once=st.integers(1, 8))
def test_results_come_in_the_order_of_their_calls(values: list[int], at_once: int) -> None:
    def late(index: int) -> int:
        time.sleep(0.001 * (len(values) - index))
        return values[index]

    assert list(in_order((partial(late, index) for index in range(len(values))), at_once)) == values


def test_as_many_run_at_once_as_were_allowed_and_no_more() -> None:
    lock = threading.Lock()
    running = 0
    most = 0

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    assert len(list(in_order([call] * 12, at_once=4))) == 12
    assert most == 4


def test_results_that_nobody_takes_hold_further_calls_back() -> None:
    begun: list[int] = []
    results = in_order((partial(begun.append, number) for number in range(100)), at_once=4)
    next(results)
    time.sleep(0.05)
    assert len(begun) == 4


def test_what_a_call_raised_is_raised_in_its_turn() -> None:
    def fail() -> int:
        raise ValueError("the third")

    results = in_order([lambda: 1, lambda: 2, fail, lambda: 4], at_once=4)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(results)


def test_who_stops_taking_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    results = in_order([partial(time.sleep, 0.01)] * 50, at_once=4)
    next(results)
    del results
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
