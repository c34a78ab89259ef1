"""Rows with the same digest are found in any number of rounds, in memory for the distinct keys and one round."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.fold import Fold, Repeated

Row = tuple[tuple[int, int], int]
"""A digest's halves and the place of the chunk; the number of the row is its place in the list."""

HALF = st.sampled_from([0, 1, 2**63, 2**64 - 1])
ROWS = st.lists(st.tuples(st.tuples(HALF, HALF), st.integers(0, 3)), min_size=1, max_size=40)


def folded(rows: list[Row], rounds: int) -> tuple[Repeated, int]:
    """What a fold of rows in the order of their chunks finds, and the most entries that it kept."""
    rows = sorted(rows, key=lambda row: row[1])
    fold, most = Fold(), 0
    bounds = np.linspace(0, len(rows), rounds + 1).astype(int)
    for start, end in itertools.pairwise(bounds):
        work = fold.begin(int(end - start))
        for place, number in enumerate(range(start, end), len(work) - (end - start)):
            (high, low), chunk = rows[number]
            work[place] = (high, low, number, chunk, False)
        fold.end(work, is_last=end == len(rows))
        most = max(most, fold.kept)
    return fold.result(), most


@given(ROWS, st.integers(1, 5))
def test_the_last_row_of_each_key_that_repeats_is_found(rows: list[Row], rounds: int) -> None:
    rows = sorted(rows, key=lambda row: row[1])
    found, most = folded(rows, min(rounds, len(rows)))
    places: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, (key, chunk) in enumerate(rows):
        places.setdefault(key, []).append((chunk, number))
    assert found.total == sum(len(each) - 1 for each in places.values())
    assert [tuple(map(int, winner)) for winner in found.winners] == sorted(
        each[-1] for each in places.values() if len(each) > 1
    )
    assert most <= len(places)
    assert bool(found.examples) == bool(found.total)
    for first, second in found.examples:
        assert first < second
        assert rows[first[1]][0] == rows[second[1]][0]


def test_ten_examples_are_enough() -> None:
    found, _ = folded([((1, 1), 0)] * 50, 3)
    assert len(found.examples) == 10
    assert found.total == 49
