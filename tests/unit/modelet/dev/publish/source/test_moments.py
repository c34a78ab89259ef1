"""Datetimes and dates of examples: what requests can hold, and what ISO 8601 texts of a file are."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin

from modelet.dev.publish.source.columns import columns_of
from modelet.dev.publish.source.examples import fitted_to, read_for
from modelet.dev.publish.source.moments import iso_text, read
from modelet.errors import PublishError
from modelet.store.manifest import Column


class Of(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Predicts what a function makes of the column `seen`."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def predict(self, frame: Any) -> Any:
        return np.asarray(self.function(frame["seen"]), float)


def years(seen: Any) -> Any:
    return seen.dt.year.fillna(0)


def ages(seen: Any) -> Any:
    return [0 if pd.isna(value) else (value - date(2020, 1, 1)).days for value in seen]


def letters(seen: Any) -> Any:
    return [0 if pd.isna(value) else ord(value[3]) for value in seen]


def parsed(seen: Any) -> Any:
    return pd.to_datetime(seen).dt.year.fillna(0)


def lengths(seen: Any) -> Any:
    return [len(str(value)) for value in seen]


def ticks(seen: Any) -> Any:
    return seen.dt.year + seen.astype("int64") / 1e15


DAYS = ["2026-01-31", "2025-02-28", "", "1969-12-31"]
TIMES = ["2026-01-31 09:30:00", "2025-02-28T00:00:00.5", "", "1969-12-31T23:59"]


def examples(
    tmp_path: Path, texts: list[str], function: Callable[[Any], Any], types: Any = None, kind: str = "csv"
) -> Any:
    """The column that is made of some texts for an estimator."""
    path = tmp_path / f"rows.{kind}"
    if kind == "csv":
        path.write_text("\n".join(["x,seen", *(f"1.5,{text}" for text in texts)]))
    else:
        path.write_text(json.dumps([{"x": 1.5, "seen": text or None} for text in texts]))
    estimator = Of(function)
    table, _ = fitted_to(estimator, read_for(estimator, path, types or {}))
    return table["seen"]


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize(
    ("texts", "function", "dtype"),
    [
        (DAYS, years, "datetime64[us]"),
        (TIMES, years, "datetime64[us]"),
        ([f"{text}Z" if text else "" for text in TIMES], years, "datetime64[us, UTC]"),
        (DAYS, ages, "object"),
        (DAYS, letters, "str"),
        (TIMES, parsed, "datetime64[us]"),
        ([*TIMES, "soon"], lengths, "str"),
        (["2026-02-30"], lengths, "str"),
    ],
)
def test_the_estimator_decides_what_the_texts_of_a_file_are(
    tmp_path: Path, texts: list[str], function: Callable[[Any], Any], dtype: str, kind: str
) -> None:
    assert str(examples(tmp_path, texts, function, kind=kind).dtype) == dtype


def test_a_type_that_the_estimator_does_not_decide_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(
        PublishError, match=r"column seen .* may be a datetime or a date: pass --types seen=datetime or"
    ):
        examples(tmp_path, DAYS, lengths)
    assert examples(tmp_path, DAYS, lengths, {"seen": "string"}).dtype == "str"
    assert examples(tmp_path, DAYS, lengths, {"seen": "datetime"}).dtype == "datetime64[us]"
    assert examples(tmp_path, DAYS, lengths, {"seen": "date"})[0] == date(2026, 1, 31)
    assert examples(tmp_path, DAYS, lengths, {"seen": "date"}, "json")[0] == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("texts", "types", "said"),
    [
        (["2026-02-30"], {"seen": "date"}, "has '2026-02-30', which is not a date"),
        (["soon"], {"seen": "datetime"}, "has 'soon', which is neither a date and time"),
        (["2026-01-31T09:30:00+09:00"], {"seen": "datetime"}, "publish from train.py, whose DataFrame has a time zone"),
        (["2026-01-31T09:30:00+09:00"], {}, "publish from train.py, whose DataFrame has a time zone"),
        (["2026-01-31T09:30:00Z", "2026-01-31"], {"seen": "datetime"}, "mixes times with and without an offset"),
        ([""], {"seen": "datetime"}, "is empty"),
    ],
)
def test_texts_that_are_no_datetimes_are_named_with_the_remedy(
    tmp_path: Path, texts: list[str], types: Any, said: str
) -> None:
    with pytest.raises(PublishError, match=said):
        examples(tmp_path, texts, years, types)


def test_predictions_that_depend_on_the_unit_of_a_files_datetimes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="depend on the unit of its datetimes"):
        examples(tmp_path, TIMES[:2], ticks)


def test_a_unit_that_cannot_hold_the_examples_is_not_tried(tmp_path: Path) -> None:
    assert examples(tmp_path, ["0001-01-01", "9999-12-31"], years).dtype == "datetime64[us]"


@given(st.lists(st.none() | st.datetimes(), min_size=1).filter(any))
def test_what_was_written_is_read_again(moments: list[datetime | None]) -> None:
    texts = [None if moment is None else iso_text(moment) for moment in moments]
    found = read(texts, "datetime")
    assert found is not None
    assert [None if pd.isna(value) else value.to_pydatetime() for value in found] == moments
    days = read([None if text is None else text[:10] for text in texts], "date")
    assert days is not None
    assert list(days) == [None if moment is None else moment.date() for moment in moments]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pd.Series(pd.to_datetime(["2026-01-31T09:30:00.123456789"])), "has nanoseconds"),
        (pd.Series(np.array(["12026-01-31"], "datetime64[s]")), "has years outside of 1 to 9999"),
        (pd.Series(np.array(["-0001-01-31"], "datetime64[s]")), "has years outside of 1 to 9999"),
        (pd.Series(pd.to_datetime(["2026-01-31"])).dt.tz_localize("dateutil/Asia/Seoul"), "which has no name"),
        (pd.Series(pd.to_datetime(["2026-01-31"])).astype("timestamp[us][pyarrow]"), "has the dtype timestamp"),
    ],
)
def test_a_column_that_requests_cannot_hold_is_refused(values: Any, said: str) -> None:
    with pytest.raises(PublishError, match=f"column seen of the examples .*{said}"):
        columns_of(pd.DataFrame({"seen": values}))


@pytest.mark.parametrize("dtype", ["datetime64[s]", "datetime64[ns]", "datetime64[us, Asia/Seoul]"])
def test_a_column_of_datetimes_may_be_missing_where_an_example_lacks_it(dtype: str) -> None:
    moments = pd.to_datetime(pd.Series(["2026-01-31", None]), utc=True)
    values = (moments if "," in dtype else moments.dt.tz_localize(None)).astype(dtype)
    assert columns_of(pd.DataFrame({"seen": values})) == (Column("seen", "datetime", nullable=True),)
    assert columns_of(pd.DataFrame({"seen": values[:1]}), bounded=True) == (Column("seen", "datetime"),)
