from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelet.dev.publish.export.modules.cases import Case, cases_of
from modelet.dev.publish.source.tensors import Group


def group(rows: int, length: int = 4) -> Group:
    random = np.random.default_rng(length)
    feeds: dict[str, Any] = {
        "x": random.normal(1, 2, (rows, length)).astype(np.float32),
        "ids": random.integers(3, 9, (rows, length)),
    }
    return Group(list(range(rows)), feeds)


FIXED = {"x": {0: "batch"}, "ids": {0: "batch"}}
LONG = {"x": {0: "batch", 1: "x_1"}, "ids": {0: "batch", 1: "x_1"}}


def cases(*groups: Group, sizes: Any = FIXED) -> list[Case]:
    return list(cases_of(groups, sizes))


@pytest.mark.parametrize("rows", [1, 2, 5, 7, 100, 130])
def test_every_example_is_compared_and_batches_have_several_sizes(rows: int) -> None:
    whole = group(rows)
    given = [case for case in cases(whole) if case.is_example]
    seen = {tuple(row) for case in given for row in case.feeds["x"].tolist()}
    assert seen == {tuple(row) for row in whole.feeds["x"].tolist()}
    assert {len(case.feeds["x"]) for case in given} >= {min(size, rows) for size in (1, 2, 3, 7)}


def test_made_inputs_have_other_signs_zeros_and_other_ranges_but_whole_numbers_of_the_examples() -> None:
    whole = group(20)
    made = [case for case in cases(whole) if not case.is_example]
    values = np.concatenate([case.feeds["x"].ravel() for case in made])
    assert values.min() < whole.feeds["x"].min() - 1
    assert values.max() > whole.feeds["x"].max() + 1
    assert any(not case.feeds["x"].any() for case in made)
    ids = np.concatenate([case.feeds["ids"].ravel() for case in made])
    assert set(ids.tolist()) <= {0, 3, 4, 5, 6, 7, 8}
    assert {len(case.feeds["x"]) for case in made} == {1, 2, 3, 7}
    assert {case.feeds["x"].dtype for case in made} == {np.dtype(np.float32)}


def test_dimensions_that_vary_are_cut_to_other_sizes_together() -> None:
    found = cases(group(5, 9), group(3, 6), sizes=LONG)
    shapes = {(case.feeds["x"].shape[1], case.feeds["ids"].shape[1]) for case in found}
    assert shapes == {(9, 9), (6, 6), (1, 1), (2, 2), (3, 3), (5, 5)}
    assert {case.feeds["x"].shape[1] for case in cases(group(5, 9))} == {9}


def test_the_same_examples_give_the_same_inputs() -> None:
    for one, other in zip(cases(group(9)), cases(group(9)), strict=True):
        assert one.title == other.title
        assert all(np.array_equal(one.feeds[name], other.feeds[name]) for name in one.feeds)
