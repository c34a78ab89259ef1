"""The names of the items begin with the model, and sort by time."""

from __future__ import annotations

import fnmatch

from hypothesis import given
from hypothesis import strategies as st

from modelet.batch import table


def test_ids_sort_by_time_and_differ_within_a_millisecond() -> None:
    ids = [table.new_id(1_800_000_000 + place / 8) for place in range(30)]
    assert ids == sorted(ids)
    assert ids[1].startswith("20270115T080000125Z-")
    assert len({table.new_id(0) for _ in range(100)}) == 100


@given(st.sampled_from(["churn", "churn2", "a"]), st.sampled_from(["churn", "churn2", "a"]))
def test_a_role_of_one_model_reaches_no_item_of_another(own: str, other: str) -> None:
    keys = [
        table.batch_key(other, "b"),
        table.chunk_key(other, "b", 3),
        table.listed_batch_key(other, "b"),
        table.active_key(other),
        table.job_key(other, "j"),
        table.listed_job_key(other, "j"),
    ]
    reached = [any(fnmatch.fnmatchcase(key["pk"], pattern) for pattern in table.leading_keys(own)) for key in keys]
    assert reached == [own == other] * len(keys)


def test_chunks_sort_by_their_numbers() -> None:
    keys = [table.chunk_key("m", "b", number)["sk"] for number in (0, 9, 10, 49_999)]
    assert keys == sorted(keys)
