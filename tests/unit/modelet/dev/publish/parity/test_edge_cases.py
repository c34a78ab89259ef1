"""Generated rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer

from modelet.dev.publish.parity.edge_cases import GENERATED, edges, probes
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Layout, Rows
from modelet.store.manifest import Column


def rows(data: Any, layout: Layout = "matrix", columns: tuple[Column, ...] | None = None) -> Rows:
    return Rows(data, layout, columns or columns_of(data))


def test_a_number_goes_to_its_ends_beyond_them_to_zero_and_below() -> None:
    values = probes(None, rows(np.array([[2.0], [5.0]]))).data[:, 0]
    assert {2.0, 5.0, 0.0, -5.0, -1.0, 8.0} <= set(values.tolist())


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_number_with_bounds_never_leaves_them(low: float, width: float, share: float) -> None:
    column = Column("x", "number", minimum=low, maximum=low + width)
    data = np.array([[min(low + share, low + width)]])
    values = probes(None, rows(data, columns=(column,))).data
    assert low <= values.min()
    assert values.max() <= low + width


def test_a_column_that_may_be_missing_is_missing_in_some_rows_and_others_never() -> None:
    data = probes(None, rows(np.array([[1.0, math.nan], [2.0, 3.0]]))).data
    assert not np.isnan(data[:, 0]).any()
    assert np.isnan(data[:, 1]).any()


def test_whole_numbers_stay_whole_and_within_their_type() -> None:
    data = probes(None, rows(pd.DataFrame({"a": np.array([3, 200], dtype=np.uint8), "b": [0.5, 0.6]}))).data
    assert data["a"].dtype == np.uint8
    column = Column("b", "integer")
    assert all(isinstance(value, int) for value in edges(column, np.array([2**60, 1])))
    assert max(edges(column, np.array([2**60, 1]))) == 2**53


def test_of_a_float32_input_only_whole_numbers_are_tried_that_it_does_not_round() -> None:
    made = rows(np.array([[3, 7], [200, 9]]), columns=(Column("a", "integer", maximum=1e9), Column("b", "integer")))
    values = probes(None, made).data
    assert np.abs(values).max() == 2**24
    assert {3, 200, 2**24} <= set(values[:, 0].tolist())


def test_categories_booleans_and_unseen_texts_are_tried() -> None:
    frame = pd.DataFrame({"size": pd.Categorical(["s", "m"]), "member": [True, True], "city": ["서울", "부산"]})
    data = probes(None, rows(frame, "columns")).data
    assert set(data["size"]) == {"s", "m"}
    assert set(data["member"]) == {True, False}
    assert {"", "unseen"} <= set(data["city"])
    assert data.dtypes.to_dict() == frame.dtypes.to_dict()


def test_missing_values_of_a_frame_are_pandas_own() -> None:
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1.0, math.nan]})
    data = probes(None, rows(frame)).data
    assert data["a"].isna().any()
    assert data["b"].isna().any()


def test_of_very_many_columns_some_are_left_out() -> None:
    assert len(probes(None, rows(np.ones((3, 3000))))) < 2 * GENERATED


def test_a_column_without_any_value_is_still_tried() -> None:
    assert len(probes(None, rows(np.array([[math.nan]]))))


@pytest.mark.parametrize("collapsed", [False, True])
def test_a_column_of_texts_is_tried_with_all_that_a_model_of_texts_alone_is(collapsed: bool) -> None:
    texts = ["good movie", "나쁜 영화", "so so"]
    frame = pd.DataFrame({f"x{place}": np.arange(3.0) for place in range(1000)} | {"text": texts})
    estimator = ColumnTransformer([("text", CountVectorizer(), "text")], remainder="passthrough")
    alone = probes(None, rows(texts, "text"), collapsed=collapsed).data
    assert set(alone) <= set(probes(estimator, rows(frame, "columns"), collapsed=collapsed).data["text"])
    assert any("  " in text for text in alone) is not collapsed


def test_numbers_go_to_their_edges_in_all_columns_at_once_on_the_same_and_on_opposite_sides() -> None:
    values = probes(None, rows(np.array([[2.0, 1.0], [5.0, 3.0]]))).data.tolist()
    edges = [[2.0, 1.0], [5.0, 3.0], [0.0, 0.0], [-2.0, -1.0], [-5.0, -3.0], [8.0, 5.0], [2.0, 3.0], [5.0, 1.0]]
    assert all(row in values for row in edges)


@pytest.mark.parametrize("edge", [0.0, 0.5, 1.0])
def test_the_middle_and_the_ends_of_a_column_stand_beside_any_values_of_the_others(edge: float) -> None:
    values = probes(None, rows(np.array([[0.0, 0.0], [1.0, 1.0]]))).data
    beside = values[values[:, 1] == edge, 0]
    between = beside[(beside > 0.0) & (beside < 1.0) & (beside != 0.5)]
    assert len(np.unique(between)) > 8


def test_bounds_hold_in_all_columns_at_once() -> None:
    columns = (Column("a", "number", minimum=2.0, maximum=5.0), Column("b", "number"))
    values = probes(None, rows(np.array([[2.0, 1.0], [5.0, 3.0]]), columns=columns)).data
    assert values[:, 0].min() >= 2.0
    assert values[:, 0].max() <= 5.0
    assert values[:, 1].max() == 5.0
    assert values[:, 1].min() < 1.0


def test_numbers_shrink_towards_zero_alone_and_all_at_once_as_far_as_bounds_let_them() -> None:
    data = probes(None, rows(np.array([[2.0, 5.0]]))).data
    small = np.abs(data) < 1e-25
    assert (small & (data != 0)).all(axis=1).any()
    assert ((small & (data != 0)).sum(axis=1) == 1).any()
    bounded = (Column("a", "number", minimum=0.5), Column("b", "number", minimum=0.5))
    assert probes(None, rows(np.array([[2.0, 5.0]]), columns=bounded)).data.min() >= 0.5
