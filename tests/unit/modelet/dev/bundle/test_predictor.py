"""What a bundle refuses of a plain predictor, and what it says of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from modelet.errors import CommandError
from support.predictors import make

GOOD = "class Predictor:\n    def predict(self, payload): ...\n"
HANDLER = "from modelet import ModelHandler\n"
SAID = "predictor: {module: predictor, class: Predictor}"


@pytest.mark.parametrize(
    ("code", "said", "error"),
    [
        ("class Predictor: ...\n", SAID, "predictor.py: Predictor has no predict: write `def predict"),
        ("class Predictor:\n    def predict(self, data): ...\n", SAID, "predictor.py: Predictor.predict requires data"),
        ("class Predictor:\n    async def predict(self): ...\n", SAID, "write `def`, not `async def`"),
        (GOOD.replace("Predictor", "Other"), SAID, "predictor.py has no class Predictor: write it, or name another"),
        ("import nothing_of_that_name\n", SAID, "module predictor cannot be imported: ModuleNotFoundError"),
        ("import bentoml\n", SAID, "No module named 'bentoml': write `from modelet.predictors import bentoml`"),
        ("import litserve as ls\n", SAID, "write `from modelet.predictors import litserve as ls`"),
        (
            "from ts.torch_handler.base_handler import BaseHandler\n",
            SAID,
            "write `from modelet.predictors.torchserve import BaseHandler`",
        ),
        ("raise SystemExit(1)\n", SAID, "module predictor cannot be imported: SystemExit"),
        (GOOD, "predictor: {module: other}", "module other cannot be imported"),
        (GOOD, "predictor: {module: predictor}", "predictor.py has neither model_fn and predict_fn, nor handle"),
        (GOOD, f"{SAID}\nconfig: {{a: 1}}", "Predictor.__init__ does not take config, but model.yaml has one"),
        (GOOD, f"{SAID}\nprobabilities: false", "probabilities: does not apply to a plain predictor"),
        (HANDLER + "class P: ...\nhandler = ModelHandler(P)\n", "", "app.py: P has no predict"),
    ],
)
def test_a_predictor_that_cannot_be_served_is_refused_with_the_remedy(
    tmp_path: Path, code: str, said: str, error: str
) -> None:
    with pytest.raises(CommandError) as caught:
        make(tmp_path, code, said)
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (f"{SAID}\npreprocessing: {{module: a, function: b}}", "preprocessing: is for models with a contract"),
        ("predictor: {module: a.b}", "predictor.module: 'a.b'"),
        ("predictor: {class: A}", "predictor.module: is missing"),
        ("predictor: {module: a, clas: A}", "unknown key 'clas': did you mean class?"),
        ("predictor: {module: a, class_name: A}", "unknown key 'class_name'"),
        (f"{SAID}\nconfig: {{a: .nan}}", "config: contains NaN or infinity"),
        (f"{SAID}\nconfig: [1]", "config:"),
    ],
)
def test_a_model_yaml_that_is_wrong_names_the_key(tmp_path: Path, said: str, error: str) -> None:
    with pytest.raises(CommandError, match=r"model\.yaml") as caught:
        make(tmp_path, GOOD, said)
    assert error in str(caught.value)


def test_a_predictor_beside_an_app_py_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"predictor: is for folders without an app\.py"):
        make(tmp_path, GOOD, SAID, app_py=HANDLER + GOOD + "handler = ModelHandler(Predictor)\n")


def test_config_without_a_predictor_is_refused(tmp_path: Path) -> None:
    model = HANDLER + "from modelet import Model\nclass M(Model[int, int]): ...\nhandler = ModelHandler(M)\n"
    with pytest.raises(CommandError, match="config: is for plain predictors, and this is a model"):
        make(tmp_path, model, "config: {a: 1}")


def test_the_bundle_says_that_there_is_no_contract(tmp_path: Path) -> None:
    bundle = json.loads(make(tmp_path, GOOD).bundle_path.read_text())
    document = json.loads(bundle["openapi"])

    validate(document)
    assert bundle["spec"]["predictor"] == {"module": "predictor", "class": "Predictor"}
    assert {bundle["contract"][side]["type"] for side in ("instance", "prediction")} == {"any"}
    body = document["paths"]["/models/tool/infer"]["post"]["requestBody"]["content"]
    assert "no contract" in body["application/json"]["schema"]["description"]


def test_a_changed_config_or_predictor_is_another_version(tmp_path: Path) -> None:
    def version(name: str, code: str, config: str) -> str:
        function = make(tmp_path / name, code, f"{SAID}\nconfig: {config}")
        lock: str = json.loads(function.bundle_path.read_text())["lock"]["version"]
        return lock

    code = "class Predictor:\n    def __init__(self, config): ...\n    def predict(self, payload): ...\n"
    found = [version("a", code, "{a: 1}"), version("b", code, "{a: 2}"), version("c", f"{code}\n", "{a: 1}")]

    assert len(set(found)) == 3
    assert version("d", code, "{a: 1}") == found[0]
