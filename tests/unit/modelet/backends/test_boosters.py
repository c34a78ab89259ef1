"""The backends of LightGBM, XGBoost and CatBoost: what the estimator predicts, from the library's own file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from modelet.backends import BACKENDS, resolve
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.progress import Lines, Progress, Silent
from modelet.dev.project.project import Function, Project
from modelet.dev.publish.boosting.costs import GRAPH, NATIVE
from modelet.dev.publish.boosting.libraries import LIBRARIES
from modelet.dev.publish.draft import Package, draft
from modelet.dev.publish.package import package
from modelet.dev.publish.pin import pin
from modelet.dev.publish.source.rows import is_missing
from modelet.dev.publish.source.trained import Trained
from modelet.errors import ArtifactError, ContractError, ConversionError
from modelet.publishing import publish
from modelet.settings import Settings
from modelet.store.store import Store
from support.boosting import CASES, Case, data
from support.boosting import NATIVE as UNCOMPILED
from support.callers import in_process
from support.contexts import Context

OWN = [case for case in CASES if case.published_from != "pipeline"]
CATEGORIES = [case for case in OWN if case.kind == "categories" and case.published_from == "estimator"]
CUSTOMER = {"amount": 3.5, "plan": "pro", "region": 5, "paperless": True, "months": 7}


def function(root: Path, backend: str) -> Function:
    folder = root / "functions" / "boosted"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(f"backend: {backend}\n")
    return Project(root).function("boosted")


def packed(case: Case, root: Path, progress: Progress | None = None) -> tuple[Package, Any, Any]:
    model, examples = case.make()
    trained = Trained(estimator=model, examples=examples, metrics={}, metric="")
    return package(function(root, case.library), trained, progress or Silent()), model, examples


def opened(ready: Package, library: str) -> Any:
    model = resolve(BACKENDS[library].model)()
    with draft(ready.manifest, ready.files) as artifacts:
        model.load(artifacts)
    return model


def predicted(ready: Package, library: str, rows: list[Any]) -> list[Any]:
    model = opened(ready, library)
    found: list[Any] = model.postprocess(model.infer(model.preprocess(rows)), rows)
    return found


@pytest.mark.parametrize("case", OWN, ids=str)
def test_a_librarys_own_file_predicts_what_the_estimator_predicts(case: Case, tmp_path: Path) -> None:
    ready, _, _ = packed(case, tmp_path)
    manifest = ready.manifest
    assert manifest.model_data == f"model{BACKENDS[case.library].ending}"
    assert manifest.model_lib == BACKENDS[case.library].checked[0]
    assert manifest.compiled is not None
    assert manifest.compiled["backend"] == case.library
    assert manifest.compiled["parity"]["greatest_difference"] <= 1e-6
    assert manifest.compiled["parity"]["example_rows"] == len(data().rows)


@pytest.mark.parametrize("case", CATEGORIES, ids=str)
def test_categories_are_what_the_estimator_was_fitted_with(case: Case, tmp_path: Path) -> None:
    ready, model, frame = packed(case, tmp_path)
    rows = [dict(zip(frame.columns, row, strict=True)) for row in frame.astype(object).to_numpy().tolist()]
    rows = [{name: None if is_missing(value) else value for name, value in row.items()} for row in rows]
    found = predicted(ready, case.library, rows)
    assert [one["label"] for one in found] == model.predict(frame).tolist()
    shares = model.predict_proba(frame).max(axis=1)
    assert np.allclose([one["probability"] for one in found], shares, rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", [case for case in CATEGORIES if case.library != "catboost"], ids=str)
@pytest.mark.parametrize("changed", [{"plan": "gold"}, {"region": 4}, {"region": 3.5}, {"plan": 3}])
def test_an_unseen_category_or_a_fractional_one_is_rejected_by_name(
    case: Case, changed: dict[str, Any], tmp_path: Path
) -> None:
    ready, _, _ = packed(case, tmp_path)
    model = opened(ready, case.library)
    with pytest.raises(ContractError) as caught:
        model.preprocess([CUSTOMER, {**CUSTOMER, **changed}])
    assert f"instance 1 field {next(iter(changed))}" in str(caught.value)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_fraction_in_a_column_of_codes_is_rejected(library: str, tmp_path: Path) -> None:
    [case] = [case for case in OWN if case.kind == "codes" and case.library == library]
    ready, _, _ = packed(case, tmp_path)
    assert [column.type for column in ready.manifest.columns] == ["number"] * 5 + ["integer"]
    row = dict.fromkeys(ready.manifest.features, 1.0)
    with pytest.raises(ContractError, match="field x5"):
        opened(ready, library).preprocess([{**row, "x5": 3.7}])


@pytest.mark.parametrize("library", LIBRARIES)
def test_publish_says_what_a_library_costs_and_what_a_graph_would(library: str, tmp_path: Path) -> None:
    case = next(case for case in UNCOMPILED if case.library == library)
    said = StringIO()
    packed(case, tmp_path, Lines(said))
    assert str(NATIVE[library]) in said.getvalue()
    assert str(GRAPH) in said.getvalue()


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_estimator_of_another_library_is_refused_by_name(library: str, tmp_path: Path) -> None:
    model = DecisionTreeClassifier().fit(data().whole, data().two)
    trained = Trained(estimator=model, examples=data().whole, metrics={}, metric="")
    with pytest.raises(ConversionError, match="DecisionTreeClassifier is not a model of"):
        package(function(tmp_path, library), trained, Silent())


@pytest.mark.parametrize("case", [case for case in CASES if case.published_from == "pipeline"], ids=str)
def test_a_pipeline_is_refused_by_name(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="Pipeline is not a model of"):
        packed(case, tmp_path)


def first(library: str) -> Case:
    return next(case for case in OWN if case.library == library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_version_of_the_library_stops_the_start(library: str, tmp_path: Path) -> None:
    ready, _, _ = packed(first(library), tmp_path)
    other = Package(ready.files, ready.manifest._replace(model_lib_version="0.1"))
    with pytest.raises(ArtifactError, match=r"was compared with .* 0\.1, but"):
        opened(other, library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_version_of_another_backend_stops_the_start(library: str, tmp_path: Path) -> None:
    ready, _, _ = packed(first(library), tmp_path)
    other = next(each for each in LIBRARIES if each != library)
    with pytest.raises(ArtifactError, match=f"but model.yaml says backend: {other}"):
        opened(ready, other)


@pytest.mark.parametrize("library", LIBRARIES)
def test_one_thread_predicts(library: str, tmp_path: Path) -> None:
    ready, _, _ = packed(first(library), tmp_path)
    rows = [dict.fromkeys(ready.manifest.features, 1.0)] * 5000
    said = {
        "files": {name: content.hex() for name, content in ready.files.items()},
        "manifest": ready.manifest.to_json().decode(),
        "rows": rows,
    }
    (tmp_path / "said.json").write_text(json.dumps(said))
    threads = int(alone(THREADS, library, tmp_path / "said.json", OMP_NUM_THREADS="8"))
    assert threads == 1


HIDDEN = {"lightgbm": ["sklearn", "pandas"], "xgboost": ["sklearn", "pandas"], "catboost": ["matplotlib", "plotly"]}
"""What an image of each backend does not have."""


@pytest.mark.parametrize("case", [first(library) for library in LIBRARIES], ids=str)
def test_it_serves_without_what_its_image_lacks(case: Case, tmp_path: Path) -> None:
    ready, _, _ = packed(case, tmp_path)
    rows = [dict.fromkeys(ready.manifest.features, 1.0)]
    said = {
        "files": {name: content.hex() for name, content in ready.files.items()},
        "manifest": ready.manifest.to_json().decode(),
        "rows": rows,
    }
    (tmp_path / "said.json").write_text(json.dumps(said))
    found = alone(HIDING.format(hidden=HIDDEN[case.library]), case.library, tmp_path / "said.json")
    assert json.loads(found) == predicted(ready, case.library, rows)


START = """
import json, sys
from modelet.backends import BACKENDS, resolve
from modelet.dev.publish.draft import draft
from modelet.store.manifest import Manifest
library, said = sys.argv[1], json.load(open(sys.argv[2]))
files = {name: bytes.fromhex(content) for name, content in said["files"].items()}
model = resolve(BACKENDS[library].model)()
with draft(Manifest.parse(said["manifest"].encode()), files) as artifacts:
    model.load(artifacts)
rows = said["rows"]
"""
HIDING = (
    """
import sys
for name in {hidden}:
    sys.modules[name] = None
"""
    + START.replace("{", "{{").replace("}", "}}")
    + """
print(json.dumps(model.postprocess(model.infer(model.preprocess(rows)), rows)))
"""
)
THREADS = (
    START
    + """
import time
inputs = model.preprocess(rows)
model.infer(inputs)
begun, used = time.perf_counter(), time.process_time()
for _ in range(20):
    model.infer(inputs)
print(max(1, round((time.process_time() - used) / (time.perf_counter() - begun))))
"""
)


def alone(program: str, library: str, said: Path, **environ: str) -> str:
    """Run a program in a process of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, library, str(said)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("case", CATEGORIES, ids=str)
def test_a_published_version_answers_requests(case: Case, tmp_path: Path) -> None:
    """From `modelet publish` to the answer of the handler, without a class."""
    target = function(tmp_path, case.library)
    (target.folder / "train.py").write_text(
        "from modelet.publishing import Trained\nfrom support.boosting import CASES\n\n"
        "def train():\n"
        f"    [case] = [case for case in CASES if str(case) == {str(case)!r}]\n"
        "    model, examples = case.make()\n"
        "    return Trained(estimator=model, examples=examples, metrics={}, metric='')\n"
    )
    project = Project(tmp_path)
    store = Store(project.store_url(None))
    publish(target, store)
    write_bundle(target, store, pin(target, store))
    settings = Settings(target.folder, store.url, tmp_path / "tmp")
    with in_process(target, settings) as handler:
        good = handler(_request(CUSTOMER), Context(10_000))
        bad = handler(_request({**CUSTOMER, "months": 2.5}), Context(10_000))
        missing = handler(_request({**CUSTOMER, "amount": None}), Context(10_000))
    assert good["statusCode"] == 200, good
    assert set(json.loads(good["body"])) >= {"label", "probability"}
    assert bad["statusCode"] == 422
    assert missing["statusCode"] == 200


def _request(instance: dict[str, Any]) -> dict[str, Any]:
    root = Path(__file__).parents[4]
    event: dict[str, Any] = json.loads((root / "events" / "diabetes" / "infer.json").read_text())
    text = json.dumps(event).replace("/models/diabetes", "/models/boosted")
    return {**json.loads(text), "body": json.dumps(instance), "isBase64Encoded": False}
