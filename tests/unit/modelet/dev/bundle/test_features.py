"""Features by key and ids in a bundle: what callers are told, and what is refused before anything is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.bundle.features import misfit
from modelet.errors import CommandError, SpecError
from modelet.features.prediction_set import Row
from modelet.settings import Settings
from support.callers import in_process
from support.contexts import Context
from support.events import http_event
from support.projects import APP, Tiny, make_tiny

FEATURES = """
features:
  from: customers
  key: customer
  columns: [b]
"""
WITH_ID = f"{FEATURES}id: order\n"
NULLABLE = APP.replace("    b: float", "    b: float | None").replace(
    "(OnnxModel[Row, Label]):\n    pass", "(OnnxModel[Row, Label]):\n    def preprocess(self, instances): ..."
)


def document(tiny: Tiny) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.loads(tiny.function.bundle_path.read_text())["openapi"])
    validate(made)
    return made


def tensors(tiny: Tiny) -> Any:
    return json.loads(tiny.function.bundle_path.read_text())["tensors"]


def test_the_document_has_the_key_and_the_id_and_not_what_is_joined(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path, spec=WITH_ID)
    schemas = document(tiny)["components"]["schemas"]
    assert set(schemas["Instance"]["properties"]) == {"a", "customer", "order"}
    assert set(schemas["Instance"]["required"]) == {"a", "customer", "order"}
    assert schemas["Instance"]["x-features"] == {"from": "customers", "fields": {"b": ["integer", "number"]}}
    assert set(schemas["Prediction"]["properties"]) == {"order", "label", "probability"}
    assert [each["name"] for each in tensors(tiny)["inputs"]] == ["a", "customer"]
    assert [each["datatype"] for each in tensors(tiny)["inputs"]] == ["FP64", "BYTES"]
    assert [each["name"] for each in tensors(tiny)["outputs"]] == ["label", "probability"]


def test_without_features_and_an_id_the_document_is_as_it_was(tmp_path: Path) -> None:
    plain, same = make_tiny(tmp_path / "a"), make_tiny(tmp_path / "b", spec="id: null\nfeatures: null\n")
    assert document(plain) == document(same)


def test_a_handler_joins_and_passes_ids_by_every_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = make_tiny(tmp_path, spec=WITH_ID)
    settings = Settings(tiny.function.folder, tiny.store.url, tmp_path / "tmp")
    with in_process(tiny.function, settings) as handler:
        join: Any = vars(handler.service.pipeline.contract)["_join"]
        join._rows = lambda keys: {key: Row({"b": 2.0}, {}) for key in keys if key != "x"}
        rows = {"instances": [{"a": 4, "customer": "c", "order": 7}, {"a": 4, "customer": "x", "order": "8"}]}
        answer = handler(http_event("POST", "/models/tiny/infer?partial=true", rows), Context())
        good, bad = json.loads(answer["body"])["predictions"]
        assert (good["order"], set(good)) == (7, {"order", "label", "probability"})
        assert (bad["order"], bad["status"]) == ("8", 422)
        names = {"name": "a", "shape": [1], "datatype": "FP64", "data": [4.0]}
        key = {"name": "customer", "shape": [1], "datatype": "BYTES", "data": ["c"]}
        answer = handler(http_event("POST", "/v2/models/tiny/infer", {"id": "42", "inputs": [names, key]}), Context())
        body = json.loads(answer["body"])
        assert (answer["statusCode"], body["id"], [each["name"] for each in body["outputs"]]) == (
            200,
            "42",
            ["label", "probability"],
        )
        assert body["outputs"][0]["data"] == [good["label"]]
        key["data"] = ["x"]
        answer = handler(http_event("POST", "/v2/models/tiny/infer", {"inputs": [names, key]}), Context())
        assert answer["statusCode"] == 422


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (FEATURES.replace("[b]", "[c]"), "an instance has no field 'c'; its fields are a, b: rename the column"),
        (FEATURES + "  missing: null\n", "features.missing: null does not fit the field 'b'"),
        (FEATURES.replace("customer\n", "b\n"), "'b' is the key, which callers send"),
        (FEATURES.replace("[b]", "[b, {c: b}]"), "'b' is named twice"),
        (FEATURES + "id: b\n", "'b' is the row's own id"),
        ("id: label\n", "the prediction has a member 'label' of its own"),
        ("id: status\n", "'status' is a name of answers"),
    ],
)
def test_what_does_not_fit_the_contract_is_refused(tmp_path: Path, spec: str, said: str) -> None:
    with pytest.raises((CommandError, SpecError)) as caught:
        make_tiny(tmp_path, spec=spec)
    assert said in str(caught.value)


def test_null_for_what_is_missing_needs_a_field_that_may_be_null(tmp_path: Path) -> None:
    made = make_tiny(tmp_path, app=NULLABLE, spec=FEATURES + "  missing: null\n")
    assert document(made)["components"]["schemas"]["Instance"]["x-features"]["fields"]["b"] == [
        "integer",
        "null",
        "number",
    ]


@pytest.mark.parametrize("spec", ["id: n\n", FEATURES])
def test_an_instance_without_named_fields_is_refused(tmp_path: Path, spec: str) -> None:
    app = APP.replace("OnnxModel[Row, Label]):\n    pass", "OnnxModel[list[float], Label]):\n"
                      "    def preprocess(self, instances): ...")  # fmt: skip
    with pytest.raises(CommandError, match="needs an instance that is an object whose fields are all named"):
        make_tiny(tmp_path, app=app, spec=spec)


def customers(tmp_path: Path, spec: str, prediction: dict[str, Any] | None = None) -> None:
    """The folder of the other model; with a bundle if its prediction's schema is given."""
    folder = tmp_path / "functions" / "customers"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(spec)
    if prediction is not None:
        openapi = json.dumps({"components": {"schemas": {"Prediction": prediction}}})
        (folder / "bundle.json").write_text(json.dumps({"openapi": openapi}))


NUMBER = {"type": "object", "properties": {"b": {"type": "number"}}, "additionalProperties": False}


def test_the_other_model_of_the_project_must_have_batches_and_the_member(tmp_path: Path) -> None:
    customers(tmp_path / "a", "version: latest\n")
    with pytest.raises(CommandError, match="customers do not fit: it has no `batch:`"):
        make_tiny(tmp_path / "a", spec=FEATURES)
    customers(tmp_path / "b", "batch: {}\n", {**NUMBER, "properties": {"c": {"type": "number"}}})
    with pytest.raises(CommandError, match="a prediction has no member 'b'; its members are c"):
        make_tiny(tmp_path / "b", spec=FEATURES)
    customers(tmp_path / "c", "batch: {}\n", {**NUMBER, "properties": {"b": {"type": "string"}}})
    with pytest.raises(CommandError, match="b is of type string, but the field b takes integer, number"):
        make_tiny(tmp_path / "c", spec=FEATURES)
    customers(tmp_path / "d", "batch: {}\n", NUMBER)
    make_tiny(tmp_path / "d", spec=FEATURES)
    customers(tmp_path / "e", "batch: {}\n")
    tiny = make_tiny(tmp_path / "e", spec=FEATURES)
    write_bundle(tiny.function, tiny.store, tiny.lock)


@pytest.mark.parametrize(
    ("prediction", "columns", "fits"),
    [
        ({"type": "number"}, {"x": "prediction"}, True),
        ({"type": "number"}, {"x": "y"}, False),
        ({"type": "string"}, {"x": "prediction"}, False),
        ({"type": "object", "additionalProperties": True}, {"x": "y"}, True),
        ({}, {"x": "y"}, True),
        (NUMBER, {"x": "prediction"}, False),
        (NUMBER, {"x": "passed.anything"}, True),
        ({"$ref": "#/components/schemas/Prediction.P"}, {"x": "b"}, True),
        ({**NUMBER, "properties": {"b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}, {"x": "b"}, True),
        ({**NUMBER, "properties": {"b": {"type": "null"}}}, {"x": "b"}, False),
        ({**NUMBER, "properties": {"b": {"enum": ["u", "v"]}}}, {"x": "b"}, False),
    ],
)
def test_members_and_their_types_are_compared(prediction: Any, columns: dict[str, str], fits: bool) -> None:
    openapi = json.dumps({"components": {"schemas": {"Prediction": prediction, "Prediction.P": NUMBER}}})
    assert (misfit(columns, {"x": ["integer", "number"]}, openapi) is None) is fits


@pytest.mark.parametrize(("kind", "shown"), [("float", "integer, number"), ("bool", "boolean"), ("list[str]", "array")])
@pytest.mark.parametrize(
    ("spec", "key"), [("id: order\n", "id"), (FEATURES.replace("customer\n", "order\n"), "features.key")]
)
def test_an_id_or_a_key_of_a_type_that_none_can_have_is_refused(
    kind: str, shown: str, spec: str, key: str, tmp_path: Path
) -> None:
    app = APP.replace("    b: float", f"    b: float\n    order: {kind}")
    with pytest.raises(CommandError, match=f"{key}: the field 'order' is of type {shown}, but it is a text"):
        make_tiny(
            tmp_path,
            spec=spec,
            app=app.replace(
                "(OnnxModel[Row, Label]):\n    pass",
                "(OnnxModel[Row, Label]):\n    def preprocess(self, instances): ...",
            ),
        )
