"""Boosters as graphs: the same predictions, or an error that names what has no exact graph."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
import xgboost
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from modelet.dev.progress import Progress, Silent
from modelet.dev.project.project import Project
from modelet.dev.publish.boosting.codes import with_codes
from modelet.dev.publish.boosting.costs import GRAPH, PICKLED
from modelet.dev.publish.boosting.libraries import adapted, library_of
from modelet.dev.publish.choose import packaged
from modelet.dev.publish.compiled import made
from modelet.dev.publish.draft import Made, Package
from modelet.dev.publish.onnx.trees import CLASSIFIER
from modelet.dev.publish.package import package
from modelet.dev.publish.source.examples import rows_of
from modelet.dev.publish.source.trained import Trained
from modelet.errors import ConversionError, PublishError
from support.boosting import COMPILED, LGB, NATIVE, XGB, Case, data, fitted
from unit.modelet.dev.publish.parity.test_smoke_test import Heard

NAMED = {
    "random forest": "boosting_type='rf'",
    "linear trees": "linear_tree=True",
    "zero as missing": "zero_as_missing=True",
    "reg:logistic": "reg:logistic",
    "two targets": "",
    "dart": "'dart'",
    "linear": "'gblinear'",
    "categories": "categories",
    "depthwise": "'Depthwise'",
    "lossguide": "'Lossguide'",
}
"""What the error names for each kind that has no exact graph."""

UNSAVED = [
    (xgboost.XGBClassifier(missing=-999.0, **XGB), "takes -999 for missing"),
    (lightgbm.LGBMClassifier(pred_early_stop=True, **LGB), "pred_early_stop"),
]
"""Estimators whose predictions depend on what is in no file of their library, and what the error names."""


def compiled(model: Any, examples: Any, tmp_path: Path) -> Made:
    folder = tmp_path / "functions" / "boosted"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text("backend: onnx\n")
    trained = Trained(estimator=adapted(model), examples=examples, metrics={}, metric="")
    rows = with_codes(rows_of(trained), trained.estimator)
    return made(Project(tmp_path).function("boosted"), trained, rows, Silent())


def packed(model: Any, examples: Any, backend: str, tmp_path: Path, progress: Progress | None = None) -> Package:
    """Publish with a backend of model.yaml, without a store."""
    folder = tmp_path / "functions" / "boosted"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(f"backend: {backend}\n")
    trained = Trained(estimator=model, examples=examples, metrics={}, metric="")
    return packaged(Project(tmp_path).function("boosted"), trained, progress or Silent())


@pytest.mark.parametrize("case", COMPILED, ids=str)
def test_a_graph_predicts_what_the_library_predicts(case: Case, tmp_path: Path) -> None:
    found = compiled(*case.make(), tmp_path)
    assert found.compiled is not None
    parity = found.compiled["parity"]
    assert parity["greatest_difference"] <= 2e-6
    assert parity["example_rows"] == len(data().rows)
    assert parity["generated_rows"] > 100


@pytest.mark.parametrize("case", NATIVE, ids=str)
def test_what_has_no_exact_graph_is_named_before_it_is_converted(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        compiled(*case.make(), tmp_path)
    said = str(caught.value)
    assert NAMED[case.kind] in said
    assert f"set backend: {case.library} in model.yaml" in said
    assert "ms of CPU time" in said
    assert "\n" not in said


def test_the_probes_try_the_thresholds_of_a_booster(tmp_path: Path) -> None:
    model, examples = fitted(lightgbm.LGBMClassifier(**LGB), "two")()
    found = compiled(model, examples, tmp_path)
    assert found.compiled is not None
    assert found.compiled["parity"]["generated_rows"] > 2_000


def test_a_booster_whose_leaves_are_all_positive_keeps_its_labels(tmp_path: Path) -> None:
    rows = np.linspace(0, 1, 200).reshape(-1, 1)
    target = (np.arange(200) % 10 > 0).astype(int)
    model = xgboost.XGBClassifier(base_score=0.5, max_depth=2, n_estimators=1, learning_rate=0.05).fit(rows, target)
    assert set(model.predict(rows)) == {1}
    found = compiled(model, rows, tmp_path)
    graph = onnx.load_from_string(found.files["model.onnx"])
    [node] = [node for node in graph.graph.node if node.op_type == CLASSIFIER]
    [weights] = [each.floats for each in node.attribute if each.name == "class_weights"]
    assert sorted(weights)[0] < 0 < sorted(weights)[1]


def test_a_booster_inside_another_estimator_has_no_graph_and_is_named(tmp_path: Path) -> None:
    parts = [("boosted", lightgbm.LGBMClassifier(**LGB)), ("tree", DecisionTreeClassifier(max_depth=2))]
    model = VotingClassifier(parts, voting="soft").fit(data().whole, data().two)
    with pytest.raises(ConversionError, match="LGBMClassifier alone or in a pipeline"):
        compiled(model, data().whole, tmp_path)


@pytest.mark.parametrize("backend", ["onnx", "native"])
@pytest.mark.parametrize(("estimator", "names"), UNSAVED)
def test_what_no_file_of_a_booster_says_is_refused_by_name(
    backend: str, estimator: Any, names: str, tmp_path: Path
) -> None:
    """The comparison alone would pass: the examples have no such value."""
    model, examples = fitted(estimator, "two", "whole")()
    with pytest.raises(ConversionError) as caught:
        packed(model, examples, backend.replace("native", str(library_of(model))), tmp_path)
    assert names in str(caught.value)
    assert "or set backend: sklearn in model.yaml" in str(caught.value)


@pytest.mark.parametrize(("estimator", "names"), UNSAVED)
def test_what_no_file_of_a_booster_says_is_in_a_pickle(estimator: Any, names: str, tmp_path: Path) -> None:
    model, examples = fitted(estimator, "two", "whole")()
    ready = packed(model, examples, "auto", tmp_path)
    assert ready.manifest.model_info["backend"] == "sklearn"
    assert names in ready.manifest.model_info["backend_reason"][library_of(model)]


def mixed(*categorical: str, is_ordered: bool = False) -> tuple[Any, Any]:
    plan = data().frame["plan"].cat.as_ordered() if is_ordered else data().frame["plan"]
    frame = data().frame[["amount", "months"]].assign(plan=plan)
    said: Any = list(categorical) or "auto"
    return lightgbm.LGBMClassifier(**LGB).fit(frame, data().of_frame, categorical_feature=said), frame


@pytest.mark.parametrize("backend", ["onnx", "lightgbm"])
@pytest.mark.parametrize(
    "model", [mixed("months"), mixed("months", "plan"), mixed(is_ordered=True)], ids=["other", "both", "ordered"]
)
def test_categories_of_pandas_in_other_columns_than_the_models_are_refused(
    model: tuple[Any, Any], backend: str, tmp_path: Path
) -> None:
    with pytest.raises(PublishError, match="leave categorical_feature out") as caught:
        packed(*model, backend, tmp_path)
    assert "categories of pandas in other columns than its categorical features" in str(caught.value)


def test_a_categorical_feature_that_is_the_column_of_categories_is_served(tmp_path: Path) -> None:
    assert packed(*mixed("plan"), "onnx", tmp_path).manifest.columns[2].type == "string"


def test_a_booster_in_a_pipeline_that_scikit_learn_serves_says_what_both_cost(tmp_path: Path) -> None:
    heard = Heard()
    model, examples = fitted(make_pipeline(PCA(2), lightgbm.LGBMClassifier(**LGB)), "two", "whole")()
    ready = packed(model, examples, "auto", tmp_path, heard)
    said = f"scikit-learn with LightGBM needs {PICKLED['lightgbm']} for its first answer, a graph {GRAPH}"
    assert f"note: {said}" in heard.steps
    assert ready.manifest.model_info["backend"] == "sklearn"
    assert list(ready.manifest.model_info["backend_reason"]) == ["onnx"]
    with pytest.raises(ConversionError) as caught:
        compiled(model, examples, tmp_path / "graph")
    assert said in str(caught.value)


@pytest.mark.parametrize("case", [case for case in NATIVE if case.kind in {"categories", "dart"}], ids=str)
def test_the_reason_in_the_manifest_is_the_reason_alone(case: Case, tmp_path: Path) -> None:
    reasons = packed(*case.make(), "auto", tmp_path).manifest.model_info["backend_reason"]
    assert reasons == {
        "onnx": "CatBoostClassifier computes numbers from categories in a way that a graph does not express: "
        "encode them before it"
        if case.library == "catboost"
        else "XGBClassifier with booster='dart' has no exact graph: train with 'gbtree'"
    }


def test_categories_that_xgboost_itself_confuses_are_refused(tmp_path: Path) -> None:
    frame = data().frame.assign(plan=data().frame["plan"].cat.rename_categories({"pro": "프로"}))
    model = xgboost.XGBClassifier(enable_categorical=True, **XGB).fit(frame, data().of_frame)
    with pytest.raises(ConversionError, match="ASCII"):
        compiled(model, frame, tmp_path)


def test_a_booster_after_steps_that_a_graph_rounds_is_refused_with_the_remedy(tmp_path: Path) -> None:
    model, examples = fitted(make_pipeline(PCA(2), lightgbm.LGBMClassifier(**LGB)), "two", "whole")()
    with pytest.raises(ConversionError, match="drop the scaler: trees do not need it, or set backend: sklearn"):
        compiled(model, examples, tmp_path)


def test_a_booster_of_lightgbm_is_not_pickled(tmp_path: Path) -> None:
    model, examples = fitted(lightgbm.LGBMClassifier(**LGB), "two")()
    folder = tmp_path / "functions" / "boosted"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text("backend: sklearn\n")
    trained = Trained(estimator=model.booster_, examples=examples, metrics={}, metric="")
    with pytest.raises(ConversionError, match=r"set backend: lightgbm in model\.yaml"):
        package(Project(tmp_path).function("boosted"), trained, Silent())


def test_no_library_is_imported_for_a_model_of_scikit_learn() -> None:
    said = (
        "import sys; from modelet.dev.publish import package, compiled; "
        "print({'lightgbm', 'xgboost', 'catboost'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
