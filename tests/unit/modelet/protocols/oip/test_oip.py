"""The Open Inference Protocol over HTTP events, with tensors as JSON."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge, Len
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from typing_extensions import TypedDict

from modelet.edges import http
from modelet.edges.base import Call
from modelet.errors import ContractError, ModelError, StoreError
from modelet.model import Model
from modelet.protocols.oip import oip
from modelet.protocols.oip.oip import problem
from modelet.protocols.service import Service
from modelet.violation import Violation
from support.events import http_event
from support.services import VERSION, ask, service

INFER = "/v2/models/tiny/infer"


class Flat(TypedDict):
    area: Annotated[float, Ge(0)]
    count: int


class Verdict(TypedDict):
    label: Literal["small", "large"]
    score: float
    whole: int
    sure: bool


class Judge(Model[Flat, Verdict]):
    def infer(self, inputs: list[Flat]) -> list[Verdict]:
        return [
            {
                "label": "large" if each["area"] > 10 else "small",
                "score": each["area"] + each["count"],
                "whole": each["count"],
                "sure": each["area"] > 100,
            }
            for each in inputs
        ]


class Everything(TypedDict):
    number: float
    maybe: NotRequired[float | None]
    text: str
    flag: bool
    triple: Annotated[list[float], Len(3, 3)]
    many: NotRequired[list[int]]


class Echo(Model[Everything, Everything]):
    """Gives back what it got: outputs are whole objects, since fields may be missing."""

    def infer(self, inputs: list[Everything]) -> list[Everything]:
        return inputs


class Lists(Model[list[float], list[float]]):
    def infer(self, inputs: list[list[float]]) -> list[list[float]]:
        return inputs


class Point(BaseModel):
    x: float
    tags: list[str] = []


class Nested(TypedDict):
    point: Point


class Points(Model[Nested, dict[str, float]]):
    def infer(self, inputs: list[Nested]) -> list[dict[str, float]]:
        return [dict.fromkeys(each["point"].tags, each["point"].x) for each in inputs]


class Lengths(Model[str, int]):
    def infer(self, inputs: list[str]) -> list[int]:
        return [len(text) for text in inputs]


class Misspoken(Model[float, int]):
    def infer(self, inputs: list[float]) -> list[int]:
        return [2**63 for _ in inputs]


@pytest.fixture(scope="module")
def judge() -> Service:
    return service(Judge)


@pytest.fixture(scope="module")
def echo() -> Service:
    return service(Echo)


def tensor(
    name: str, data: Any, datatype: str = "FP64", shape: list[int] | None = None, **members: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype,
        "shape": [len(data)] if shape is None else shape,
        "data": data,
        **members,
    }


AREA = tensor("area", [1.5, 20])
COUNT = tensor("count", [1, 2], "INT64")


def infer(served: Service, *inputs: Any, **members: Any) -> dict[str, Any]:
    status, body, headers = ask(served, "POST", INFER, {"inputs": list(inputs), **members})
    assert status == 200, body
    assert headers["content-type"] == "application/json"
    assert isinstance(body, dict)
    return body


def outputs(served: Service, *inputs: Any, **members: Any) -> dict[str, Any]:
    return {each["name"]: each["data"] for each in infer(served, *inputs, **members)["outputs"]}


def refused(served: Service, *inputs: Any, status: int = 400, **members: Any) -> str:
    return refusal(served, {"inputs": list(inputs), **members}, status)


def refusal(served: Service, body: Any, status: int = 400, **headers: str) -> str:
    answered, problem, sent = ask(served, "POST", INFER, body, **headers)
    assert answered == status, problem
    assert sent["content-type"] == "application/json"
    assert problem["status"] == status
    assert problem["error"] == problem["detail"]
    return str(problem["error"])


# Metadata and readiness


def test_the_metadata_are_the_tensors_and_the_version(judge: Service) -> None:
    status, body, headers = ask(judge, "GET", "/v2/models/tiny")
    assert status == 200
    assert headers["x-model-version"] == VERSION
    assert body == {
        "name": "tiny",
        "versions": [VERSION],
        "platform": "onnx_onnxv1",
        "inputs": [
            {"name": "area", "datatype": "FP64", "shape": [-1]},
            {"name": "count", "datatype": "INT64", "shape": [-1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "score", "datatype": "FP64", "shape": [-1]},
            {"name": "whole", "datatype": "INT64", "shape": [-1]},
            {"name": "sure", "datatype": "BOOL", "shape": [-1]},
        ],
        "parameters": {"matrix_input": "input", "matrix_columns": 2},
    }
    assert ask(judge, "GET", f"/v2/models/tiny/versions/{VERSION}")[1] == body


def test_the_metadata_of_a_scikit_learn_model_say_so_and_offer_no_matrix_of_texts() -> None:
    body = ask(service(Lengths, backend="sklearn"), "GET", "/v2/models/tiny")[1]
    assert body["platform"] == "sklearn_joblib"
    assert "parameters" not in body


def test_a_model_that_answers_is_ready(judge: Service) -> None:
    assert ask(judge, "GET", "/v2/models/tiny/ready")[:2] == (200, {"name": "tiny", "ready": True})
    assert ask(judge, "GET", f"/v2/models/tiny/versions/{VERSION}/ready")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/tiny/versions/4", 404),
        ("GET", "/v2/models/tiny/config", 404),
        ("GET", INFER, 405),
        ("POST", "/v2/models/tiny", 405),
    ],
)
def test_another_model_version_route_or_method_is_an_error(judge: Service, method: str, path: str, status: int) -> None:
    answered, body, headers = ask(judge, method, path)
    assert answered == status
    assert body["error"]
    assert headers["content-type"] == "application/json"
    assert (headers.get("allow") is not None) == (status == 405)


# Inference


def test_a_tensor_for_each_field_gives_a_tensor_for_each_field(judge: Service) -> None:
    assert infer(judge, AREA, COUNT) == {
        "model_name": "tiny",
        "model_version": VERSION,
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["small", "large"]},
            {"name": "score", "datatype": "FP64", "shape": [2], "data": [2.5, 22.0]},
            {"name": "whole", "datatype": "INT64", "shape": [2], "data": [1, 2]},
            {"name": "sure", "datatype": "BOOL", "shape": [2], "data": [False, False]},
        ],
    }


def test_the_order_of_the_tensors_is_free_and_a_version_may_be_named(judge: Service) -> None:
    body = {"inputs": [COUNT, AREA]}
    assert ask(judge, "POST", f"/v2/models/tiny/versions/{VERSION}/infer", body)[1] == infer(judge, AREA, COUNT)


def test_the_request_s_id_comes_back(judge: Service) -> None:
    assert infer(judge, AREA, COUNT, id="42 é")["id"] == "42 é"


def test_outputs_are_chosen_by_name_in_the_order_asked_for(judge: Service) -> None:
    chosen = infer(
        judge, AREA, COUNT, outputs=[{"name": "score"}, {"name": "label", "parameters": {}}, {"name": "score"}]
    )
    assert [each["name"] for each in chosen["outputs"]] == ["score", "label"]
    assert list(outputs(judge, AREA, COUNT, outputs=[])) == ["label", "score", "whole", "sure"]


def test_an_unknown_output_is_refused_with_those_there_are(judge: Service) -> None:
    error = refused(judge, AREA, COUNT, outputs=[{"name": "logits"}])
    assert error == "There is no output 'logits': the outputs are label, score, whole, sure."


def test_unknown_members_and_parameters_are_let_be(judge: Service) -> None:
    parameters = {"content_type": "pd", "priority": 3, "binary_data_output": True}
    area = {**AREA, "parameters": {"content_type": "np"}, "extra": [1]}
    wanted = [{"name": "score", "parameters": {"binary_data": True, "classification": 2}}]
    answer = outputs(judge, area, COUNT, parameters=parameters, outputs=wanted, model_name="tiny", more=None)
    assert answer == {"score": [2.5, 22.0]}


def test_null_is_as_good_as_a_member_left_out(judge: Service) -> None:
    area = {**AREA, "parameters": None}
    assert "id" not in infer(judge, area, COUNT, id=None, parameters=None, outputs=None)


@pytest.mark.parametrize(("shape", "data"), [([2], [1, 2]), ([2, 1], [1, 2]), ([2, 1], [[1], [2]])])
def test_a_column_may_have_a_second_dimension_of_one(judge: Service, shape: list[int], data: list[Any]) -> None:
    assert outputs(judge, tensor("area", data, shape=shape), COUNT)["score"] == [2.0, 4.0]


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64", "INT8", "INT64", "UINT8", "UINT64"])
def test_any_datatype_that_holds_the_values_is_taken(judge: Service, datatype: str) -> None:
    asked = tensor("area", [3, 4], datatype), tensor("count", [1, 2], datatype)
    assert outputs(judge, *asked)["score"] == [4.0, 6.0]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (
            tensor("area", ["1", "2"], "BYTES"),
            "The tensor 'area', BYTES of shape [2]: send FP64, or one of FP16, FP32,",
        ),
        (tensor("area", [True, False], "BOOL"), "send FP64, or one of FP16,"),
        (tensor("area", [1, 300], "UINT8"), "element 1: Input should be less than or equal to 255"),
        (tensor("area", [1.5, 2], "INT32"), "element 0: Input should be a valid integer"),
        (tensor("area", [True, 2], "FP32"), "element 0: Input should be a valid number"),
        (tensor("area", [1, "2"], "FP32"), "element 1: Input should be a valid number"),
        (tensor("area", [None, 2], "FP32"), "element 0: Input should be a valid number"),
        (tensor("area", [1e39, 2], "FP32"), "element 0: Input should be less than"),
        (tensor("area", [1, 2, 3]), "the first dimension, the number of instances, is 2 in the tensors before it"),
        (tensor("area", [1, 2], shape=[2, 2]), "has 2 elements, but its shape [2, 2] holds 4"),
        (tensor("area", [1, 2, 3, 4], shape=[2, 2]), "send the shape [-1] or [-1, 1]"),
        (tensor("area", [1], shape=[]), "number of instances, is 2"),
        (tensor("area", [1, 2], "FLOAT"), "no datatype 'FLOAT'"),
        (tensor("area", [1, 2], "BF16"), "BF16 has no JSON form"),
        (tensor("count", [1, 2]), "duplicate name"),
        (
            tensor("volume", [1, 2]),
            "The tensor 'volume' is not an input: this model takes area, count, or one tensor input",
        ),
    ],
)
def test_a_tensor_that_is_not_the_model_s_is_refused_by_name(judge: Service, asked: Any, error: str) -> None:
    assert error in refused(judge, COUNT, asked)


def test_nan_and_infinity_are_refused_by_tensor_and_element(judge: Service) -> None:
    for number in (math.nan, math.inf):
        error = refused(judge, tensor("area", [1, number]), COUNT)
        assert "'area'" in error
        assert "element 1: Input should be a finite number" in error


def test_missing_tensors_are_named(judge: Service) -> None:
    assert refused(judge, COUNT).startswith("The input tensors area are missing: this model takes area, count")


def test_a_broken_contract_names_instance_and_field(judge: Service) -> None:
    status, body, _ = ask(judge, "POST", INFER, {"inputs": [tensor("area", [1, -1]), tensor("count", [1.0, 2.5])]})
    assert status == 422
    assert [(each["instance"], each["field"]) for each in body["errors"]] == [(1, "area"), (1, "count")]
    assert body["count"] == 2
    assert body["error"].startswith("instance 1 field area: ")


def test_no_instances_are_refused(judge: Service) -> None:
    assert "send at least one" in refused(judge, tensor("area", []), tensor("count", [], "INT64"), status=422)


def test_too_many_instances_are_refused_before_rows_are_built() -> None:
    small = service(Lists, limits={"max_instances": 3})
    assert "4 instances, this model's limit is 3" in refused(
        small, tensor("instances", [1] * 4, shape=[4, 1]), status=413
    )
    assert "batches" in refused(small, tensor("instances", [], shape=[2**64 - 1, 0]), status=413)


# One matrix for all fields


@pytest.mark.parametrize("data", [[1.5, 1, 20, 2], [[1.5, 1], [20, 2]]])
def test_one_matrix_may_stand_for_all_numeric_fields(judge: Service, data: list[Any]) -> None:
    assert infer(judge, tensor("input", data, "FP32", [2, 2])) == infer(judge, AREA, COUNT)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (tensor("input", [1, 2, 3], shape=[1, 3]), "send [-1, 2], with the columns in the order area, count"),
        (tensor("input", [1, 2], shape=[2]), "'input' is not an input"),
        (tensor("input", ["1", "2"], "BYTES", [1, 2]), "send FP64, or one of"),
        (tensor("input", [True, False], "BOOL", [1, 2]), "send FP64, or one of"),
        (tensor("input", [1, None], shape=[1, 2]), "element 0: Input should be a valid number"),
        (tensor("input", [], shape=[2, 0]), "send [-1, 2]"),
    ],
)
def test_a_matrix_of_another_form_is_refused(judge: Service, asked: Any, error: str) -> None:
    assert error in refused(judge, asked)


def test_a_matrix_beside_other_tensors_is_no_input(judge: Service) -> None:
    assert "'input' is not an input" in refused(judge, tensor("input", [1, 2], shape=[1, 2]), tensor("area", [1]))


def test_a_field_called_input_is_itself() -> None:
    class Single(TypedDict):
        input: float

    class Doubling(Model[Single, float]):
        def infer(self, inputs: list[Single]) -> list[float]:
            return [2 * each["input"] for each in inputs]

    served = service(Doubling)
    assert outputs(served, tensor("input", [1, 2])) == {"predictions": [2.0, 4.0]}
    assert outputs(served, tensor("input", [1, 2], shape=[2, 1])) == {"predictions": [2.0, 4.0]}
    assert "send [-1, 1]" in refused(served, tensor("input", [1, 2], shape=[1, 2]))


def test_a_missing_value_in_a_matrix_is_null_where_its_field_may_be() -> None:
    class Gappy(TypedDict):
        first: float
        second: float | None

    class Second(Model[Gappy, float | None]):
        def infer(self, inputs: list[Gappy]) -> list[float | None]:
            return [each["second"] for each in inputs]

    served = service(Second)
    answer = infer(served, tensor("input", [1, None, 2, 3], shape=[2, 2]))["outputs"]
    assert answer == [
        {
            "name": "predictions",
            "datatype": "FP64",
            "shape": [2],
            "parameters": {"nullable": True},
            "data": [None, 3.0],
        }
    ]
    assert "field first" in refused(served, tensor("input", [None, 1], shape=[1, 2]), status=422)


# Lists, optional fields, whole values


FULL = [
    tensor("number", [1, 2]),
    tensor("text", ["", "감사"], "BYTES"),
    tensor("flag", [True, False], "BOOL"),
    tensor("triple", [1, 2, 3, 4, 5, 6], "INT32", [2, 3]),
]


def test_optional_tensors_may_be_left_out_and_lists_are_rows_of_a_matrix(echo: Service) -> None:
    texts = outputs(echo, *FULL)["predictions"]
    assert [json.loads(text) for text in texts] == [
        {"number": 1.0, "text": "", "flag": True, "triple": [1.0, 2.0, 3.0]},
        {"number": 2.0, "text": "감사", "flag": False, "triple": [4.0, 5.0, 6.0]},
    ]


def test_optional_tensors_may_be_sent_and_nullable_ones_may_have_nulls(echo: Service) -> None:
    more = tensor("maybe", [None, 1.5]), tensor("many", [[1, 2], [3, 4]], "INT8", [2, 2])
    rows = [json.loads(text) for text in outputs(echo, *FULL, *more)["predictions"]]
    assert [row["maybe"] for row in rows] == [None, 1.5]
    assert [row["many"] for row in rows] == [[1, 2], [3, 4]]


def test_lists_of_no_items_are_lists(echo: Service) -> None:
    rows = outputs(echo, *FULL, tensor("many", [], "INT64", [2, 0]))["predictions"]
    assert [json.loads(row)["many"] for row in rows] == [[], []]


@pytest.mark.parametrize("shape", [[2], [6], [3, 2], [2, 3, 1]])
def test_lists_of_another_shape_are_refused(echo: Service, shape: list[int]) -> None:
    data = [1.0] * math.prod(shape)
    error = refused(echo, *FULL[:3], tensor("triple", data, shape=shape))
    assert "send the shape [-1, 3]" in error or "number of instances" in error


def test_a_bare_list_is_one_tensor_in_and_out() -> None:
    served = service(Lists)
    assert infer(served, tensor("instances", [1, 2, 3, 4], shape=[2, 2]))["outputs"] == [
        {"name": "predictions", "datatype": "FP64", "shape": [2, 2], "data": [1.0, 2.0, 3.0, 4.0]}
    ]


def test_lists_of_different_lengths_are_no_tensor_and_the_answer_says_what_to_do() -> None:
    class Ragged(Model[int, list[float]]):
        def infer(self, inputs: list[int]) -> list[list[float]]:
            return [[1.0] * each for each in inputs]

    served = service(Ragged)
    assert "send these instances one at a time" in refused(served, tensor("instances", [1, 2], "INT64"))
    assert outputs(served, tensor("instances", [2], "INT64")) == {"predictions": [1.0, 1.0]}


def test_a_bare_text_is_one_tensor() -> None:
    served = service(Lengths)
    assert outputs(served, tensor("instances", ["a", "감사", "1, 2"], "BYTES")) == {"predictions": [1, 2, 4]}


def test_nested_instances_and_predictions_are_json_texts() -> None:
    served = service(Points)
    first, second = {"point": {"x": 1, "tags": ["a", "b"]}}, {"point": {"x": 2}}
    asked = tensor("instances", [json.dumps(first), json.dumps(second)], "BYTES")
    assert outputs(served, asked) == {"predictions": ['{"a":1.0,"b":1.0}', "{}"]}


@pytest.mark.parametrize("text", ["", "{", '{"point":{"x":1}},{"point":{"x":2}}', "[" * 10_000, "9" * 5_000])
def test_a_text_that_is_not_json_is_refused_by_its_element(text: str) -> None:
    good = json.dumps({"point": {"x": 1}})
    assert "element 1 is not a JSON text" in refused(service(Points), tensor("instances", [good, text], "BYTES"))


def test_a_nested_instance_that_breaks_the_contract_is_named() -> None:
    asked = tensor("instances", ['{"point": {"x": "one"}}'], "BYTES")
    assert refused(service(Points), asked, status=422).startswith("instance 0 field point.x: ")


def test_a_prediction_that_its_tensor_cannot_hold_is_the_model_s_fault() -> None:
    status, body, _ = ask(service(Misspoken), "POST", INFER, {"inputs": [tensor("instances", [1.0])]})
    assert status == 500
    assert "INT64" not in body["error"]


# Bodies that are no requests


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b'{"inputs": [', "Invalid JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"inputs": ' + b"9" * 5_000 + b"}", "number out of range"),
        (b"null", "body: Input should be an object"),
        (b"{}", "inputs: Field required"),
        (b'{"inputs": []}', "inputs: List should have at least 1 item"),
        (b'{"inputs": {}}', "inputs: Input should be a valid array"),
        (b'{"inputs": [3]}', "inputs.0: Input should be an object"),
        (b'{"inputs": [{"name": 3, "shape": [1], "datatype": "FP32", "data": []}]}', "inputs.0.name: "),
        (b'{"inputs": [{"name": "a", "shape": [-1], "datatype": "FP32", "data": []}]}', "inputs.0.shape.0: "),
        (b'{"inputs": [{"name": "a", "shape": [1.5], "datatype": "FP32", "data": []}]}', "inputs.0.shape.0: "),
        (b'{"inputs": [{"name": "a", "shape": [true], "datatype": "FP32", "data": []}]}', "inputs.0.shape.0: "),
        (b'{"inputs": [{"name": "a", "shape": [18446744073709551616], "datatype": "FP32"}]}', "inputs.0.shape.0: "),
        (b'{"inputs": [{"name": "a", "shape": 1, "datatype": "FP32", "data": []}]}', "inputs.0.shape: "),
        (b'{"inputs": [{"name": "a", "shape": [1], "data": [1]}]}', "inputs.0.datatype: Field required"),
        (b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP32", "data": 1}]}', "inputs.0.data: "),
        (b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP32"}]}', "has no data"),
        (b'{"id": 42, "inputs": []}', "id: Input should be a valid string"),
        (b'{"parameters": [], "inputs": []}', "parameters: Input should be an object"),
        (
            b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP32"}], "outputs": [{}]}',
            "outputs.0.name: Field required",
        ),
    ],
)
def test_a_body_that_is_no_inference_request_is_refused(judge: Service, body: bytes, error: str) -> None:
    assert error in refusal(judge, body)


def test_a_shape_of_a_million_dimensions_is_refused_at_once(judge: Service) -> None:
    shape = [2**63] * 100_000
    assert "inputs.0.shape: List should have at most 32 items" in refused(judge, tensor("area", [1], shape=shape))


@pytest.mark.parametrize(
    "headers", [{"inference-header-content-length": "20"}, {"content_type": "application/octet-stream"}]
)
def test_a_body_with_binary_tensors_is_another_media_type(judge: Service, headers: dict[str, str]) -> None:
    refusal(judge, b'{"inputs": []}\x00\x00', 415, **headers)


# Errors


def test_a_problem_has_the_member_that_the_protocol_s_clients_read() -> None:
    answer = problem(ContractError([Violation(0, "area", "is wrong", "wrong")]))
    body = json.loads(answer.body)
    assert answer.status == body["status"] == 422
    assert answer.headers == {"content-type": "application/json"}
    assert body["error"] == body["detail"] == "instance 0 field area: is wrong"
    assert body["type"] == "urn:modelet:problem:contract"


def test_an_error_of_the_function_s_own_says_nothing_of_its_cause_and_when_to_come_again() -> None:
    assert "secret" not in problem(ModelError("secret")).body.decode()
    assert problem(StoreError("s3://secret did not answer")).headers["retry-after"] == "1"


# Random bodies

SERVED: dict[type[Model[Any, Any]], Service] = {each: service(each) for each in (Judge, Echo, Lists, Points, Lengths)}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["area", "count", "input", "instances", "number", "triple", "many", "maybe", "text", "flag", ""]
)
SHAPES = st.lists(st.integers(-1, 3) | st.sampled_from([2**63, 2**64]), max_size=3) | JSON_VALUES
DATA = st.lists(st.lists(JSON_VALUES, max_size=3) | st.floats() | st.integers() | st.text(), max_size=4) | JSON_VALUES
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | JSON_VALUES,
        "shape": SHAPES,
        "datatype": st.sampled_from(["FP64", "FP32", "INT64", "BYTES", "BOOL", "UINT8", "BF16"]) | JSON_VALUES,
        "data": DATA,
        "parameters": JSON_VALUES,
    },
)
REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, max_size=4) | JSON_VALUES},
    optional={"id": JSON_VALUES, "outputs": JSON_VALUES, "parameters": JSON_VALUES},
)


@settings(max_examples=300)
@given(body=st.binary() | JSON_VALUES.map(json.dumps) | REQUESTS.map(json.dumps))
@pytest.mark.parametrize("model_class", [Judge, Echo, Lists, Points, Lengths])
def test_no_body_makes_a_model_fail(model_class: type[Model[Any, Any]], body: bytes | str) -> None:
    served = SERVED[model_class]
    event = http_event("POST", INFER, body)
    response = http.answer(event, served, Call("test-request", None)).response
    assert response["statusCode"] in {200, 400, 413, 422}
    answer = json.loads(response["body"], parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert ("error" in answer) == (response["statusCode"] != 200)


@given(
    areas=st.lists(st.floats(0, 1e300), min_size=1, max_size=20),
    datatype=st.sampled_from(["FP64", "INT64"]),
    data=st.data(),
)
def test_predictions_are_those_of_the_same_rows_by_the_other_protocol(
    areas: list[float], datatype: str, data: st.DataObject
) -> None:
    served = SERVED[Judge]
    counts = data.draw(st.lists(st.integers(-(2**53), 2**53), min_size=len(areas), max_size=len(areas)))
    answered = outputs(served, tensor("area", areas), tensor("count", counts, datatype))
    instances = [{"area": area, "count": count} for area, count in zip(areas, counts, strict=True)]
    rows = ask(served, "POST", "/models/tiny/infer", {"instances": instances})[1]["predictions"]
    assert rows == [dict(zip(answered, values, strict=True)) for values in zip(*answered.values(), strict=True)]


@pytest.mark.parametrize("data", [[{}, 2], [2, {"a": {}}], [None, {}], [[{}], [2]], [[1], {}], [{}], [1, 2]])
@pytest.mark.parametrize("datatype", ["FP32", "INT32", "BYTES", "BOOL"])
def test_many_objects_among_the_data_are_refused_as_few_are(
    data: list[Any], datatype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = service(Judge)
    for shape in ([2], [2, 1], [1]):
        body = {"inputs": [{**tensor("area", data, datatype), "shape": shape}, tensor("count", [1, 2])]}
        few = ask(judge, "POST", INFER, body)[:2]
        with monkeypatch.context() as patched:
            patched.setattr(oip, "MANY", 0)
            assert ask(judge, "POST", INFER, body)[:2] == few


def test_of_many_objects_among_the_data_none_is_kept() -> None:
    item = {"name": "area", "datatype": "FP64", "shape": [3], "data": [{}, {"a": 1}, 1]}
    read = oip._request_schema(has_objects=True).validate_json(json.dumps({"inputs": [item]}))
    assert read["inputs"][0] == {**item, "data": [oip.OBJECT, oip.OBJECT, 1]}
