"""The breast cancer sample: its contract's validator, ids passed through, and the quality of its forest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from modelet.dev.project.project import Function
from modelet.store.manifest import Manifest

FOLDER = "breast_cancer"

Ask = Callable[[Any], tuple[int, Any]]
Load = Callable[[str], Any]

DATA = load_breast_cancer()
NAMES = [name.replace(" ", "_") for name in DATA.feature_names]


def biopsy(row: int = 0, **changed: Any) -> dict[str, Any]:
    """A row of the data set as a request carries it, its id being the row's number from 1."""
    return {"id": row + 1, **dict(zip(NAMES, DATA.data[row].tolist(), strict=True)), **changed}


def test_the_fields_are_the_data_set_s_columns_in_its_order_and_the_version_says_so(
    modules: Load, manifest: Manifest
) -> None:
    assert list(modules("features").FEATURES) == NAMES
    assert list(manifest.features) == NAMES


def test_every_biopsy_of_the_data_set_keeps_the_contract(ask: Ask) -> None:
    status, body = ask({"instances": [biopsy(row) for row in range(len(DATA.data))]})
    assert status == 200
    assert len(body["predictions"]) == len(DATA.data)


def test_ids_come_back_with_the_diagnosis_of_their_biopsy(ask: Ask) -> None:
    ids = [7, 1, 2**53, 42]
    rows = [0, 19, 1, 20]
    status, body = ask({"instances": [biopsy(row, id=number) for row, number in zip(rows, ids, strict=True)]})
    assert status == 200
    assert [prediction["id"] for prediction in body["predictions"]] == ids
    known = [DATA.target_names[DATA.target[row]] for row in rows]
    assert [prediction["diagnosis"] for prediction in body["predictions"]] == known


@pytest.mark.parametrize("number", [0, -1, 1.5, "seven", None])
def test_an_id_that_is_no_positive_whole_number_is_refused(number: object, ask: Ask) -> None:
    status, body = ask(biopsy(id=number))
    assert status == 422
    assert [error["field"] for error in body["errors"]] == ["id"]


def test_a_worst_value_below_its_mean_is_refused_by_name(ask: Ask) -> None:
    status, body = ask({"instances": [biopsy(0), biopsy(1, worst_radius=1.0, worst_concave_points=0.0)]})
    assert status == 422
    [error] = body["errors"]
    assert error["instance"] == 1
    assert "worst_radius is below mean_radius" in error["message"]
    assert "worst_concave_points is below mean_concave_points" in error["message"]


def test_a_worst_value_that_equals_its_mean_is_accepted(ask: Ask) -> None:
    same = biopsy(0)
    assert ask({**same, "worst_radius": same["mean_radius"]})[0] == 200


@pytest.mark.parametrize("value", [-0.1, 10_001, "wide", None, [1.0]])
def test_a_measurement_that_cannot_be_is_refused(value: object, ask: Ask) -> None:
    status, body = ask(biopsy(radius_error=value))
    assert status == 422
    assert body["errors"][0]["field"] == "radius_error"


def test_a_missing_and_an_unknown_measurement_are_refused(ask: Ask) -> None:
    incomplete = biopsy()
    del incomplete["mean_area"]
    assert ask(incomplete)[1]["errors"][0]["field"] == "mean_area"
    assert ask(biopsy(median_area=1.0))[1]["errors"][0]["field"] == "median_area"


def test_the_diagnosis_is_the_forest_s_with_its_share_of_trees(ask: Ask, modules: Load) -> None:
    train = modules("train")
    measurements, diagnoses = train.read_biopsies()
    forest = train.new_forest().fit(measurements, diagnoses)
    rows = train.blend(measurements, 50)
    asked = [{"id": place + 1, **dict(zip(NAMES, row.tolist(), strict=True))} for place, row in enumerate(rows)]
    status, body = ask({"instances": asked})
    assert status == 200
    assert [prediction["diagnosis"] for prediction in body["predictions"]] == forest.predict(rows).tolist()
    shares = [prediction["probability"] for prediction in body["predictions"]]
    assert np.allclose(shares, forest.predict_proba(rows).max(axis=1), rtol=0, atol=1e-5)
    assert min(shares) >= 0.5


def test_blended_biopsies_are_new_and_keep_the_contract(modules: Load) -> None:
    train = modules("train")
    measurements, _ = train.read_biopsies()
    rows = train.blend(measurements, 1_200)
    assert rows.shape == (1_200, 30)
    assert rows.dtype == np.float32
    assert (rows[:, 20:] >= rows[:, :10]).all()


def test_cross_validated_figures_are_above_an_honest_floor(manifest: Manifest) -> None:
    assert manifest.metric == "roc_auc"
    assert manifest.performance["roc_auc"] >= 0.98
    assert manifest.performance["accuracy"] >= 0.95
    assert manifest.performance["recall"] >= 0.92
    assert set(manifest.performance) == {"accuracy", "f1", "precision", "recall", "roc_auc"}


def test_training_again_gives_the_same_files_and_figures(
    manifest: Manifest, manifest_of_a_second_training: Manifest
) -> None:
    assert manifest_of_a_second_training.files == manifest.files
    assert manifest_of_a_second_training.performance == manifest.performance


def test_model_yaml_names_the_version_and_the_preprocessing_function(function: Function) -> None:
    assert function.spec.version == "latest"
    assert function.spec.preprocessing is not None
    assert function.spec.preprocessing.model_dump() == {"module": "features", "function": "to_feeds"}
