"""Which columns of a CSV file are texts, and which are numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, TargetEncoder

from modelet.dev.publish.source.cells import typed
from modelet.dev.publish.source.examples import fitted_to, read_for, read_table
from modelet.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

ZIPS = ["02139", "10001", "1e5", "NA", "True", "1.50", "-0", "nan"]
ROWS = 48


def frame(words: list[str] = ZIPS) -> pd.DataFrame:
    return pd.DataFrame({"zip": (words * ROWS)[:ROWS], "x": np.arange(ROWS) % 5 / 4})


def target(table: pd.DataFrame) -> Any:
    return (table["zip"] == table["zip"][0]).to_numpy().astype(int)


def one_hot() -> Any:
    return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["zip"]), remainder="passthrough")


def starts_with_zero(table: Any) -> Any:
    """What an author computes of a column, which tells neither its type nor its categories."""
    return np.c_[[str(value).startswith("0") for value in table["zip"]], table["x"]]


def is_boston(texts: Any) -> Any:
    return np.asarray(texts) == "02139"


def doubled(table: Any) -> Any:
    return np.c_[table["zip"] + 0.5, table["x"]]


TEXT_READERS = {
    "an encoder": make_pipeline(one_hot(), LogisticRegression()),
    "an encoder behind an imputer": make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["zip"]), remainder="passthrough"
        ),
        LogisticRegression(),
    ),
    "an imputer of texts": make_pipeline(
        make_column_transformer(
            (
                make_pipeline(SimpleImputer(strategy="most_frequent"), FunctionTransformer(lambda x: x == "10001")),
                ["zip"],
            ),
            remainder="passthrough",
        ),
        LogisticRegression(),
    ),
    "the whole frame": make_pipeline(OrdinalEncoder(), LogisticRegression()),
    "a slice": make_pipeline(
        make_column_transformer((OneHotEncoder(), slice("zip", "zip")), remainder="passthrough"), LogisticRegression()
    ),
    "a mask": make_pipeline(
        make_column_transformer((OneHotEncoder(), [True, False]), remainder="passthrough"), LogisticRegression()
    ),
    "a place": make_pipeline(
        make_column_transformer((OneHotEncoder(), [-2]), remainder="passthrough"), LogisticRegression()
    ),
    "targets of categories": make_pipeline(
        make_column_transformer((TargetEncoder(cv=2), ["zip"]), remainder="passthrough"), LogisticRegression()
    ),
    "words": make_pipeline(
        make_column_transformer((CountVectorizer(token_pattern=r"\S+"), "zip"), remainder="passthrough"),
        LogisticRegression(),
    ),
    "a union": make_pipeline(FeatureUnion([("one", one_hot()), ("two", one_hot())]), LogisticRegression()),
    "a search": GridSearchCV(make_pipeline(one_hot(), LogisticRegression()), {"logisticregression__C": [1]}, cv=2),
    "a calibration": CalibratedClassifierCV(make_pipeline(one_hot(), LogisticRegression()), cv=2),
    "a vote": VotingClassifier([("one", make_pipeline(one_hot(), LogisticRegression()))]),
}


@pytest.mark.parametrize("name", TEXT_READERS)
def test_a_column_that_the_estimator_knows_as_texts_keeps_each_cell(name: str, tmp_path: Path) -> None:
    table = frame()
    estimator = TEXT_READERS[name].fit(table, target(table))
    table.to_csv(tmp_path / "rows.csv", index=False)
    read, _ = fitted_to(estimator, read_for(estimator, tmp_path / "rows.csv", {}))
    assert read["zip"].tolist() == table["zip"].tolist()
    assert read["x"].dtype == float
    assert estimator.predict(read).tolist() == estimator.predict(table).tolist()


def test_a_column_of_categories_is_read_as_its_texts(tmp_path: Path) -> None:
    table = frame(["02139", "10001"])
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2)
    estimator = model.fit(table.astype({"zip": "category"}), target(table))
    table.to_csv(tmp_path / "rows.csv", index=False)
    read, _ = fitted_to(estimator, read_for(estimator, tmp_path / "rows.csv", {}))
    assert read["zip"].tolist() == table["zip"].tolist()


def test_an_encoder_of_an_array_gets_its_texts_by_the_order_of_the_header(tmp_path: Path) -> None:
    table = frame(["02139", "10001"])[["zip"]]
    estimator = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    estimator.fit(table.to_numpy(dtype=object), target(table))
    table.to_csv(tmp_path / "rows.csv", index=False)
    read, _ = fitted_to(estimator, read_for(estimator, tmp_path / "rows.csv", {}))
    assert read["zip"].tolist() == table["zip"].tolist()


def test_texts_that_are_the_whole_input_stay_texts(tmp_path: Path) -> None:
    table = frame()[["zip"]]
    estimator = make_pipeline(CountVectorizer(token_pattern=r"\S+"), LogisticRegression())
    estimator.fit(table["zip"], target(table))
    table.to_csv(tmp_path / "rows.csv", index=False)
    assert fitted_to(estimator, read_for(estimator, tmp_path / "rows.csv", {}))[0] == table["zip"].tolist()


@pytest.mark.parametrize("words", [["02139", "10001"], ["007", "7"], ["1e5", "0"], ["0NE", "1"], ["12", "012"]])
def test_a_column_that_nobody_knows_is_refused_by_name_unless_its_text_survives(
    words: list[str], tmp_path: Path
) -> None:
    table = frame(words)
    estimator = make_pipeline(FunctionTransformer(starts_with_zero), LogisticRegression()).fit(table, target(table))
    path = tmp_path / "rows.csv"
    table.to_csv(path, index=False)
    assert read_for(estimator, path, {"zip": "string"})["zip"].tolist() == table["zip"].tolist()
    if words == ["0NE", "1"]:
        assert read_for(estimator, path, {})["zip"].tolist() == table["zip"].tolist()
        return
    if words == ["1e5", "0"]:  # here the estimator answers both alike
        assert read_for(estimator, path, {})["zip"].dtype == float
        return
    with pytest.raises(PublishError, match=r"column zip of the examples has '0\d+', .*--types zip=string or --types"):
        read_for(estimator, path, {})


@pytest.mark.parametrize("words", [["True", "False"], ["1", "NA"]])
def test_words_that_may_be_flags_or_missing_numbers_are_refused_where_the_answers_differ(
    words: list[str], tmp_path: Path
) -> None:
    table = frame(words)
    chosen = FunctionTransformer(lambda rows: np.c_[[value == words[1] for value in rows["zip"]], rows["x"]])
    estimator = make_pipeline(chosen, LogisticRegression()).fit(table, target(table))
    table.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(
        PublishError, match=rf"column zip of the examples has '{words[0] if words[0] == 'True' else 'NA'}'"
    ):
        read_for(estimator, tmp_path / "rows.csv", {})


@pytest.mark.parametrize("words", [["02139", "1e5"], ["0.50", "12.00"], ["1", "NA"], ["+1", ".5"], ["True", "False"]])
@pytest.mark.parametrize("kind", ["frame", "array", "function"])
def test_numbers_in_any_spelling_are_numbers_where_the_estimator_leaves_no_doubt(
    words: list[str], kind: str, tmp_path: Path
) -> None:
    table = frame(words)
    path = tmp_path / "rows.csv"
    table.to_csv(path, index=False)
    numbers = read_table(path)
    if words == ["1", "NA"]:
        numbers["zip"] = pd.to_numeric(numbers["zip"].astype(object).where(numbers["zip"].notna(), np.nan))
    steps = [FunctionTransformer(doubled)] if kind == "function" else []
    fitted = make_pipeline(*steps, SimpleImputer(), LinearRegression())
    estimator = fitted.fit(numbers.astype(float).to_numpy() if kind == "array" else numbers, target(table))
    read = read_for(estimator, path, {})
    assert read["zip"].tolist() == pytest.approx(numbers["zip"].tolist(), nan_ok=True)
    assert read["zip"].dtype.kind in "ifb"


@pytest.mark.parametrize(
    ("said", "text", "value"),
    [
        ("number", "1e5", 100000.0),
        ("number", "007", 7.0),
        ("number", "NA", None),
        ("integer", "007", 7),
        ("boolean", "TRUE", True),
        ("boolean", "false", False),
        ("string", "1e5", "1e5"),
        ("string", "NA", "NA"),
        ("string", "", None),
    ],
)
def test_what_a_person_says_of_a_column_holds(said: Any, text: str, value: Any) -> None:
    cells = pd.DataFrame({"x": pd.Series([text or None, "1" if said != "boolean" else "true"], dtype="str")})
    [found, _] = typed(cells, {"x": said}, {"x": "number"})["x"].tolist()
    assert type(found) is (float if value is None else type(value))
    assert pd.isna(found) if value is None else found == value


@pytest.mark.parametrize(
    ("said", "text", "message"),
    [
        ("number", "abc", "has 'abc', which is not a valid number"),
        ("integer", "1.5", "has '1.5', which is not a valid integer"),
        ("boolean", "2", "has '2', which is not a valid boolean"),
    ],
)
def test_what_a_person_says_and_the_cells_contradict_is_refused(said: Any, text: str, message: str) -> None:
    with pytest.raises(PublishError, match=message):
        typed(pd.DataFrame({"x": [text]}), {"x": said}, {})
    with pytest.raises(PublishError, match="--types has y, which is not a column of the examples: they have x"):
        typed(pd.DataFrame({"x": [text]}), {"y": said}, {})


def test_whole_numbers_that_lack_some_are_numbers() -> None:
    cells = pd.DataFrame({"x": pd.Series(["1", None], dtype="str")})
    with pytest.raises(PublishError, match="column x of the examples has missing values: pass --types x=number"):
        typed(cells, {"x": "integer"}, {})
    assert typed(cells, {"x": "number"}, {})["x"].tolist() == pytest.approx([1, np.nan], nan_ok=True)


def test_types_are_for_csv_files_alone(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"a": 1}]')
    with pytest.raises(PublishError, match=r"--types is for CSV files, but rows.json already has types"):
        read_for(LinearRegression(), tmp_path / "rows.json", {"a": "string"})


def test_a_missing_text_is_what_the_encoder_knows_it_as(tmp_path: Path) -> None:
    for missing in (None, np.nan):
        table = pd.DataFrame({"zip": pd.Series(["a", missing, "b"] * 4, dtype=object), "x": range(12)})
        estimator = make_pipeline(one_hot(), LogisticRegression()).fit(table, [0, 1, 0] * 4)
        table.to_csv(tmp_path / "rows.csv", index=False)
        table.to_json(tmp_path / "rows.json", orient="records")
        for name in ("rows.csv", "rows.json"):
            read, _ = fitted_to(estimator, read_for(estimator, tmp_path / name, {}))
            assert estimator.predict(read).tolist() == [0, 1, 0] * 4


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0")), min_size=1))
@example(["1e400"])
@example(["9" * 5000])
@example(["-inf", "1"])
@example(["\uff11\uff12"])
@example(["0x10", "1_000"])
def test_without_an_estimator_numbers_are_read_and_all_else_stays_what_it_is(words: list[str]) -> None:
    cells = pd.DataFrame({"x": pd.Series([word or None for word in words], dtype="str")})
    found = typed(cells, {}, {})["x"]
    if isinstance(found.dtype, pd.StringDtype):
        assert found.fillna("").tolist() == words
        return
    for text, value in zip(words, found.tolist(), strict=True):
        if isinstance(value, bool):
            assert text.strip().lower() == str(value).lower()
        elif not pd.isna(value):
            assert re.fullmatch(r"[-+.eEinf\d]+", text.strip())
            assert float(text) == float(value)
