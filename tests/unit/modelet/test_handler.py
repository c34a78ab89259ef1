"""The handler: what fails an init, what it serves, and what it says of each call."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from modelet.backends.onnx import OnnxModel
from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.publish.draft import draft
from modelet.errors import ArtifactError, BundleError, CommandError, StartError
from modelet.handler import ModelHandler
from modelet.model import Model
from modelet.registry.listing import read_manifest
from modelet.store.manifest import Column
from support.callers import in_process
from support.contexts import Context
from support.events import rows_event
from support.projects import APP, GOOD, SLOW, Tiny, make_tiny
from support.versions import classifier, joblib_bytes, regressor, write_version

COLUMNS = (Column("a", "number", minimum=0), Column("b", "number", nullable=True))


def test_a_handler_of_an_object_says_to_give_the_class() -> None:
    with pytest.raises(StartError, match=r"takes a class: write ModelHandler\(Model\)"):
        ModelHandler(Model())  # type: ignore[arg-type]  # the mistake that is told


def test_a_joblib_file_where_the_spec_says_onnx_fails_the_init(tiny: Tiny) -> None:
    lock = write_version(tiny.store, {"model.joblib": joblib_bytes(classifier())}, version="2")
    with pytest.raises(CommandError, match=r"TinyModel, which cannot open model\.joblib of version 2: use"):
        write_bundle(tiny.function, tiny.store, lock)
    manifest, _ = read_manifest(tiny.store, "tiny", "2")
    with (
        draft(manifest, {"model.joblib": joblib_bytes(classifier())}) as artifacts,
        pytest.raises(ArtifactError, match=r"model\.joblib is not an ONNX graph, but model\.yaml says backend: onnx"),
    ):
        OnnxModel[Any, Any]().load(artifacts)


def test_a_bundle_that_is_not_what_the_configuration_trusts_fails_the_init(tiny: Tiny) -> None:
    trusted = (tiny.lock.version, tiny.lock.manifest_sha256)
    with in_process(tiny.function, tiny.settings._replace(lock=trusted)) as handler:
        assert handler(GOOD, Context())["label"] == "high"
    for lock in (("2", trusted[1]), (trusted[0], "0" * 64)):
        message = (
            rf"serves version 1 \({trusted[1][:12]}…\), but .* MODELET_LOCK names version {lock[0]} \({lock[1][:12]}…\)"
        )
        with (
            pytest.raises(BundleError, match=f"{message}: run `modelet bundle tiny`, and deploy"),
            in_process(tiny.function, tiny.settings._replace(lock=lock)),
        ):
            pass


def test_a_backend_that_is_unknown_fails_the_init(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=COLUMNS)
    spec = json.loads(tiny.function.bundle_path.read_text())["spec"]
    tiny.rebundle(spec={**spec, "backend": "lisp"})
    with pytest.raises(BundleError, match="'lisp'"):
        tiny.start()


def test_without_a_class_a_joblib_version_is_served_too(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=COLUMNS)
    (tiny.function.folder / "model.yaml").write_text("backend: sklearn\n")
    said: dict[str, Any] = {"columns": COLUMNS, "model_info": {"task": "regression"}}
    lock = write_version(tiny.store, {"model.joblib": joblib_bytes(regressor())}, version="2", **said)
    write_bundle(tiny.function, tiny.store, lock)
    assert tiny.call({"instances": [GOOD]}) == {
        "predictions": [pytest.approx(regressor().predict([[4, 2]])[0])],
        "model": "tiny",
        "version": "2",
    }


def test_a_contract_that_needs_pydantic_is_served_by_pydantic(tmp_path: Path) -> None:
    app = """
from pydantic import BaseModel, field_validator
from modelet import Model, ModelHandler

class Row(BaseModel):
    id: int
    @field_validator("id")
    @classmethod
    def even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("id must be even")
        return value

class Out(BaseModel):
    id: int

class Echo(Model[Row, Out]):
    def infer(self, inputs: list[Row]) -> list[Out]:
        return [Out(id=row.id) for row in inputs]

handler = ModelHandler(Echo)
"""
    tiny = make_tiny(tmp_path, app=app)
    written = write_bundle(tiny.function, tiny.store, tiny.lock)
    assert written.needs_pydantic == (
        "the instance needs the class Row, which only Python can run; "
        "the prediction needs the class Out, which only Python can run"
    )
    assert tiny.call({"instances": [{"id": 2}]})["predictions"] == [{"id": 2}]
    problem = tiny.call({"id": 3})
    assert problem["errors"][0]["message"] == "Value error, id must be even"
    assert tiny.call({"id": 2, "x": 1})["errors"][0]["rule"] == "extra_forbidden"


def test_a_function_named_in_the_yaml_preprocesses(tmp_path: Path) -> None:
    spec = "preprocessing: {module: features, function: swapped}\n"
    features = (
        "import numpy as np\n"
        "def swapped(instances):\n"
        "    return {'X': np.array([[row['b'], row['a']] for row in instances], dtype=np.float32)}\n"
    )
    tiny = make_tiny(tmp_path, spec=spec, features_py=features)
    assert tiny.call({"a": 0, "b": 900})["label"] == "high"


def test_two_functions_with_modules_of_one_name_do_not_meet(tmp_path: Path) -> None:
    first, second = (
        make_tiny(tmp_path / "1"),
        make_tiny(tmp_path / "2", app=APP.replace("TinyModel", "OtherModel")),
    )
    with in_process(first.function, first.settings) as one, in_process(second.function, second.settings) as two:
        assert one.model_class is not two.model_class
        assert two(GOOD, Context())["label"] == "high"
    assert "app" not in sys.modules


def test_a_model_that_raises_is_a_500_whose_cause_is_in_the_log_only(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    context = Context()
    with in_process(tiny.function, tiny.settings) as handler:
        capfd.readouterr()
        response = handler(rows_event("10"), context)
    assert response["statusCode"] == 500
    assert "secret" not in response["body"]
    assert "KeyError" not in response["body"]
    cause, request = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert cause["exception"] == "KeyError: 'secret'"
    assert cause["function_request_id"] == request["function_request_id"] == context.aws_request_id
    assert (request["status"], request["faults"]) == (500, 1)


def test_no_line_of_the_log_holds_a_payload(tiny: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.call(rows_event({"a": 123.456, "b": "a private word"}))
    tiny.call(rows_event({"a": 123.456, "b": 1}))
    said = capfd.readouterr().out
    assert said.count("\n") == 2
    assert "123.456" not in said
    assert "private" not in said


def test_the_line_of_a_refused_request_says_how_long_validation_took(
    tiny: Tiny, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [{"a": index, "b": "no number"} for index in range(1_000)]
    tiny.call(rows_event({"instances": rows}))
    line = json.loads(capfd.readouterr().out)
    assert line["status"] == 422
    assert 0 < line["validate_ms"] <= line["total_ms"]
    assert line["infer_ms"] == 0
