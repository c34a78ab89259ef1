"""Columns derived from examples, and checked against them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelet.dev.publish.source.columns import check_columns
from modelet.dev.publish.source.rows import Rows
from modelet.errors import PublishError
from modelet.publishing import columns_of
from modelet.store.manifest import Column

MOMENT = pd.Timestamp("2026-01-31T09:30:00")
ZONED = datetime(2026, 1, 31, tzinfo=UTC)
FRAME = pd.DataFrame(
    {
        "age": [40.5, math.nan, 3.0],
        "visits": [1, 2, 3],
        "city": ["서울", "paris", "busan"],
        "member": [True, False, True],
        "size": pd.Categorical(["s", "m", "s"], categories=["s", "m", "l"]),
        "score": pd.array([1, None, 3], dtype="Int64"),
        "loose": [1, 2.5, None],
    }
)


def test_a_frame_gives_each_column_its_type_and_what_may_be_missing() -> None:
    assert columns_of(FRAME) == (
        Column("age", "number", nullable=True),
        Column("visits", "integer"),
        Column("city", "string"),
        Column("member", "boolean"),
        Column("size", "string", categories=("s", "m", "l")),
        Column("score", "integer", nullable=True),
        Column("loose", "number", nullable=True),
    )


def test_an_array_takes_the_names_it_is_given_or_gets_some() -> None:
    assert [column.name for column in columns_of(np.zeros((2, 2)), ["a", "b"])] == ["a", "b"]
    assert columns_of(np.zeros((2, 1), dtype=int)) == (Column("x0", "integer"),)


def test_texts_are_one_column() -> None:
    assert columns_of(["good", "bad"]) == (Column("text", "string"),)
    assert columns_of(["good"], ["review"]) == (Column("review", "string"),)


def test_bounds_are_taken_only_where_asked_for() -> None:
    [column] = columns_of(np.array([[1.5], [4.0]]), bounded=True)
    assert (column.minimum, column.maximum) == (1.5, 4.0)
    assert columns_of(np.array([[1.5]]))[0].minimum is None


def test_categories_of_numbers_are_their_bounds_already() -> None:
    [column] = columns_of(pd.DataFrame({"x": pd.Categorical([1, 5])}), bounded=True)
    assert column == Column("x", "integer", categories=(1, 5))


@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(allow_infinity=False)))
def test_a_number_may_be_missing_where_an_example_lacks_it(values: np.typing.NDArray[np.float64]) -> None:
    columns = columns_of(values)
    assert [column.nullable for column in columns] == np.isnan(values).any(axis=0).tolist()
    assert {column.type for column in columns} == {"number"}


@pytest.mark.parametrize(
    ("examples", "names", "said"),
    [
        (np.array([[math.inf]]), None, "x0 has infinity"),
        (np.zeros((1, 2)), ["a"], "1 names for 2 columns"),
        (np.zeros((1, 2)), ["a", "a"], "the same name"),
        (pd.DataFrame({"a": ["x", 3]}), None, "a has int and str"),
        (pd.DataFrame({"a": [1], "instances": [1]}), None, "cannot be called instances"),
        (np.zeros((1, 2)), ["a", "instances"], "cannot be called instances"),
        (["a text"], ["instances"], "cannot be called instances"),
        (pd.DataFrame({"a": [None, None]}), None, "a of the examples is empty: give some rows a value"),
        (pd.DataFrame({"a": pd.to_timedelta([1], unit="s")}), None, "a has Timedelta: use only texts"),
        (pd.DataFrame({"a": pd.to_datetime(["2026-01-01"]).to_period("M")}), None, "a has Period"),
        (pd.DataFrame({"a": [date(2026, 1, 1), datetime(2026, 1, 1)]}), None, "a has date and datetime"),
        (pd.DataFrame({"a": pd.Series([MOMENT, MOMENT], dtype=object)}), None, "a has Timestamp objects: convert it"),
        (pd.DataFrame({"a": pd.Series([ZONED], dtype=object)}), None, "a has datetime objects: convert it"),
        (pd.DataFrame({"a": pd.Series([MOMENT], dtype="category")}), None, "a has Timestamp objects"),
        (pd.DataFrame({"a": pd.Series([date(2026, 1, 1)], dtype="category")}), None, "a has dates as categories"),
    ],
)
def test_examples_that_make_no_columns_are_refused(examples: object, names: list[str] | None, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        columns_of(examples, names)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (Column("y", "number"), "has y, but the examples have x"),
        (Column("x", "string"), "is string, but the examples have number"),
        (Column("x", "number"), "set nullable=True"),
        (Column("x", "integer", nullable=True), "have fractions"),
        (Column("x", "number", nullable=True, categories=(1.0, 2.0)), "no category 1.5"),
        (Column("x", "number", nullable=True, minimum=1.7), "minimum 1.7, but the examples have 1.5"),
        (Column("x", "number", nullable=True, maximum=1.7), "maximum 1.7, but the examples have 2"),
    ],
)
def test_columns_that_the_examples_contradict_are_refused_by_name(column: Column, said: str) -> None:
    data = np.array([[1.5], [2.0], [math.nan]])
    with pytest.raises(PublishError, match=said):
        check_columns([column], Rows(data, "matrix", columns_of(data, ["x"])))


def test_whole_numbers_may_be_declared_as_numbers() -> None:
    data = np.array([[1], [2]])
    check_columns([Column("x0", "number", minimum=0, maximum=9)], Rows(data, "matrix", columns_of(data)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Column("x0", "integer", minimum=math.nan), "has minimum nan: use a finite number"),
        (Column("x0", "integer", maximum=math.inf), "has maximum inf: use a finite number"),
        (Column("x0", "integer", categories=()), "has no categories: list all"),
        (Column("x0", "integer", categories=(0, 1, "x")), "is integer, but its category 'x' is not"),
        (Column("x0", "integer", categories=(0, 1, True)), "is integer, but its category True is not"),
    ],
)
def test_a_column_that_makes_no_sense_is_refused_whatever_the_examples_hold(given: Column, said: str) -> None:
    data = np.array([[0], [1]])
    with pytest.raises(PublishError, match=said):
        check_columns((given,), Rows(data, "matrix", columns_of(data)))
