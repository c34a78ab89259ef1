"""Rows as the estimator takes them and as the graph is fed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.rows import Rows
from modelet.store.manifest import Column

FRAME = pd.DataFrame(
    {
        "age": [40.1, math.nan],
        "visits": [1, 2],
        "city": ["서울", "paris"],
        "member": [True, False],
        "score": pd.array([1, None], dtype="Int64"),
    }
)


def of(data: object, layout: str) -> Rows:
    return Rows(data, layout, columns_of(data))  # type: ignore[arg-type]  # the tests name layouts freely


def test_texts_are_instances_of_one_field() -> None:
    rows = of(["good", "나쁨"], "text")
    assert rows.instances() == [{"text": "good"}, {"text": "나쁨"}]
    assert rows.take([1]).data == ["나쁨"]


def test_an_array_s_instances_have_json_s_numbers() -> None:
    [one] = of(np.array([[0.1, 2.0]], np.float32), "matrix").instances()
    assert one == {"x0": float(np.float32(0.1)), "x1": 2.0}
    assert [type(value) for value in one.values()] == [float, float]


def test_a_frame_s_instances_have_each_column_s_type_and_none_for_what_is_missing() -> None:
    assert of(FRAME, "columns").instances() == [
        {"age": 40.1, "visits": 1, "city": "서울", "member": True, "score": 1},
        {"age": None, "visits": 2, "city": "paris", "member": False, "score": None},
    ]


def test_a_category_is_itself_and_a_number_what_its_column_says() -> None:
    data = np.array([[1.0, 2.0]])
    columns = (Column("sex", "number", categories=(1, 2)), Column("age", "integer"))
    [one] = Rows(data, "matrix", columns).instances()
    assert one == {"sex": 1, "age": 2}
    assert [type(value) for value in one.values()] == [int, int]


def test_rows_are_spread_over_all_of_them() -> None:
    rows = of(np.arange(10.0).reshape(-1, 1), "matrix")
    assert list(rows.spread(5)) == [0, 2, 4, 6, 8]
    assert list(rows.spread(4)) == [0, 3, 6, 9]
    assert list(rows.spread(10)) == list(range(10))


def test_rounding_to_float32_leaves_texts_and_whole_number_inputs_alone() -> None:
    rounded = of(FRAME, "columns").as_float32()
    assert rounded.data["age"][0] == np.float32(40.1)
    assert rounded.data["visits"].tolist() == [1, 2]
    assert rounded.data["city"].tolist() == ["서울", "paris"]
    assert of(np.array([[0.1]]), "matrix").as_float32().data[0, 0] == np.float32(0.1)
    assert of(["a"], "text").as_float32().data == ["a"]


def test_a_row_is_shown_with_the_names_of_its_columns_and_never_at_any_length() -> None:
    assert of(np.array([[1.5, 2.0]]), "matrix").shown(0) == "x0=1.5, x1=2.0"
    assert of(FRAME, "columns").shown(1).startswith("age=nan, visits=2, city='paris', member=False")
    assert len(of(["x" * 10_000], "text").shown(0)) < 1000


def test_rows_know_which_of_them_lack_a_value() -> None:
    assert of(FRAME, "columns").incomplete().tolist() == [False, True]


def test_numbers_that_share_all_digits_of_float32_are_noticed() -> None:
    assert of(np.array([[1.7e9], [1.7e9 + 300]]), "matrix").share_digits()
    assert not of(np.array([[1.0], [300.0]]), "matrix").share_digits()
    assert not of(np.array([[5.0], [5.0]]), "matrix").share_digits()


def test_a_float32_that_is_no_number_is_missing_as_a_float64_is() -> None:
    data = np.array([[1.0, np.nan]]).T
    for kind in (np.float32, np.float64):
        rows = of(data.astype(kind), "matrix")
        assert rows.columns[0].nullable
        assert rows.instances() == [{"x0": 1.0}, {"x0": None}]


def test_whole_numbers_that_float32_rounds_are_numbers_where_the_graph_takes_float32() -> None:
    small, large, missing = [1, 2**24], [1, 2**24 + 1], [None, 2**24 + 1]
    frame = pd.DataFrame({"small": small, "large": large, "missing": pd.array(missing, "Int64"), "name": ["a", "b"]})
    found = Rows(frame, "columns", columns_of(frame)).with_rounded()
    assert [column.type for column in found.columns] == ["integer", "integer", "number", "string"]
    assert found.instances()[1] == {"small": 2**24, "large": 2**24 + 1, "missing": 2.0**24 + 1, "name": "b"}
    array = np.array([small, large]).T
    found = Rows(array, "matrix", columns_of(array)).with_rounded()
    assert [column.type for column in found.columns] == ["integer", "number"]
    assert found.data.dtype == np.float64
    same = Rows(array[:, :1], "matrix", columns_of(array[:, :1]))
    assert same.with_rounded() is same
