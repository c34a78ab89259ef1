"""A version that the function's class cannot open is refused when it is bundled."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelet.dev.bundle.bundle import write_bundle
from modelet.errors import CommandError
from modelet.store.manifest import Column
from support.projects import APP, make_tiny

COLUMNS = (Column("a", "number"), Column("b", "number"))
CURE = "or run `modelet publish tiny` and `modelet pin tiny`"


def refused(tmp_path: Path, *, app: str | None, changed: dict[str, str]) -> str:
    tiny = make_tiny(tmp_path, app=app, columns=COLUMNS)
    for name, text in changed.items():
        (tiny.function.folder / name).write_text(text)
    with pytest.raises(CommandError) as caught:
        write_bundle(tiny.function, tiny.store, tiny.lock)
    return str(caught.value)


def test_a_backend_that_was_changed_after_the_pin_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, app=None, changed={"model.yaml": "backend: sklearn\n"}) == (
        "functions/tiny/model.yaml has backend: sklearn, which cannot open model.onnx of version 1: "
        f"change backend, {CURE}"
    )


def test_a_class_of_another_backend_is_named(tmp_path: Path) -> None:
    changed = APP.replace("backends.onnx import OnnxModel", "backends.sklearn import SklearnModel")
    said = refused(tmp_path, app=APP, changed={"app.py": changed.replace("(OnnxModel", "(SklearnModel")})
    assert said == (
        "functions/tiny/app.py has TinyModel, which cannot open model.onnx of version 1: "
        f"use another backend's class, {CURE}"
    )


def test_a_class_with_its_own_load_opens_what_it_likes(tmp_path: Path) -> None:
    own = APP.replace("    pass\n", "    def load(self, artifacts): ...\n")
    tiny = make_tiny(tmp_path, app=own.replace("onnx import OnnxModel", "sklearn import SklearnModel as OnnxModel"))
    assert tiny.function.bundle_path.is_file()


NER = """
from modelet import ModelHandler
from modelet.backends.texts.tagging import Sentence, Tagged, TokenClassificationModel

class NerModel(TokenClassificationModel[Sentence, Tagged]):
    OWN

handler = ModelHandler(NerModel)
"""


@pytest.mark.parametrize("own", ["pass", "def load(self, artifacts): super().load(artifacts)"])
@pytest.mark.parametrize(("info", "task"), [({"task": "question-answering"}, "question-answering"), ({}, "not named")])
def test_a_class_of_texts_does_not_serve_a_version_of_another_task(
    tmp_path: Path, own: str, info: dict[str, str], task: str
) -> None:
    with pytest.raises(CommandError) as caught:
        make_tiny(tmp_path, app=NER.replace("OWN", own), model_info=info, columns=(Column("sentence", "string"),))
    assert str(caught.value) == (
        "functions/tiny/app.py has NerModel, which serves token-classification, but the task of version 1 is "
        f"{task}: use the class of that task (docs/texts.md), {CURE} with a model of this one"
    )


def test_a_class_of_texts_serves_a_version_of_its_task(tmp_path: Path) -> None:
    info, columns = {"task": "token-classification"}, (Column("sentence", "string"),)
    tiny = make_tiny(tmp_path, app=NER.replace("OWN", "pass"), model_info=info, columns=columns, features=("sentence",))
    assert tiny.function.bundle_path.is_file()
