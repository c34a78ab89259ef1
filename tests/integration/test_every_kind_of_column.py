"""Columns of every dtype of pandas, from train() and from files, are served as the estimator predicts for the frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Function
from modelet.dev.project.spec import ModelSpec
from modelet.errors import CommandError, ConversionError
from modelet.protocols.service import Service
from modelet.publishing import pin, publish
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.services import ask

FEATURES = '''
"""The author's own steps."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder


def parts(frame):
    moments = frame.iloc[:, 0].dt
    return np.column_stack([part.fillna(-1) for part in (moments.year, moments.day_of_week, moments.hour)])


def days(frame):
    return np.array([[-1.0 if pd.isna(value) else value.toordinal() % 97] for value in frame.iloc[:, 0]])


def codes(frame):
    return frame.iloc[:, 0].cat.codes.to_numpy(float).reshape(-1, 1)


def seen():
    return OneHotEncoder(handle_unknown="ignore")


STEPS = {
    "seen": seen(),
    "known": OneHotEncoder(),
    "frequent": make_pipeline(SimpleImputer(strategy="most_frequent"), seen()),
    "constant": make_pipeline(SimpleImputer(missing_values=None, strategy="constant", fill_value="none"), seen()),
    "NA": make_pipeline(SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="none"), seen()),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    "mean": SimpleImputer(),
    "parts": FunctionTransformer(parts),
    "days": FunctionTransformer(days),
    "codes": FunctionTransformer(codes),
}


def fitted(frame, labels, step):
    table = ColumnTransformer([("x", "passthrough", ["x"]), ("a", STEPS[step], ["a"])], sparse_threshold=0)
    return make_pipeline(table, LogisticRegression(max_iter=1000)).fit(frame, labels)
'''
TRAIN = """
from pathlib import Path
import joblib
from features import fitted
from modelet.publishing import Trained

def train():
    given = joblib.load(Path(__file__).with_name("given.joblib"))
    return Trained(estimator=fitted(*given), examples=given[0], metrics={}, metric="")
"""
COUNT = 120
CHANCE = np.random.default_rng(5)
LOST = CHANCE.random(COUNT) < 0.15
WORDS = CHANCE.choice(["red", "green", "서울"], COUNT).astype(object)
LABELS = (WORDS == "red") ^ (CHANCE.random(COUNT) < 0.2)
SEEN = pd.Series(pd.Timestamp("2024-01-31T09:30:00") + pd.to_timedelta(CHANCE.integers(0, 10**6, COUNT), unit="m"))
NUMBERS = CHANCE.normal(size=COUNT)
NEW_YORK = "America/New_York"


def lost(values: Any, missing: Any, dtype: Any = object) -> Any:
    """A column in which some values are missing."""
    return pd.Series([missing if gone else value for value, gone in zip(values, LOST, strict=True)], dtype=dtype)


KINDS: dict[str, tuple[Any, str]] = {
    "texts, None": (lost(WORDS, None), "seen"),
    "texts, NaN": (lost(WORDS, np.nan), "seen"),
    "texts of pandas 3": (lost(WORDS, np.nan, "str"), "seen"),
    "texts, all of them known": (lost(WORDS, np.nan, "str"), "known"),
    "texts, NA": (lost(WORDS, pd.NA, "string"), "NA"),
    "texts, NA, in Python": (lost(WORDS, pd.NA, "string[python]"), "NA"),
    "texts, the most frequent": (lost(WORDS, np.nan), "frequent"),
    "texts, a constant": (lost(WORDS, None), "constant"),
    "texts, ordinal": (lost(WORDS, None), "ordinal"),
    "categories": (lost(WORDS, np.nan, pd.CategoricalDtype(["서울", "red", "green"])), "seen"),
    "ordered categories": (lost(WORDS, np.nan, pd.CategoricalDtype(["green", "red", "서울"], ordered=True)), "codes"),
    "nullable whole numbers": (lost(CHANCE.integers(0, 9, COUNT), pd.NA, "Int64"), "mean"),
    "nullable numbers": (lost(NUMBERS, pd.NA, "Float64"), "mean"),
    "nullable flags": (lost(LABELS.astype(object), pd.NA, "boolean"), "mean"),
    "datetimes": (lost(SEEN, pd.NaT, "datetime64[us]"), "parts"),
    "datetimes in seconds": (lost(SEEN, pd.NaT, "datetime64[s]"), "parts"),
    "datetimes in nanoseconds": (lost(SEEN, pd.NaT, "datetime64[ns]"), "parts"),
    "datetimes in a time zone": (
        lost(SEEN, pd.NaT, "datetime64[us]").dt.tz_localize("UTC").dt.tz_convert(NEW_YORK),
        "parts",
    ),
    "dates": (lost([moment.date() for moment in SEEN], None), "days"),
    "datetimes of Python": (lost([moment.to_pydatetime() for moment in SEEN], None), "days"),
}


@contextmanager
def served(folder: Path, kind: str, *, app: str = "", file: str = "") -> Iterator[tuple[Service, Any]]:
    """A version of a pipeline over a column of a kind, published, pinned and loaded, and the frame of its examples.

    app: an app.py. file: the ending of a file of examples, for `--from`; otherwise train.py trains it.
    """
    values, step = KINDS[kind]
    frame = pd.DataFrame({"x": NUMBERS, "a": values})
    place = folder / "functions" / "case"
    place.mkdir(parents=True)
    (place / "model.yaml").write_text("backend: sklearn\n")
    (place / "features.py").write_text(FEATURES)
    function, store = Function(place, ModelSpec(backend="sklearn")), Store((folder / "store").as_uri())
    if file:
        with author_modules(place) as load:
            joblib.dump(load("features").fitted(frame, LABELS, step), folder / "case.joblib")
        write_rows(frame, folder / f"rows.{file}")
        publish(function, store, from_file=folder / "case.joblib", examples=folder / f"rows.{file}")
    else:
        (place / "train.py").write_text(TRAIN)
        joblib.dump((frame, LABELS, step), place / "given.joblib")
        publish(function, store)
    if app:
        (place / "app.py").write_text(app)
    write_bundle(function, store, pin(function, store))
    with in_process(function, Settings(task_root=str(place), store=store.url, tmp=str(folder))) as handler:
        yield handler.service, frame


def write_rows(frame: Any, path: Path) -> None:
    """Write a frame as an author would."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        path.write_text(json.dumps(instances(frame)))


def instances(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame as a client has them."""
    return [{name: said(value) for name, value in row.items()} for row in frame.astype(object).to_dict("records")]


def said(value: Any) -> Any:
    """A value in JSON."""
    if pd.isna(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def assert_served(service: Service, frame: Any) -> None:
    """Check the predictions for all rows, for single rows, and for rows that leave out what is missing."""
    estimator = service.pipeline.model.estimator  # type: ignore[attr-defined] # of SklearnModel
    shares, labels = estimator.predict_proba(frame).max(axis=1).tolist(), estimator.predict(frame).tolist()
    expected = list(zip(labels, shares, strict=True))
    rows = instances(frame)
    status, answer, _ = ask(service, "POST", "/models/case/infer", {"instances": rows})
    assert status == 200, answer
    assert [(one["label"], one["probability"]) for one in answer["predictions"]] == expected
    for place in [*range(3), *np.flatnonzero(LOST)[:3].tolist()]:
        present = {name: value for name, value in rows[place].items() if value is not None}
        for row in (rows[place], present):
            status, one, _ = ask(service, "POST", "/models/case/infer", row)
            assert (status, one["label"]) == (200, expected[place][0])
            assert one["probability"] == pytest.approx(expected[place][1], abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_served_is_what_the_estimator_predicts_for_the_frame(kind: str, tmp_path: Path) -> None:
    with served(tmp_path, kind) as (service, frame):
        assert_served(service, frame)


FROM_CSV = [kind for kind, (values, _) in KINDS.items() if str(values.dtype) != f"datetime64[us, {NEW_YORK}]"]


@pytest.mark.parametrize("kind", [kind for kind in FROM_CSV if "categories" not in kind])
@pytest.mark.parametrize("file", ["csv", "json"])
def test_a_file_of_examples_serves_the_same(kind: str, file: str, tmp_path: Path) -> None:
    with served(tmp_path, kind, file=file) as (service, frame):
        assert_served(service, frame)


REFUSED: dict[str, list[Any]] = {
    "datetimes": [
        "2026-02-30",
        "20260131",
        1769851800,
        1.5,
        True,
        "2026-01-31T09:30:00Z",
        "2026-01-31T24:00:00",
        "soon",
    ],
    "datetimes in seconds": ["2026-01-31T09:30:00.5"],
    "datetimes in nanoseconds": ["1600-01-01T00:00:00", "2026-01-31T09:30:00.1234567"],
    "datetimes in a time zone": ["2026-01-31T09:30:00", "2026-01-31", "0001-01-01T00:00:00+09:00"],
    "dates": ["2026-01-31T09:30:00", "2026-02-30", 20260131],
    "categories": ["blue", 1],
    "nullable whole numbers": [1.5, 2**63, "many"],
    "nullable flags": [2, "maybe"],
    "texts of pandas 3": [1, True],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_value_that_the_column_cannot_hold_is_refused_with_its_row_and_field(kind: str, tmp_path: Path) -> None:
    with served(tmp_path, kind) as (service, frame):
        good = instances(frame[~LOST])[0]
        rows = [good, *({**good, "a": value} for value in REFUSED[kind]), good]
        status, answer, _ = ask(service, "POST", "/models/case/infer?partial=true", {"instances": rows})
        assert status == 200, answer
        first, *bad, last = answer["predictions"]
        assert first == last
        assert [(one["status"], one["errors"][0]["field"]) for one in bad] == [(422, "a")] * len(REFUSED[kind])
        status, answer, _ = ask(service, "POST", "/models/case/infer", {"instances": rows})
        assert status == 422
        named = {(one["instance"], one["field"]) for one in answer["errors"]}
        assert named <= {(1 + place, "a") for place in range(len(REFUSED[kind]))}


def test_the_open_inference_protocol_sends_datetimes_as_texts(tmp_path: Path) -> None:
    with served(tmp_path, "datetimes") as (service, frame):
        rows = instances(frame)[:5]
        _, plain, _ = ask(service, "POST", "/models/case/infer", {"instances": rows})
        tensors = [
            {"name": "x", "datatype": "FP64", "shape": [5], "data": [row["x"] for row in rows]},
            {"name": "a", "datatype": "BYTES", "shape": [5], "data": [row["a"] for row in rows]},
        ]
        status, answer, _ = ask(service, "POST", "/v2/models/case/infer", {"inputs": tensors})
        assert status == 200, answer
        found = {one["name"]: one["data"] for one in answer["outputs"]}
        assert found["probability"] == [one["probability"] for one in plain["predictions"]]
        tensors[1]["data"] = ["2026-02-30"] * 5
        status, answer, _ = ask(service, "POST", "/v2/models/case/infer", {"inputs": tensors})
        assert status == 422, answer


def test_the_openapi_document_says_what_a_datetime_is(tmp_path: Path) -> None:
    with served(tmp_path, "datetimes") as (service, _):
        status, answer, _ = ask(service, "GET", "/models/case/openapi.json", None)
        assert status == 200
        text = {"type": "string", "format": "date-time"}
        assert answer["components"]["schemas"]["Instance"]["properties"]["a"]["anyOf"] == [text, {"type": "null"}]


APP = """
from datetime import date, datetime
from pydantic import AwareDatetime, NaiveDatetime
from typing_extensions import NotRequired, TypedDict
from modelet import ModelHandler
from modelet.backends.sklearn import SklearnModel

class Row(TypedDict):
    x: float
    a: NotRequired[{kind} | None]

class Answer(TypedDict):
    label: bool
    probability: float

class Served(SklearnModel[Row, Answer]):
    pass

handler = ModelHandler(Served)
"""


def test_a_class_with_fields_of_datetimes_is_served(tmp_path: Path) -> None:
    for kind, written in (("datetimes", "datetime"), ("dates", "date"), ("datetimes in a time zone", "datetime")):
        with served(tmp_path / written / kind[-4:], kind, app=APP.format(kind=written)) as (service, frame):
            assert_served(service, frame)
            if kind == "datetimes":
                row = {"x": 1.0, "a": "2026-01-31T09:30:00Z"}
                status, answer, _ = ask(service, "POST", "/models/case/infer", row)
                assert (status, answer["errors"][0]["field"]) == (422, "a"), "an offset is not dropped"


@pytest.mark.parametrize(("kind", "written"), [("datetimes", "str"), ("datetimes", "date"), ("dates", "datetime")])
def test_a_class_whose_field_is_of_another_type_is_refused(kind: str, written: str, tmp_path: Path) -> None:
    with (
        pytest.raises(CommandError, match=rf"a may be {written}, .*write a: {kind.removesuffix('s')} \| None"),
        served(tmp_path, kind, app=APP.format(kind=written)),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        ("datetimes", "AwareDatetime", "with an offset, but the examples have no offset"),
        ("datetimes in a time zone", "NaiveDatetime", "with no offset, but the examples have an offset"),
    ],
)
def test_a_class_that_wants_the_other_kind_of_datetimes_is_refused(
    kind: str, written: str, said: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(CommandError, match=f"a may be datetime {said}"),
        served(tmp_path, kind, app=APP.format(kind=written)),
    ):
        pass
    right = "NaiveDatetime" if written == "AwareDatetime" else "AwareDatetime"
    with served(tmp_path / "right", kind, app=APP.format(kind=right)) as (service, frame):
        assert_served(service, frame)


def test_a_graph_of_datetimes_is_refused_with_the_remedy(tmp_path: Path) -> None:
    place = tmp_path / "functions" / "case"
    place.mkdir(parents=True)
    (place / "features.py").write_text(FEATURES)
    (place / "train.py").write_text(TRAIN)
    values, step = KINDS["datetimes"]
    joblib.dump((pd.DataFrame({"x": NUMBERS, "a": values}), LABELS, step), place / "given.joblib")
    with pytest.raises(ConversionError, match=r"column a has datetimes, .* or set backend: sklearn in model.yaml"):
        publish(Function(place, ModelSpec(backend="onnx")), Store((tmp_path / "store").as_uri()))
