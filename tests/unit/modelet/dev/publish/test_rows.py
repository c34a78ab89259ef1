"""Rows as the estimator takes them and as the graph is fed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from modelet.dev.publish.columns import columns_of
from modelet.dev.publish.rows import Rows

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


def test_texts_are_fed_as_one_column_of_strings() -> None:
    rows = of(["good", "나쁨"], "text")
    assert rows.feeds()["text"].tolist() == [["good"], ["나쁨"]]
    assert rows.take([1]).data == ["나쁨"]


def test_a_matrix_is_fed_in_float32() -> None:
    fed = of(np.array([[0.1, 2.0]]), "matrix").feeds()["input"]
    assert fed.dtype == np.float32
    assert fed.shape == (1, 2)


def test_a_frame_of_numbers_is_fed_as_a_matrix_with_nan_for_what_is_missing() -> None:
    fed = of(FRAME[["age", "visits", "score"]], "matrix").feeds()["input"]
    np.testing.assert_array_equal(fed, np.array([[40.1, 1, 1], [math.nan, 2, math.nan]], np.float32))


def test_a_mixed_frame_is_fed_column_by_column_each_in_its_type() -> None:
    fed = of(FRAME, "columns").feeds()
    assert {name: (values.dtype.type, values.shape) for name, values in fed.items()} == {
        "age": (np.float32, (2, 1)),
        "visits": (np.int64, (2, 1)),
        "city": (np.object_, (2, 1)),
        "member": (np.int64, (2, 1)),
        "score": (np.float32, (2, 1)),
    }
    assert fed["member"].tolist() == [[1], [0]]


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
