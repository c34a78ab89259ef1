"""The diabetes sample: a contract made of columns, served with no class at all, and the quality of its regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from modelet.dev.project.project import Function
from modelet.store.manifest import Manifest

FOLDER = "diabetes"

Ask = Callable[[Any], tuple[int, Any]]
Load = Callable[[str], Any]

DATA = load_diabetes(scaled=False)
PATIENT = {
    "age": 59,
    "sex": 2,
    "bmi": 32.1,
    "blood_pressure": 101.0,
    "total_cholesterol": 157,
    "ldl": 93.2,
    "hdl": 38.0,
    "cholesterol_ratio": 4.0,
    "log_triglycerides": 4.8598,
    "glucose": 87,
}
NAMES = list(PATIENT)


def patient(row: int) -> dict[str, Any]:
    """A row of the data set as a request carries it: whole numbers are whole."""
    values = [int(value) if value.is_integer() else value for value in DATA.data[row].tolist()]
    return dict(zip(NAMES, values, strict=True))


def test_the_folder_has_no_class(function: Function) -> None:
    assert not function.has_app
    assert sorted(path.name for path in function.folder.glob("*.py")) == ["train.py"]


def test_the_columns_of_the_version_are_those_of_the_data_with_bounds_around_it(manifest: Manifest) -> None:
    assert [column.name for column in manifest.columns] == NAMES
    assert patient(0) == PATIENT
    for place, column in enumerate(manifest.columns):
        values = DATA.data[:, place]
        if column.categories is not None:
            assert set(column.categories) == set(values.tolist())
            continue
        assert column.minimum is not None
        assert column.maximum is not None
        width = np.ptp(values)
        assert values.min() - width / 3 <= column.minimum <= values.min()
        assert values.max() <= column.maximum <= values.max() + width / 2


def test_every_patient_of_the_data_set_is_answered_as_the_estimator_does(ask: Ask, modules: Load) -> None:
    status, body = ask({"instances": [patient(row) for row in range(len(DATA.data))]})
    assert status == 200
    expected = modules("train").new_pipeline().fit(DATA.data, DATA.target).predict(DATA.data)
    assert np.allclose(body["predictions"], expected, rtol=1e-12)


def test_a_bare_patient_gets_a_bare_number(ask: Ask) -> None:
    status, prediction = ask(PATIENT)
    assert status == 200
    assert isinstance(prediction, float)
    assert 150 <= prediction <= 250


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age", 17),
        ("age", 91),
        ("age", 40.5),
        ("sex", 3),
        ("sex", "female"),
        ("bmi", 51),
        ("bmi", None),
        ("glucose", 151),
        ("ldl", "high"),
    ],
)
def test_a_value_that_the_model_knows_nothing_about_is_refused_by_name(field: str, value: object, ask: Ask) -> None:
    status, body = ask({**PATIENT, field: value})
    assert status == 422
    assert {error["field"] for error in body["errors"]} == {field}


@pytest.mark.parametrize("field", NAMES)
def test_a_missing_value_is_refused_by_name(field: str, ask: Ask) -> None:
    status, body = ask({name: value for name, value in PATIENT.items() if name != field})
    assert status == 422
    assert [error["field"] for error in body["errors"]] == [field]


def test_cross_validated_figures_are_above_an_honest_floor(manifest: Manifest) -> None:
    assert manifest.metric == "r2"
    assert manifest.performance["r2"] >= 0.46
    assert 0 < manifest.performance["mae"] <= 46
    assert manifest.performance["mae"] < manifest.performance["rmse"] <= 57
    assert manifest.performance["rmse"] < 0.75 * DATA.target.std()


def test_training_again_gives_the_same_files_and_figures(
    manifest: Manifest, manifest_of_a_second_training: Manifest
) -> None:
    assert manifest_of_a_second_training.files == manifest.files
    assert manifest_of_a_second_training.performance == manifest.performance
