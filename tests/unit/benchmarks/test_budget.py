"""The marks of the gate, and what breaks them."""

from __future__ import annotations

import pytest

from benchmarks import lineup
from benchmarks.budget import Budget, Mark, fastest, grown, low_end, times_fastest, times_median, too_much
from benchmarks.stages import STAGES

STAGE = dict.fromkeys(STAGES, 0.2)
MARK = Mark(cpu=1.3, stages=STAGE, memory=1.2, less_cpu=10, of_naive=0.45)


def broken(cpu: float, memory: float) -> list[str]:
    """What a subject breaks beside a floor of 100 ms and 50 MB and a naive function of 1,400 ms and 180 MB."""
    cpus = {"it": [cpu], lineup.FLOOR: [100.0], lineup.NAIVE: [1_400.0]}
    memories = {"it": [memory], lineup.FLOOR: [50.0], lineup.NAIVE: [180.0]}
    return list(too_much(MARK, cpus, memories, "it"))


def test_the_budget_has_the_marks_of_the_design_s_subjects() -> None:
    budget = Budget.read()
    assert {lineup.BAKED, lineup.S3, lineup.PYDANTIC} <= budget.marks.keys()
    assert budget.imports.keys() == budget.marks.keys()
    for mark in budget.marks.values():
        assert set(mark.stages) == set(STAGES)


def test_what_is_below_its_marks_breaks_nothing() -> None:
    assert broken(cpu=130, memory=60) == []


def test_each_mark_that_is_broken_is_named_with_both_figures() -> None:
    assert broken(cpu=141, memory=85) == [
        "it: CPU until the first answer is 1.410 × the floor's, above the budget of 1.3",
        "it: memory after the first answer is 1.700 × the floor's, above the budget of 1.2",
        "it: memory after the first answer is 0.472 × the naive function's, above the budget of 0.45",
        "it: CPU until the first answer is 9.9 × less than the naive function's, not 10",
    ]


def test_a_mark_is_broken_only_where_the_low_end_of_its_interval_is_above_it() -> None:
    floor, wide, narrow = [100.0] * 16, [120.0, 132.0, 160.0, 190.0] * 4, [132.0, 133.0, 134.0, 135.0] * 4
    others = {lineup.FLOOR: floor, lineup.NAIVE: [2_000.0]}
    memory = {"it": [55.0], lineup.FLOOR: [50.0], lineup.NAIVE: [180.0]}
    assert list(too_much(MARK, {"it": wide, **others}, memory, "it")) == []
    assert [line[:30] for line in too_much(MARK, {"it": narrow, **others}, memory, "it")] == [
        "it: CPU until the first answer"
    ]


def test_an_interval_s_low_end_is_the_same_each_time_and_below_the_figure() -> None:
    ours, theirs = [110.0, 120.0, 130.0, 140.0], [100.0, 101.0, 102.0, 103.0]
    for figure in (times_fastest, times_median):
        low = low_end(figure, ours, theirs)
        assert low == low_end(figure, ours, theirs)
        assert min(ours) / max(theirs) <= low < figure(ours, theirs)


def test_the_stages_that_grew_are_named_the_worst_first() -> None:
    assert grown(MARK, {**STAGE, "imports": 0.3, "init": 0.5}) == "init 0.50 (was 0.20), imports 0.30 (was 0.20)"
    assert grown(MARK, STAGE) == "no one stage"


@pytest.mark.parametrize(("values", "mean"), [([9, 1, 3, 8, 7, 6, 5, 4], 2), ([4, 2], 2), ([5], 5)])
def test_the_fastest_quarter_counts(values: list[float], mean: float) -> None:
    assert fastest(values) == mean
