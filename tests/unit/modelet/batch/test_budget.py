"""A call does at least one unit, and does not begin one that may not end in time."""

from __future__ import annotations

import pytest

from modelet.batch.budget import Budget
from support.tables import Clock


def test_the_first_unit_always_fits() -> None:
    for remaining in (0.0, -3.0, 0.001):
        budget = Budget(remaining, Clock(0))
        assert budget.has_room()
        assert not budget.has_progressed


def test_a_unit_fits_if_the_longest_one_so_far_would_end_in_time() -> None:
    clock = Clock(0)
    budget = Budget(300, clock)  # it stops at 240 s
    for seconds in (30, 10, 30, 30, 30, 30, 30):
        assert budget.has_room()
        clock.now += seconds
    assert budget.has_progressed
    assert budget.has_room()  # at 190 s; the next unit may last until 220 s
    clock.now += 21
    assert not budget.has_room()
    assert not budget.has_room()


def test_without_a_timeout_everything_fits() -> None:
    clock = Clock(0)
    budget = Budget(None, clock)
    for _ in range(3):
        assert budget.has_room()
        clock.now += 10_000
    assert (budget.until, budget.end) == (None, None)


@pytest.mark.parametrize(("remaining", "until"), [(900, 840), (100, 75), (4, 3)])
def test_a_part_of_the_time_is_reserved(remaining: float, until: float) -> None:
    assert Budget(remaining, Clock(0)).until == until
