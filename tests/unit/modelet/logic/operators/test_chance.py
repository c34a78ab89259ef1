"""Chance is a function of the arguments: even, the same everywhere, and by the documented algorithm."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelet.logic.operators.chance import rand, sample
from support.rules import VALUES


def test_a_number_is_the_first_53_bits_of_the_documented_hash() -> None:
    digest = hashlib.sha256(b'["seed",{"a":1,"b":2}]:0').digest()
    assert rand("seed", {"b": 2.0, "a": 1}) == (int.from_bytes(digest, "big") >> 203) / 2**53


def test_items_are_drawn_by_the_documented_algorithm() -> None:
    left, expected = list("abcde"), []
    for place in range(3):
        digest = hashlib.sha256(f"[7]:{place}".encode()).digest()
        index = int((int.from_bytes(digest, "big") >> 203) / 2**53 * len(left))
        expected.append(left[index])
        left[index] = left[-1]
        left.pop()
    assert sample(list("abcde"), 3, 7) == expected


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_the_same_values_give_the_same_number(seed: list[Any]) -> None:
    again = json.loads(json.dumps(seed))
    assert rand(*seed) == rand(*again)
    assert 0 <= rand(*seed) < 1


@given(st.lists(st.integers(), max_size=20), st.integers(0, 25), VALUES)
def test_a_sample_has_items_of_the_list_each_at_most_once(values: list[int], count: int, seed: Any) -> None:
    made = sample(values, count, seed)
    assert len(made) == min(count, len(values))
    left = list(values)
    for item in made:
        left.remove(item)


def test_numbers_of_many_seeds_are_spread_evenly() -> None:
    made = [rand("seed", place) for place in range(10_000)]
    counts = [sum(1 for each in made if place / 10 <= each < (place + 1) / 10) for place in range(10)]
    assert all(900 < count < 1100 for count in counts)


def test_another_process_gives_the_same_number() -> None:
    code = "from modelet.logic.operators.chance import rand; print(rand('a', ['\\u00e9', 1.5]))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(found.stdout) == rand("a", ["é", 1.5])
