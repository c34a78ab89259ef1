"""The churn sample: mixed columns with missing values, from any of three libraries for gradient boosting."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.backends import BACKENDS
from modelet.dev.project.project import Function, Project
from modelet.publishing import publish
from modelet.registry.listing import read_manifest
from modelet.store.manifest import Manifest
from modelet.store.store import Store
from support.repository import ROOT

FOLDER = "churn"

Ask = Callable[[Any], tuple[int, Any]]
Load = Callable[[str], Any]

CUSTOMER: dict[str, Any] = {
    "months": 2,
    "charge": 118.4,
    "gigabytes": 12.5,
    "calls": 4,
    "contract": "monthly",
    "payment": "check",
    "paperless": True,
    "family": False,
}
LIBRARIES = {"lightgbm": "lightgbm", "xgboost": "xgboost-cpu", "catboost": "catboost"}
"""The libraries that train.py offers, with their distributions."""


def with_library(root: Path, library: str) -> Function:
    """The sample in a project of its own, with another library in its train.py."""
    folder = root / "functions" / FOLDER
    shutil.copytree(ROOT / "functions" / FOLDER, folder, ignore=shutil.ignore_patterns("bundle.json", "model.lock"))
    text = (folder / "train.py").read_text()
    assert text.count('LIBRARY = "lightgbm"') == 1
    (folder / "train.py").write_text(text.replace('LIBRARY = "lightgbm"', f'LIBRARY = "{library}"'))
    return Project(root).function(FOLDER)


def test_the_folder_has_no_class_and_is_served_as_a_graph(function: Function, manifest: Manifest) -> None:
    assert not function.has_app
    assert manifest.model_data == "model.onnx"
    assert (manifest.model_lib, manifest.class_name) == ("lightgbm", "LGBMClassifier")


def test_the_columns_are_mixed_with_bounds_and_categories(manifest: Manifest, modules: Load) -> None:
    train = modules("train")
    assert [column.name for column in manifest.columns] == list(CUSTOMER)
    assert {column.type for column in manifest.columns} == {"number", "integer", "string", "boolean"}
    assert [column.name for column in manifest.columns if column.nullable] == ["charge", "gigabytes"]
    known = {column.name: column for column in manifest.columns}
    assert known["contract"].categories == train.CONTRACTS
    customers, leaves = train.generated()
    assert set(leaves.tolist()) == {0, 1}
    for name in ("months", "charge", "gigabytes", "calls"):
        assert known[name].minimum is not None
        assert known[name].minimum <= customers[name].min()
        assert known[name].maximum is not None
        assert known[name].maximum >= customers[name].max()


def test_the_data_are_said_to_be_generated(manifest: Manifest, modules: Load) -> None:
    assert manifest.model_info["data"] == "generated from a formula"
    assert "no real customer" in (modules("train").__doc__ or "")


def test_customers_are_answered_as_the_estimator_does(ask: Ask, modules: Load) -> None:
    train = modules("train")
    customers, leaves = train.generated()
    model = train.new_model().fit(customers[train.HELD_OUT :], leaves[train.HELD_OUT :])
    some = customers[:200]
    rows = [
        {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124 - NaN
        for row in some.astype(object).to_dict("records")
    ]
    assert any(row["charge"] is None for row in rows)
    status, body = ask({"instances": rows})
    assert status == 200
    assert [one["label"] for one in body["predictions"]] == model.predict(some).tolist()
    shares = model.predict_proba(some).max(axis=1)
    assert np.allclose([one["probability"] for one in body["predictions"]], shares, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("months", 2.5),
        ("months", -1),
        ("months", None),
        ("charge", 501),
        ("calls", "four"),
        ("contract", "weekly"),
        ("contract", None),
        ("contract", 0),
        ("payment", "CARD"),
        ("paperless", 2),
    ],
)
def test_a_value_that_the_model_knows_nothing_about_is_refused_by_name(field: str, value: object, ask: Ask) -> None:
    status, body = ask({**CUSTOMER, field: value})
    assert status == 422
    assert {error["field"] for error in body["errors"]} == {field}


def test_a_number_may_be_missing_and_a_category_may_not(ask: Ask) -> None:
    assert ask({name: value for name, value in CUSTOMER.items() if name != "charge"})[0] == 200
    assert ask({name: value for name, value in CUSTOMER.items() if name != "contract"})[0] == 422


@pytest.mark.parametrize("library", LIBRARIES)
def test_any_of_three_libraries_is_published_as_an_exact_graph(library: str, tmp_path: Path) -> None:
    function = with_library(tmp_path, library)
    store = Store(Project(tmp_path).store_url(None))
    published = publish(function, store)
    manifest = read_manifest(store, function.name, published.version)[0]
    assert manifest.model_lib == LIBRARIES[library]
    assert manifest.runtime[LIBRARIES[library]] == manifest.model_lib_version
    assert manifest.compiled is not None
    assert manifest.compiled["parity"]["example_rows"] == 2_000
    assert manifest.compiled["parity"]["greatest_difference"] <= 1e-6
    assert manifest.performance["roc_auc"] >= 0.8


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_the_library_itself_can_serve_it(library: str, tmp_path: Path) -> None:
    function = with_library(tmp_path, library)
    (function.folder / "model.yaml").write_text(f"backend: {library}\n")
    store = Store(Project(tmp_path).store_url(None))
    published = publish(Project(tmp_path).function(FOLDER), store)
    manifest = read_manifest(store, FOLDER, published.version)[0]
    assert manifest.model_data == f"model{BACKENDS[library].ending}"


def test_cross_validated_figures_are_above_an_honest_floor(manifest: Manifest) -> None:
    assert manifest.metric == "roc_auc"
    assert 0.8 <= manifest.performance["roc_auc"] < 0.9
    assert manifest.performance["accuracy"] >= 0.75
    assert 0 < manifest.performance["log_loss"] <= 0.5


def test_training_again_gives_the_same_files_and_figures(
    manifest: Manifest, manifest_of_a_second_training: Manifest
) -> None:
    assert manifest_of_a_second_training.files == manifest.files
    assert manifest_of_a_second_training.performance == manifest.performance
