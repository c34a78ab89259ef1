"""The DataFrame that an estimator gets of a request is that on which it was proven, whatever rows come together."""

from __future__ import annotations

import math
import random
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.backends.frame import Frames
from modelet.backends.moments import UnheldError
from modelet.dev.publish.draft import UNWRITTEN
from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.frames import frame_of
from modelet.dev.publish.source.rows import Rows
from modelet.errors import ContractError
from modelet.store.manifest import ArtifactFile, Column, FrameColumn, Manifest

TEXTS = ["a", "b", "02139", "", "서울", "NA"]
WHOLE = [0, 1, -3, 100]
REAL = [0.5, -2.25, 1e30, 3.0]
WHOLE_SECONDS = [pd.Timestamp("2026-01-31T09:30:00"), pd.Timestamp("1969-12-31T23:59:59"), pd.Timestamp("2100-02-28")]
MOMENTS = [*WHOLE_SECONDS, pd.Timestamp("2026-01-31T09:30:00.123456")]
FAR = [pd.Timestamp("0001-01-01T00:00:00"), pd.Timestamp("9999-12-31T23:59:59")]
ZONED = [moment.tz_localize("UTC") for moment in MOMENTS]
HELD: dict[str, tuple[list[Any], Any, Any]] = {
    # values, dtype, what a missing value is (None where the dtype has none)
    "float64": (REAL, "float64", np.nan),
    "float32": (REAL, "float32", np.nan),
    "float16": ([0.5, -2.25, 3.0], "float16", np.nan),
    "Float64": (REAL, "Float64", pd.NA),
    "Float32": (REAL, "Float32", pd.NA),
    "int64": (WHOLE, "int64", None),
    "int8": (WHOLE, "int8", None),
    "uint64": ([0, 1, 2**63], "uint64", None),
    "Int64": ([*WHOLE, 2**60 + 1], "Int64", pd.NA),
    "UInt8": ([0, 200], "UInt8", pd.NA),
    "bool": ([True, False], "bool", None),
    "boolean": ([True, False], "boolean", pd.NA),
    "str": (TEXTS, "str", np.nan),
    "string": (TEXTS, "string", pd.NA),
    "string[python]": (TEXTS, "string[python]", pd.NA),
    "objects, None": (TEXTS, object, None),
    "objects, nan": (TEXTS, object, np.nan),
    "objects, NA": (TEXTS, object, pd.NA),
    "flags as objects, None": ([True, False], object, None),
    "flags as objects, nan": ([True, False], object, np.nan),
    "numbers as objects": (WHOLE, object, None),
    "categories of texts": (TEXTS, pd.CategoricalDtype(TEXTS[::-1]), np.nan),
    "ordered categories": (TEXTS, pd.CategoricalDtype(TEXTS, ordered=True), np.nan),
    "categories of whole numbers": (WHOLE, pd.CategoricalDtype(WHOLE), np.nan),
    "categories of numbers": (REAL, pd.CategoricalDtype(REAL), np.nan),
    "categories of flags": ([True, False], pd.CategoricalDtype([False, True]), np.nan),
    "datetime64[s]": ([*WHOLE_SECONDS, *FAR], "datetime64[s]", pd.NaT),
    "datetime64[ms]": (WHOLE_SECONDS, "datetime64[ms]", pd.NaT),
    "datetime64[us]": ([*MOMENTS, *FAR], "datetime64[us]", pd.NaT),
    "datetime64[ns]": (MOMENTS, "datetime64[ns]", pd.NaT),
    "datetime64[us, UTC]": (ZONED, "datetime64[us, UTC]", pd.NaT),
    "datetime64[ns, Asia/Seoul]": (ZONED, "datetime64[ns, Asia/Seoul]", pd.NaT),
    "datetime64[s, America/New_York]": (ZONED[:3], "datetime64[s, America/New_York]", pd.NaT),
    "datetime64[us, an offset]": (ZONED, "datetime64[us, UTC+09:00]", pd.NaT),
    "dates as objects, None": ([date(2026, 1, 31), date(1, 1, 1)], object, None),
    "dates as objects, NaT": ([date(2026, 1, 31), date(9999, 12, 31)], object, pd.NaT),
    "dates as objects, nan": ([date(2026, 1, 31), date(1969, 12, 31)], object, np.nan),
    "datetimes as objects": ([datetime(2026, 1, 31, 9, 30), datetime(1, 1, 1, 0, 0, 0, 1)], object, None),
}
"""Every dtype that a column of a frame can have."""

MISSING = {
    "objects, None",
    "flags as objects, None",
    "numbers as objects",
    "dates as objects, None",
    "datetimes as objects",
} | {name for name, (_, _, missing) in HELD.items() if missing is not None}


def series(name: str, places: list[int | None]) -> pd.Series:
    values, dtype, missing = HELD[name]
    return pd.Series([missing if place is None else values[place % len(values)] for place in places], dtype=dtype)


def manifest_of(rows: Rows, frame: tuple[FrameColumn, ...]) -> Manifest:
    """A manifest of some rows, written and read again."""
    manifest = Manifest(
        name="tiny",
        model_lib="scikit-learn",
        model_lib_version="1.9.1",
        model_data="model.joblib",
        features=rows.features,
        class_name="Ridge",
        metric="",
        performance={},
        feature_importance={},
        model_info={},
        files=(ArtifactFile("model.joblib", 0, "0" * 64),),
        runtime={},
        columns=rows.columns,
        frame=frame,
        **UNWRITTEN,
    )
    return Manifest.parse(manifest.to_json())


def frames(examples: pd.DataFrame, columns: tuple[Column, ...] | None = None) -> tuple[Frames, Rows]:
    rows = Rows(examples, "columns", columns or columns_of(examples))
    return Frames(manifest_of(rows, frame_of(rows, None))), rows


def parsed(instance: dict[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    """An instance of a request as its contract passes it on: with datetimes and dates for their texts."""
    readers = {"datetime": datetime.fromisoformat, "date": date.fromisoformat}
    types = {column.name: readers.get(column.type) for column in columns}
    return {
        name: read(value) if value is not None and (read := types[name]) else value for name, value in instance.items()
    }


def assert_same(given: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(given, expected, check_exact=True, check_column_type=False)
    for name in expected.columns:  # pandas takes None, NaN and NA for equal
        kinds = [type(value) for value in given[name].astype(object)]
        assert kinds == [type(value) for value in expected[name].astype(object)]


@pytest.mark.parametrize("name", HELD)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_a_row_alone_beside_others_and_in_any_order_is_held_as_the_examples_hold_it(name: str, data: Any) -> None:
    place = st.one_of(st.none(), st.integers(0, 5)) if name in MISSING else st.integers(0, 5)
    places = [0, 1, *data.draw(st.lists(place, min_size=1, max_size=6))]
    examples = pd.DataFrame({"x": series(name, places), "n": np.arange(len(places)) / 4})
    made, rows = frames(examples)
    instances = [parsed(instance, rows.columns) for instance in rows.instances()]
    assert_same(made.of(instances), examples)
    for index, instance in enumerate(instances):
        assert_same(made.of([instance]), examples.iloc[[index]].reset_index(drop=True))
    order = random.Random(0).sample(range(len(places)), len(places))
    assert_same(made.of([instances[index] for index in order]), examples.iloc[order].reset_index(drop=True))


@pytest.mark.parametrize("name", sorted(MISSING))
def test_a_row_without_a_value_is_held_as_the_examples_hold_it(name: str) -> None:
    examples = pd.DataFrame({"x": series(name, [0, 1, None])})
    made, _ = frames(examples)
    assert_same(made.of([{"x": None}]), examples.iloc[[2]].reset_index(drop=True))
    assert_same(made.of([{}]), examples.iloc[[2]].reset_index(drop=True))


UNFIT: dict[str, list[Any]] = {
    "float64": ["1", 10**400],
    "float32": ["1", 1e39],
    "Float32": ["1", 1e39],
    "int64": ["1", 1.5, None, 2**63, 1e30],
    "int8": [300, 0.5],
    "Int64": ["1", 1.5, 2**63],
    "UInt8": [-1, 256],
    "bool": ["true", 2, None],
    "boolean": ["true", 2],
    "str": [1, 1.5, True],
    "string": [1],
    "objects, None": [1, 1.5],
    "flags as objects, None": ["true"],
    "categories of texts": ["c", 1, []],
    "categories of whole numbers": [7, "1"],
    "datetime64[s]": [datetime(2026, 1, 1, microsecond=1), datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), None, 0],
    "datetime64[ns]": [datetime(1600, 1, 1), datetime(2300, 1, 1), "2026-01-01"],
    "datetime64[us, UTC]": [datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))), pd.NaT],
    "dates as objects, None": [datetime(2026, 1, 1), "2026-01-01", 20260101],
    "datetimes as objects": [date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), pd.Timestamp("2026-01-01")],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in UNFIT.items() for value in values])
def test_a_value_that_its_column_cannot_hold_unchanged_is_named(name: str, value: Any) -> None:
    made, _ = frames(pd.DataFrame({"x": series(name, [0, 1]), "y": ["a", "b"]}))
    good = {"x": getattr(HELD[name][0][0], "to_pydatetime", lambda: HELD[name][0][0])(), "y": "a"}
    with pytest.raises(ContractError) as refused:
        made.of([good, {"x": value, "y": "a"}, good])
    assert [(one.instance, one.field) for one in refused.value.violations] == [(1, "x")]
    assert len(made.of([good, good])) == 2


ANY = [value for values, _, _ in HELD.values() for value in values] + [value for row in UNFIT.values() for value in row]
ANY = [value for value in ANY if not isinstance(value, list)]  # no column of the manifest lets one through to pandas
ANY += [None, np.nan, math.inf, -math.inf, 1e39, -1e39, 65520.0, 65519.0, 3.4028235677973366e38, 2.0**63, 2.0**64, b"a"]


@pytest.mark.parametrize("name", HELD)
def test_a_value_is_named_exactly_where_its_column_cannot_hold_it(name: str) -> None:
    made, _ = frames(pd.DataFrame({"x": series(name, [0, 1]), "y": ["a", "b"]}))
    converter = made._converters[0]
    for value in ANY:
        try:
            converter.array([value])
        except UnheldError:
            assert not converter.accepts(value), value
        else:
            assert converter.accepts(value), value


def test_of_many_values_that_do_not_fit_a_hundred_are_named_and_all_rows_are_known() -> None:
    made, _ = frames(pd.DataFrame({"x": series("int8", [0, 1]), "y": series("float32", [0, 1]), "z": ["a", "b"]}))
    rows = [{"x": 300, "y": 1e39 if row % 2 else 0.5, "z": "a"} for row in range(2_000)]
    looked = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal looked
        looked += event == "call"

    sys.setprofile(count)
    try:
        made.of(rows)
    except ContractError as error:
        refused = error
    finally:
        sys.setprofile(None)
    assert [(one.instance, one.field) for one in refused.violations[:4]] == [(0, "x"), (1, "x"), (1, "y"), (2, "x")]
    assert (len(refused.violations), refused.count, refused.rows) == (100, 3_000, set(range(2_000)))
    assert looked < 10 * len(rows), "pandas makes no array of one value for each"


def test_columns_of_the_author_that_allow_more_than_their_dtype_are_widened_as_pandas_would() -> None:
    examples = pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": [True, False], "d": pd.array([1, 2], "Int64")})
    columns = (
        Column("a", "number"),
        Column("b", "integer", nullable=True),
        Column("c", "boolean", nullable=True),
        Column("d", "number"),
    )
    made, _ = frames(examples, columns)
    found = made.of([{"a": 1.5, "b": None, "c": None, "d": 0.5}])
    assert [str(dtype) for dtype in found.dtypes] == ["float64", "float64", "object", "Float64"]
    assert found["a"][0] == 1.5
    assert np.isnan(found["b"][0])
    assert found["c"][0] is None


def test_a_dtype_that_is_not_of_numbers_texts_or_categories_is_what_its_type_means_to_pandas() -> None:
    made, _ = frames(pd.DataFrame({"x": pd.array([0.5, np.nan], dtype=pd.SparseDtype("float64"))}))
    assert str(made.of([{"x": 0.5}]).dtypes["x"]) == "float64"


OLD = (
    Column("n", "number", nullable=True),
    Column("i", "integer"),
    Column("m", "integer", nullable=True),
    Column("s", "string", nullable=True, categories=("a", "b")),
    Column("b", "boolean"),
    Column("f", "boolean", nullable=True),
)


def test_a_version_without_a_record_gets_what_pandas_made_of_many_rows() -> None:
    instances: list[dict[str, Any]] = [
        {"n": 0.5, "i": 1, "m": 2, "s": "a", "b": True, "f": False},
        {"n": None, "i": 3, "m": None, "s": None, "b": False, "f": None},
    ]
    guessed = pd.DataFrame(instances)
    rows = Rows(guessed, "columns", OLD)
    made = Frames(manifest_of(rows, ()))
    assert_same(made.of(instances), guessed)
    for index, instance in enumerate(instances):
        assert_same(made.of([instance]), guessed.iloc[[index]].reset_index(drop=True))


def test_a_version_without_columns_gets_what_pandas_makes_of_its_rows() -> None:
    rows = Rows(pd.DataFrame({"a": [1.0]}), "columns", (Column("a", "number"),))
    made = Frames(manifest_of(rows, ())._replace(columns=()))
    assert_same(made.of([{"a": 1.0}]), pd.DataFrame({"a": [1.0]}))


@pytest.mark.parametrize(
    ("values", "missing"), [([None, "a"], "None"), ([np.nan, "a"], "nan"), ([pd.NA, "a"], "NA"), (["a"], "None")]
)
def test_what_stands_for_a_missing_object_is_that_of_the_examples(values: list[Any], missing: str) -> None:
    examples = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    [found] = frame_of(Rows(examples, "columns", columns_of(examples)), None)
    assert found == FrameColumn("object", missing)


def test_what_an_encoder_knows_as_missing_comes_before_the_examples() -> None:
    from sklearn.preprocessing import OneHotEncoder

    fitted = OneHotEncoder().fit(pd.DataFrame({"x": pd.Series(["a", None], dtype=object)}))
    examples = pd.DataFrame({"x": pd.Series(["a", np.nan], dtype=object)})
    [found] = frame_of(Rows(examples, "columns", columns_of(examples)), fitted)
    assert found == FrameColumn("object", "None")
