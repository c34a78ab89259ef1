"""The winners of all parts are read in the order of the plan, from any one on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch import winners
from modelet.batch.fold import Repeated
from modelet.batch.winners import Winners, to_bytes

Place = tuple[int, int]
CHUNKS = 5
PARTS = st.lists(st.sets(st.tuples(st.integers(0, CHUNKS - 1), st.integers(0, 30)), max_size=12), max_size=4)


def read_of(parts: list[list[Place]]) -> Winners:
    files = {}
    for number, places in enumerate(parts):
        examples = [((chunk, row), (chunk, row + 100)) for chunk, row in places[:10]]
        repeated = Repeated(2 * len(places), np.array(sorted(places), np.uint64).reshape(-1, 2), examples)
        files[f"{number}"] = to_bytes(repeated, CHUNKS)
    return Winners(list(files), CHUNKS, lambda url, start, end: files[url][start:end])


@given(PARTS, st.integers(1, 8))
def test_every_winner_is_read_in_its_place(given: list[set[Place]], most: int) -> None:
    parts = [sorted(each) for each in given]
    expected = sorted(place for each in parts for place in each)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winners, "MOST_LOADED", most)
        found = read_of(parts)
        assert found.total == 2 * len(expected)
        assert found.count == len(expected)
        for number, (chunk, row) in enumerate(expected):
            assert found.chunk_of(number) == chunk
            rows = found.rows_from(number).tolist()
            assert rows == [each[1] for each in expected[number:] if each[0] == chunk]
            assert rows[0] == row


def test_examples_are_at_most_ten_of_all_parts() -> None:
    found = read_of([[], [(0, row) for row in range(6)], [(1, row) for row in range(6)]])
    assert found.examples[0] == ((0, 0), (0, 100))
    assert found.examples[-1] == ((1, 3), (1, 103))
    assert len(found.examples) == 10


def test_a_batch_without_repeated_keys_has_no_winners() -> None:
    for count in range(3):
        found = read_of([[]] * count)
        assert (found.total, found.count, found.examples) == (0, 0, [])
