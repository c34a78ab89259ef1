"""A row's own id: which values can be one, and where it is put."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelet.batch.outputs.columns import columns_of
from modelet.contract.ids import RowIds, fault, identified, with_id
from modelet.errors import PredictionError


@given(st.one_of(st.text(), st.integers()), st.one_of(st.integers(), st.none(), st.lists(st.integers())))
def test_texts_and_whole_numbers_are_ids(value: Any, prediction: Any) -> None:
    assert fault(0, "n", {"n": value}) is None
    assert identified("n", value, prediction) == {"n": value, "prediction": prediction}
    assert identified("n", value, {"a": prediction}) == {"n": value, "a": prediction}


@pytest.mark.parametrize("value", [None, True, 1.0, [], {}])
def test_other_values_are_no_ids(value: Any) -> None:
    bad = fault(3, "n", {"n": value})
    assert bad is not None
    assert (bad.instance, bad.field, bad.rule) == (3, "n", "id_type")


@pytest.mark.parametrize("own", [2, 1.0, True, None, "1"])
def test_a_prediction_s_own_member_is_not_replaced(own: Any) -> None:
    with pytest.raises(PredictionError, match="rename one of them"):
        identified("n", 1, {"n": own})


def test_an_answer_has_the_ids_of_its_problems() -> None:
    assert RowIds("n", ["a", "b", None]).into([{"p": 1}, {"q": 1}, {"q": 1}], {1, 2}) == [
        {"p": 1},
        {"q": 1, "n": "b"},
        {"q": 1},
    ]


def test_results_have_a_column_for_the_id() -> None:
    record = {"type": "typed-dict", "fields": {"score": {"type": "typed-dict-field", "schema": {"type": "float"}}}}
    assert [each.name for each in columns_of("key", {}, with_id("n", record)).prediction] == ["n", "score"]
    assert [each.name for each in columns_of("key", {}, with_id("n", {"type": "float"})).prediction] == [
        "n",
        "prediction",
    ]
    assert [each.name for each in columns_of("n", {}, with_id("n", record)).prediction] == ["prediction.n", "score"]
