"""Medians of stages, and of whole starts."""

from __future__ import annotations

import json

import pytest

from modelet.dev.profile.sample import Moment, Sample, noted
from modelet.dev.profile.stages import MeasuredStage, Total, stages, total


def sample(cpu_ms: float, *, fetch_ms: float | None = 2.0, answered: bool = True) -> Sample:
    """A start whose init took that much CPU time."""
    ends = {
        "interpreter": Moment(10, 9, 8),
        "client": Moment(30, 29, 12),
        "imports": Moment(100, 90, 40),
        "init": Moment(120, 90 + cpu_ms, 50),
    }
    line = {"cold_start": True, "status": 200, **({} if fetch_ms is None else {"fetch_ms": fetch_ms})}
    if answered:
        ends["answer"] = Moment(125, 94 + cpu_ms, 55)
    return Sample(ends, 60, None, f"hello\n{{no json\n{json.dumps(line) if answered else ''}\n", [])


def test_each_stage_is_what_came_after_the_one_before_it() -> None:
    assert stages([sample(5), sample(8), sample(30)]) == [
        MeasuredStage("interpreter", 10, 9, 8),
        MeasuredStage("runtime client", 20, 20, 4 + 8),
        MeasuredStage("imports", 70, 61, 40),
        MeasuredStage("fetch", 2, None, None),
        MeasuredStage("load", 18, 8, 50),
        MeasuredStage("first inference", 5, 4, 55),
    ]


def test_what_is_not_known_is_left_out() -> None:
    assert [stage.name for stage in stages([sample(5, answered=False)])][-2:] == ["imports", "load"]
    assert "fetch" not in [stage.name for stage in stages([sample(5, fetch_ms=None)])]


def test_the_whole_is_a_median_with_its_spread() -> None:
    whole = total([sample(5), sample(8), sample(30)])
    assert whole == Total(125, 102, 99, 124, 55, 60)
    assert total([sample(5, answered=False)]).cpu_ms == 95


def test_the_stages_add_up_to_the_whole_of_one_start() -> None:
    one = [sample(5)]
    assert sum(stage.wall_ms for stage in stages(one)) == pytest.approx(total(one).wall_ms)
    assert sum(stage.cpu_ms or 0 for stage in stages(one)) == pytest.approx(total(one).cpu_ms)


def test_of_several_notes_of_a_stage_the_last_one_counts() -> None:
    notes = [["stage", "imports", "3000000", "2000000", "0"], ["import", "re", "yours", "", "0"]]
    later = [*notes, ["stage", "imports", "5000000", "4000000", "0"]]
    assert noted(notes, 1_000_000) == {"imports": Moment(2, 2, 0)}
    assert noted(later, 1_000_000) == {"imports": Moment(4, 4, 0)}
