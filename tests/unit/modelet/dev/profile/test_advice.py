"""Each rule speaks of a function that needs it, names the place and the remedy, and is silent otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelet.dev.profile.advice import Advice
from modelet.dev.profile.remedies import INSTEAD, OTHERWISE
from modelet.dev.publish.onnx.optimize import optimized
from support.projects import Tiny, make_tiny
from support.versions import classifier, joblib_bytes, onnx_bytes, write_version

from .conftest import APP, profiled

Changed = Callable[[str], Tiny]


def said(tiny: Tiny, rule: str) -> Advice:
    """The one thing that a rule says of a function."""
    [advice] = [advice for advice in profiled(tiny).advice if advice.rule == rule]
    return advice


def test_a_clean_function_has_nothing_to_change(tiny: Tiny) -> None:
    assert profiled(tiny).advice == []


@pytest.mark.parametrize(
    "library", ["annotated_types", "boto3", "pandas", "requests", "scipy.special", "sklearn.pipeline"]
)
def test_a_library_that_the_author_imports_is_named_with_its_line_and_its_cost(changed: Changed, library: str) -> None:
    advice = said(changed(f"\nimport {library}\n"), "import")
    assert (advice.where, advice.what) == ("functions/tiny/app.py:2", f"imports {library.partition('.')[0]}")
    assert advice.instead == INSTEAD[library.partition(".")[0]]
    assert advice.saves_ms is not None
    assert advice.saves_ms >= 5


def test_it_is_the_module_s_line_that_counts_and_any_library_is_told(changed: Changed) -> None:
    tiny = changed("import features\n")
    (tiny.function.folder / "features.py").write_text("import math\nimport asyncio\nimport unittest\n")
    found = {advice.what: advice for advice in profiled(tiny).advice}
    assert found["imports asyncio"].where == "functions/tiny/features.py:2"
    assert found["imports asyncio"].instead == OTHERWISE
    assert "imports features" not in found


def test_what_modelet_needs_in_any_case_is_no_fault_of_the_author_s(changed: Changed) -> None:
    found = profiled(changed("import modelet.backends.onnx\nimport numpy\nimport typing\nimport onnxruntime\n"))
    assert found.advice == []


def test_an_import_inside_the_first_inference_counts_too(tiny: Tiny) -> None:
    app = tiny.function.folder / "app.py"
    own = "class TinyModel(OnnxModel[Row, Label]):\n    def preprocess(self, instances):\n        import pandas"
    own += "\n        return super().preprocess(instances)"
    app.write_text(APP.replace("class TinyModel(OnnxModel[Row, Label]):\n    pass", own))
    line = app.read_text().splitlines().index("        import pandas") + 1
    assert said(tiny, "import").where == f"functions/tiny/app.py:{line}"


def test_work_while_a_module_is_imported_is_told(changed: Changed) -> None:
    tiny = changed("import table\n")
    (tiny.function.folder / "table.py").write_text("squares = {n: n * n for n in range(600_000)}\n")
    advice = said(tiny, "work")
    assert (advice.where, advice.what) == ("functions/tiny/table.py", "does slow work during its import")


def test_work_of_the_app_itself_is_told(changed: Changed) -> None:
    advice = said(changed("squares = {n: n * n for n in range(2_000_000)}\n"), "work")
    assert (advice.where, advice.what) == ("functions/tiny/app.py", "does slow work during its import")
    assert advice.saves_ms is not None
    assert advice.saves_ms > 50


def test_a_contract_that_needs_pydantic_is_told_with_the_reason(tiny: Tiny) -> None:
    typed = APP.replace("class Row(TypedDict)", "class Row(BaseModel)")
    (tiny.function.folder / "app.py").write_text("from pydantic import BaseModel\n" + typed)
    [advice] = profiled(tiny, None).advice
    assert (advice.rule, advice.where) == ("contract", "functions/tiny/app.py:1")
    assert advice.what == "the contract needs pydantic: the instance needs the class Row, which only Python can run"
    assert advice.saves_ms is not None
    assert advice.saves_ms > 20


def test_pydantic_beside_a_compiled_contract_is_an_import_like_others(changed: Changed) -> None:
    advice = said(changed("from pydantic import BaseModel\n"), "import")
    assert (advice.what, advice.instead) == ("imports pydantic", INSTEAD["pydantic"])


def test_scikit_learn_as_a_backend_is_told(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    (tiny.function.folder / "app.py").write_text(APP.replace("onnx", "sklearn").replace("OnnxModel", "SklearnModel"))
    (tiny.function.folder / "model.yaml").write_text("backend: sklearn\nversion: '2'\n")
    write_version(tiny.store, {"model.joblib": joblib_bytes(classifier())}, version="2")
    advice = said(tiny, "backend")
    assert advice.where == "functions/tiny/model.yaml"
    assert "modelet publish tiny" in advice.instead
    assert advice.saves_ms is not None
    assert advice.saves_ms > 200


def test_files_that_are_waited_for_are_told(tiny: Tiny) -> None:
    """A model whose further file takes long: as a store that is slow."""
    own = "class TinyModel(OnnxModel[Row, Label]):\n    def load(self, artifacts):\n        super().load(artifacts)\n"
    own += "        for _ in range(30): artifacts.read('model.onnx')\n        artifacts.waited_s += 0.05"
    (tiny.function.folder / "app.py").write_text(APP.replace("class TinyModel(OnnxModel[Row, Label]):\n    pass", own))
    advice = said(tiny, "fetch")
    assert advice.where == "functions/tiny/model.yaml"
    assert advice.instead.startswith("use artifact: baked")
    assert advice.saves_ms is not None
    assert advice.saves_ms >= 50
    (tiny.function.folder / "model.yaml").write_text("backend: onnx\nartifact: baked\n")
    assert profiled(tiny).advice == []


def test_a_large_file_that_is_read_whole_is_told(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=APP)
    files = {"model.onnx": onnx_bytes(classifier()), "weights.bin": bytes(65 * 1024 * 1024)}
    write_version(tiny.store, files, version="2")
    load = "    def load(self, artifacts):\n        super().load(artifacts)\n        self.weights = artifacts."
    app = APP.replace("    pass", f"{load}read('weights.bin')")
    (tiny.function.folder / "app.py").write_text(app)
    (tiny.function.folder / "model.yaml").write_text("backend: onnx\nversion: '2'\n")
    advice = said(tiny, "file")
    line = next(place for place, text in enumerate(app.splitlines(), 1) if "weights.bin" in text)
    assert advice.where == f"functions/tiny/app.py:{line}"
    assert advice.what == "reads the 65 MB of weights.bin into memory"
    (tiny.function.folder / "app.py").write_text(app.replace("read(", "path("))
    assert [each for each in profiled(tiny).advice if each.rule == "file"] == []


def test_a_graph_of_which_publishing_makes_more_is_told(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).normal(size=(3000, 2)).astype(np.float32)
    labels = np.where(np.sin(rows[:, 0] * 20) > rows[:, 1], "high", "low")
    forest = RandomForestClassifier(n_estimators=150, random_state=1).fit(rows, labels)
    tiny = make_tiny(tmp_path, app=APP)
    old = onnx_bytes(forest)
    write_version(tiny.store, {"model.onnx": old}, version="2")
    write_version(tiny.store, {"model.onnx": optimized(old)}, version="3")
    (tiny.function.folder / "model.yaml").write_text("backend: onnx\nversion: '2'\n")
    advice = said(tiny, "graph")
    assert (advice.where, advice.instead) == ("functions/tiny/model.yaml", "modelet publish tiny")
    assert advice.saves_ms is not None
    assert advice.saves_ms >= 5
    (tiny.function.folder / "model.yaml").write_text("backend: onnx\nversion: '3'\n")
    assert "graph" not in {advice.rule for advice in profiled(tiny).advice}


def test_modules_without_bytecode_are_told(tiny: Tiny) -> None:
    cache = tiny.function.folder / "__pycache__"
    shutil.rmtree(cache, ignore_errors=True)
    cache.touch()  # as in a folder that cannot be written
    advice = said(tiny, "bytecode")
    assert (advice.where, advice.saves_ms) == ("functions/tiny/app.py", None)
    assert advice.what == "a module has no bytecode: every start compiles again"
