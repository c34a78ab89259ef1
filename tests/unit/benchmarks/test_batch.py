from __future__ import annotations

from benchmarks.batch import BEFORE, alone, figures
from benchmarks.batch_parts import PARTS, make_rows


def test_a_start_with_few_rows_is_subtracted() -> None:
    found = figures({"rows": 11_000, "cpu_s": 3.0, "peak_mb": 200.0}, {"rows": 1_000, "cpu_s": 2.0, "peak_mb": 90.0})
    assert found == {"cpu_us": 100.0, "rows_s": 10_000.0, "peak_mb": 200.0}


def test_each_part_is_shown_without_the_one_that_it_continues() -> None:
    taken = {name: {"cpu_us": float(place)} for place, name in enumerate(PARTS, 1)}
    alone(taken)
    assert set(BEFORE) | set(BEFORE.values()) < set(PARTS)
    assert {name: found["alone_us"] for name, found in taken.items()} == {
        "plain": 1,
        "read": 2,
        "check": 1,
        "infer": 1,
        "write": 1,
        "import": 2,
    }


def test_the_rows_are_the_same_in_every_run() -> None:
    assert make_rows(3) == make_rows(3)
    assert len(make_rows(3).splitlines()) == 4
