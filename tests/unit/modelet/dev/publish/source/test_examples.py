"""Examples from authors and from files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from modelet.dev.publish.parity.edge_cases import probes
from modelet.dev.publish.source.examples import fitted_to, read_table, rows_of
from modelet.errors import PublishError
from modelet.publishing import Trained
from modelet.store.manifest import Column

if TYPE_CHECKING:
    from pathlib import Path

    from modelet.dev.publish.source.rows import Rows

NUMBERS = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


def rows(examples: Any, estimator: Any = None, **said: Any) -> Rows:
    return rows_of(Trained(estimator=estimator, examples=examples, metrics={}, metric="", **said))


def test_texts_arrays_and_frames_each_have_their_layout() -> None:
    assert rows(["a", "b"]).layout == "text"
    assert rows(pd.Series(["a", "b"])).data == ["a", "b"]
    assert rows(np.array(["a", "b"])).data == ["a", "b"]
    assert rows([[1.0, 2.0]]).layout == "matrix"
    assert rows(NUMBERS).layout == "matrix"
    assert rows(NUMBERS.assign(city=["x", "y"])).layout == "columns"


def test_a_frame_is_fed_by_column_where_the_estimator_picks_columns_by_name() -> None:
    picky = make_pipeline(ColumnTransformer([("scaled", StandardScaler(), ["a"])]), Ridge())
    assert rows(NUMBERS, picky).layout == "columns"


def test_columns_of_the_author_replace_those_of_the_examples() -> None:
    given = (Column("a", "number", minimum=0), Column("b", "number", maximum=10))
    assert rows(NUMBERS, columns=given).columns == given
    assert rows(NUMBERS.to_numpy(), columns=given).columns == given


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ([], "examples is empty"),
        ([1.0, 2.0], "example 0 is float, not text"),
        (["a", None], "example 1 is NoneType, not text"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.array([["a", "b"]]), "an array with text: give a DataFrame"),
        (TfidfVectorizer().fit_transform(["some words"]), "sparse matrix"),
    ],
)
def test_examples_that_no_estimator_takes_are_refused_with_the_remedy(examples: Any, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        rows(examples)


def test_a_csv_file_keeps_its_types_and_only_empty_cells_are_missing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("n,x,city,flag\n1,0.5,NA,true\n2,,서울,false\n")
    table = read_table(tmp_path / "rows.csv")
    assert table["city"].tolist() == ["NA", "서울"]
    assert table["n"].tolist() == [1, 2]
    assert table["flag"].tolist() == [True, False]
    assert np.isnan(table["x"][1])


def test_a_json_file_may_hold_objects_texts_rows_or_the_body_of_a_request(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    for value, expected in (
        ([{"a": 1, "b": 2}], pd.DataFrame),
        ({"instances": [{"a": 1}]}, pd.DataFrame),
        (["a", "b"], list),
        ([[1, 2], [3, 4]], np.ndarray),
    ):
        path.write_text(json.dumps(value))
        assert isinstance(read_table(path), expected)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "", "rows.csv is empty: add a header line"),
        ("rows.csv", "a,b\n", "rows.csv has no rows below its header"),
        ("rows.json", "[", "rows.json cannot be read"),
        ("rows.json", "[" * 100_000, "rows.json cannot be read"),
        ("rows.json", "{}", "no list of rows"),
        ("rows.json", "[[1, 2], [3]]", "rows.json cannot be read"),
        ("rows.parquet", "", "neither CSV nor JSON"),
    ],
)
def test_a_file_that_holds_no_rows_is_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PublishError, match=said):
        read_table(tmp_path / name)


def test_a_files_columns_are_put_in_the_order_of_the_fit() -> None:
    estimator = Ridge().fit(NUMBERS, [1, 2])
    data, names = fitted_to(estimator, pd.DataFrame({"b": [1.0], "other": [0], "a": [2.0]}))
    assert list(data.columns) == ["a", "b"]
    assert names is None


def test_an_estimator_of_an_array_gets_an_array_and_the_header_names_it() -> None:
    data, names = fitted_to(LinearRegression().fit(np.eye(2), [1, 2]), NUMBERS)
    assert isinstance(data, np.ndarray)
    assert names == ["a", "b"]
    assert fitted_to(LinearRegression().fit(np.eye(2), [1, 2]), np.eye(2))[1] is None


def test_an_estimator_of_texts_gets_the_one_column_or_the_one_named_text() -> None:
    text = make_pipeline(TfidfVectorizer(), Ridge())
    assert fitted_to(text, pd.DataFrame({"review": ["a"]})) == (["a"], None)
    assert fitted_to(text, pd.DataFrame({"id": [1], "text": ["a"]})) == (["a"], None)
    union = make_pipeline(make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char")), Ridge())
    assert fitted_to(union, ["a"]) == (["a"], None)


@pytest.mark.parametrize(
    ("estimator", "table", "said"),
    [
        (Ridge().fit(NUMBERS, [1, 2]), pd.DataFrame({"a": [1]}), "no column b"),
        (Ridge().fit(NUMBERS, [1, 2]), np.eye(2), "needs columns by name"),
        (Ridge().fit(np.eye(2), [1, 2]), np.eye(3), "3 columns, but the estimator needs 2"),
        (Ridge().fit(np.eye(2), [1, 2]), pd.DataFrame({"a": ["x"], "b": [1]}), "column a of the examples is text"),
        (Ridge().fit(np.eye(2), [1, 2]), pd.DataFrame({"a": [None], "b": [1]}), "column a of the examples is empty"),
        (make_pipeline(TfidfVectorizer(), Ridge()), NUMBERS, "one text per row"),
    ],
)
def test_a_file_that_does_not_fit_the_estimator_is_refused(estimator: Any, table: Any, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        fitted_to(estimator, table)


WIDER = (Column("a", "number"), Column("b", "integer", nullable=True), Column("c", "boolean", nullable=True))


def test_examples_get_room_for_what_their_columns_say_beyond_them() -> None:
    whole = np.array([[1, 2], [3, 4]])
    assert rows(whole, columns=[WIDER[0], Column("b", "integer")]).data.dtype == np.float64
    assert rows(whole, columns=[Column("a", "integer"), WIDER[1]]).data.dtype == np.float64
    assert rows(whole, columns=[Column("a", "integer"), Column("b", "integer")]).data.dtype == whole.dtype
    assert rows(np.array([[True]]), columns=[WIDER[2]]).data.dtype == np.float64
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [True, False]})
    assert [str(kind) for kind in rows(frame, columns=WIDER).data.dtypes] == ["float64", "float64", "object"]
    masked = frame.astype({"a": "Int64", "b": "Int64", "c": "boolean"})
    assert [str(kind) for kind in rows(masked, columns=WIDER).data.dtypes] == ["Float64", "Int64", "boolean"]


def test_fractions_and_missing_values_reach_the_trials_of_whole_examples_as_they_are() -> None:
    found = probes(None, rows(np.array([[0, 2], [4, 3]]), columns=WIDER[:2])).data
    assert (found[:, 0] % 1 != 0).any()
    assert np.isnan(found[:, 1]).any()
