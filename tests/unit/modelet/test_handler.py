"""The handler: what fails an init, what it serves, and what it says of each call."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from modelet.bundle import Lock
from modelet.dev.compile.bundle import write_bundle
from modelet.errors import (
    ArtifactError,
    BundleError,
    CommandError,
    DeadlineError,
    ManifestError,
    SettingsError,
    StartError,
    StoreError,
)
from modelet.handler import ModelHandler
from modelet.manifest import Column
from modelet.model import Model
from modelet.settings import Settings
from rungs import Context, in_process
from tiny import APP, GOOD, Tiny, make_tiny, rows_event
from versions import classifier, joblib_bytes, regressor, write_version

COLUMNS = (Column("a", "number", minimum=0), Column("b", "number", nullable=True))


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return make_tiny(tmp_path)


def starts(tiny: Tiny) -> None:
    with in_process(tiny.function, tiny.settings):
        pass


def rebundled(tiny: Tiny, **replaced: Any) -> None:
    document = json.loads(tiny.function.bundle_path.read_text())
    tiny.function.bundle_path.write_text(json.dumps({**document, **replaced}))


def test_a_direct_event_is_answered_with_its_json_value(tiny: Tiny) -> None:
    assert tiny.call(GOOD)["label"] == "high"
    assert [one["label"] for one in tiny.call({"instances": [GOOD]})["predictions"]] == ["high"]


@pytest.mark.parametrize("event", [None, 5, [], "x", {}, {"a": float("nan"), "b": 1}, {"instances": [{"a": "\ud800"}]}])
def test_a_direct_event_that_is_wrong_is_answered_with_a_problem(tiny: Tiny, event: Any) -> None:
    assert tiny.call(event)["status"] in {400, 422}


def test_a_bundle_that_is_missing_fails_the_init_with_the_remedy(tiny: Tiny) -> None:
    tiny.function.bundle_path.unlink()
    with pytest.raises(BundleError, match="is missing: run `modelet bundle`"):
        starts(tiny)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', "[" * 5000, '{"format": 99}'])
def test_a_damaged_bundle_fails_the_init(tiny: Tiny, text: str) -> None:
    tiny.function.bundle_path.write_text(text)
    with pytest.raises(BundleError, match="run `modelet bundle`"):
        starts(tiny)


@pytest.mark.parametrize("name", ["app.py", "model.yaml"])
def test_a_bundle_older_than_its_sources_fails_the_init_and_names_the_source(tiny: Tiny, name: str) -> None:
    path = tiny.function.folder / name
    path.write_text(path.read_text() + "\n")
    with pytest.raises(BundleError, match=f"stale, {name} has changed: run `modelet bundle tiny`"):
        starts(tiny)


def test_a_bundle_of_another_pydantic_core_fails_the_init(tiny: Tiny) -> None:
    contract = json.loads(tiny.function.bundle_path.read_text())["contract"]
    rebundled(tiny, contract={**contract, "pydantic_core": "2.0.0"})
    with pytest.raises(BundleError, match=r"made with pydantic-core 2\.0\.0"):
        starts(tiny)


def test_a_bundle_of_another_version_than_the_lock_s_fails_the_init(tiny: Tiny) -> None:
    tiny.function.lock_path.write_bytes(Lock("2", "0" * 64).to_json("tiny"))
    with pytest.raises(BundleError, match=r"stale, model\.lock pins another version: run `modelet bundle tiny`"):
        starts(tiny)
    tiny.function.lock_path.write_bytes(tiny.lock.to_json("tiny"))
    starts(tiny)


@pytest.mark.parametrize(
    "replaced",
    [
        {"contract": None},
        {"contract": {}},
        {"spec": {}},
        {"spec": {"backend": "onnx", "limits": 5}},
        {"sources": None},
        {"lock": {"version": 1, "manifest_sha256": "0"}},
        {"lock": None},
        {"openapi": {}},
    ],
)
def test_a_bundle_with_a_member_of_another_type_fails_the_init(tiny: Tiny, replaced: dict[str, Any]) -> None:
    rebundled(tiny, **replaced)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged: run `modelet bundle`"):
        starts(tiny)


def test_a_manifest_of_another_version_is_not_served_under_the_pinned_one(tiny: Tiny, tmp_path: Path) -> None:
    store = tmp_path / ".modelet" / "store" / "tiny"
    shutil.copytree(store / "1", store / "3")
    rebundled(tiny, lock={"version": "3", "manifest_sha256": tiny.lock.manifest_sha256})
    with pytest.raises(ManifestError, match="says it is version 1 of tiny"):
        starts(tiny)


def test_a_contract_without_the_version_s_features_is_refused_when_it_is_bundled(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="was trained on x0, x1, which the contract does not have"):
        make_tiny(tmp_path, features=("x0", "x1"))


def test_a_contract_that_hides_the_envelope_is_refused_when_it_is_bundled(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="a field cannot be called instances"):
        make_tiny(tmp_path, app=APP.replace("    b: float", "    b: float\n    instances: float"))


def test_instances_keep_the_order_of_their_fields_through_the_bundle(tmp_path: Path) -> None:
    app = """
from typing_extensions import TypedDict
from modelet import Model, ModelHandler

class Box(TypedDict):
    width: float
    height: float
    depth: float

class Order(Model[Box, list[str]]):
    def infer(self, inputs: list[Box]) -> list[list[str]]:
        return [list(box) for box in inputs]

handler = ModelHandler(Order)
"""
    tiny = make_tiny(tmp_path, app=app)
    assert tiny.call({"depth": 1, "height": 2, "width": 3}) == ["width", "height", "depth"]


def test_a_handler_of_an_object_says_to_give_the_class() -> None:
    with pytest.raises(StartError, match=r"takes a class: write ModelHandler\(Model\)"):
        ModelHandler(Model())  # type: ignore[arg-type]  # the mistake that is told


def test_a_store_that_is_not_named_fails_the_init() -> None:
    with pytest.raises(SettingsError, match="MODELET_STORE is not set"):
        Settings.from_environ({})
    with pytest.raises(SettingsError, match="MODELET_STORE is 'ftp://x'"):
        Settings.from_environ({"MODELET_STORE": "ftp://x"})
    with pytest.raises(SettingsError, match="AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        Settings.from_environ({"MODELET_STORE": "file:///s", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"})


def test_lambda_s_variables_are_read() -> None:
    variables = {
        "MODELET_STORE": "s3://bucket/models",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_LAMBDA_FUNCTION_NAME": "sentiment",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    }
    settings = Settings.from_environ(variables)
    assert (settings.task_root, settings.function_name, settings.memory_mb) == (Path("/var/task"), "sentiment", 1024)


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_truncated_manifest_fails_the_init(tiny: Tiny, tmp_path: Path, keep: int) -> None:
    path = tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.json"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ManifestError, match=r"tiny/1/model\.json"):
        starts(tiny)


def test_a_missing_version_fails_the_init(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.json").unlink()
    with pytest.raises(ManifestError, match="is missing"):
        starts(tiny)


def test_a_flipped_byte_in_an_artifact_fails_the_init_and_names_the_file(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / ".modelet" / "store" / "tiny" / "1" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"model\.onnx.*SHA-256"):
        starts(tiny)


def test_a_joblib_file_where_the_spec_says_onnx_fails_the_init(tiny: Tiny) -> None:
    lock = write_version(tiny.store, {"model.joblib": joblib_bytes(classifier())}, version="2")
    write_bundle(tiny.function, tiny.store, lock)
    with pytest.raises(ArtifactError, match=r"model\.joblib is not an ONNX graph, but model\.yaml says backend: onnx"):
        starts(tiny)


def test_a_backend_that_is_unknown_fails_the_init(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=COLUMNS)
    spec = json.loads(tiny.function.bundle_path.read_text())["spec"]
    rebundled(tiny, spec={**spec, "backend": "lisp"})
    with pytest.raises(BundleError, match="'lisp'"):
        starts(tiny)


def test_without_a_class_the_version_s_columns_are_the_contract(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=None, columns=COLUMNS)
    assert tiny.call(GOOD)["label"] == "high"
    problem = tiny.call({"a": -1, "c": 1})
    assert [(one["field"], one["rule"]) for one in problem["errors"]] == [
        ("a", "greater_than_equal"),
        ("c", "extra_forbidden"),
    ]
    assert json.loads(tiny.function.bundle_path.read_text())["handler"] == "modelet.app.handler"


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
    tiny = make_tiny(tmp_path, spec=spec)
    (tiny.function.folder / "features.py").write_text(
        "import numpy as np\n"
        "def swapped(instances):\n"
        "    return {'X': np.array([[row['b'], row['a']] for row in instances], dtype=np.float32)}\n"
    )
    write_bundle(tiny.function, tiny.store, tiny.lock)
    assert tiny.call({"a": 0, "b": 900})["label"] == "high"


@pytest.mark.parametrize("named", ["{module: nowhere, function: f}", "{module: app, function: nothing}"])
def test_a_preprocessing_that_cannot_be_found_fails_the_init(tmp_path: Path, named: str) -> None:
    tiny = make_tiny(tmp_path, spec=f"preprocessing: {named}\n")
    with pytest.raises(BundleError, match=r"model\.yaml: preprocessing: .* cannot be imported"):
        starts(tiny)


def test_two_functions_with_modules_of_one_name_do_not_meet(tmp_path: Path) -> None:
    first, second = (
        make_tiny(tmp_path / "1"),
        make_tiny(tmp_path / "2", app=APP.replace("TinyModel", "OtherModel")),
    )
    with in_process(first.function, first.settings) as one, in_process(second.function, second.settings) as two:
        assert one.model_class is not two.model_class
        assert two(GOOD, Context())["label"] == "high"
    assert "app" not in sys.modules


SLOW = """
import time
from modelet import Model, ModelHandler
from modelet.errors import StoreError

class Slow(Model[float, float]):
    def infer(self, inputs):
        if inputs[0] < 0:
            raise StoreError("s3://secret-bucket does not answer")
        if inputs[0] > 9:
            raise KeyError("secret")
        time.sleep(inputs[0])
        return inputs

handler = ModelHandler(Slow)
"""


def test_a_request_answers_504_before_its_environment_would_be_killed(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    started = time.perf_counter()
    with in_process(tiny.function, tiny.settings) as handler:
        response = handler(rows_event("5"), Context(remaining_ms=400))
        assert time.perf_counter() - started < 4
        assert response["statusCode"] == 504
        assert handler(rows_event("0.01"), Context())["statusCode"] == 200, "the next request is answered"
        time.sleep(0.4)


def test_a_call_that_comes_too_late_is_not_begun(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    with in_process(tiny.function, tiny.settings) as handler:
        assert handler(rows_event("0"), Context(remaining_ms=50))["statusCode"] == 504


def test_what_a_retry_may_mend_is_raised_to_a_direct_caller_and_answered_over_http(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    with in_process(tiny.function, tiny.settings) as handler:
        response = handler(rows_event("-1"), Context())
        assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "1")
        assert "secret" not in response["body"]
        with pytest.raises(StoreError) as caught:
            handler(-1.0, Context())
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        with pytest.raises(DeadlineError):
            handler(5.0, Context(remaining_ms=200))
        assert sys.tracebacklimit == 0, "the runtime client would send the stack along"
        handler(0.0, Context())
        assert not hasattr(sys, "tracebacklimit"), "an author's own logging shows stacks"


@pytest.mark.parametrize("swallow", ["except Exception: pass", "except Exception as e: raise ValueError from e"])
def test_the_deadline_is_not_the_author_s_to_swallow(tmp_path: Path, swallow: str) -> None:
    sleep = f"        try: time.sleep(5)\n        {swallow}\n"
    tiny = make_tiny(tmp_path, app=SLOW.replace("        time.sleep(inputs[0])\n", sleep))
    started = time.perf_counter()
    assert tiny.call(rows_event("1"), remaining_ms=400)["statusCode"] == 504
    assert time.perf_counter() - started < 4


def test_a_direct_answer_above_lambda_s_limit_names_batches(tmp_path: Path) -> None:
    app = """
from modelet import Model, ModelHandler

class Loud(Model[int, str]):
    def infer(self, inputs: list[int]) -> list[str]:
        return ["x" * count for count in inputs]

handler = ModelHandler(Loud)
"""
    tiny = make_tiny(tmp_path, app=app)
    assert tiny.call(7_000_000)["status"] == 413


def test_a_direct_event_of_any_depth_is_answered_with_a_problem(tiny: Tiny) -> None:
    for depth in (150, 900, 990, 5000):
        event: Any = 1
        for _ in range(depth):
            event = [event]
        assert tiny.call(event)["status"] in {400, 422}


def test_a_model_that_raises_is_a_500_whose_cause_is_in_the_log_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = make_tiny(tmp_path, app=SLOW)
    context = Context()
    with in_process(tiny.function, tiny.settings) as handler:
        capsys.readouterr()
        response = handler(rows_event("10"), context)
    assert response["statusCode"] == 500
    assert "secret" not in response["body"]
    assert "KeyError" not in response["body"]
    cause, request = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert cause["exception"] == "KeyError: 'secret'"
    assert cause["function_request_id"] == request["function_request_id"] == context.aws_request_id
    assert (request["status"], request["faults"]) == (500, 1)


def test_no_line_of_the_log_holds_a_payload(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.call(rows_event({"a": 123.456, "b": "a private word"}))
    tiny.call(rows_event({"a": 123.456, "b": 1}))
    said = capsys.readouterr().out
    assert said.count("\n") == 2
    assert "123.456" not in said
    assert "private" not in said
