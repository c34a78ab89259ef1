"""HTTP events of every payload version, good and bad: a clear answer, never a fault, never an exception's text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.edges.base import encoded_size
from modelet.handler import ModelHandler
from modelet.violation import RESPONSE_LIMIT
from support.callers import in_process
from support.contexts import Context
from support.events import rows_event
from support.projects import BAD, GOOD, make_tiny


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHandler]:
    tiny = make_tiny(tmp_path_factory.mktemp("tiny"))
    with in_process(tiny.function, tiny.settings) as loaded:
        yield loaded


def ask(handler: ModelHandler, event: Any) -> tuple[int, Any, dict[str, str]]:
    response = handler(event, Context())
    return response["statusCode"], json.loads(response["body"]), response["headers"]


def at(method: str, path: str, **more: Any) -> dict[str, Any]:
    context = {"http": {"method": method, "path": path}, "stage": "$default"}
    return rows_event("", rawPath=path, requestContext=context, **more)


def rest(method: str, path: str, body: Any = "", **more: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    event: dict[str, Any] = {
        "resource": "/models/{name}/{proxy+}",
        "httpMethod": method,
        "path": path,
        "headers": {"Content-Type": "application/json"},
        "queryStringParameters": None,
        "requestContext": {"stage": "prod", "resourcePath": "/models/{name}/{proxy+}", "httpMethod": method},
        "body": text,
        "isBase64Encoded": False,
    }
    return {**event, **more}


def test_rows_give_predictions_with_the_model_and_its_version(handler: ModelHandler) -> None:
    status, answer, headers = ask(handler, rows_event({"instances": [GOOD, {"a": 0, "b": 1}]}))
    assert status == 200
    assert [one["label"] for one in answer["predictions"]] == ["high", "low"]
    assert (answer["model"], answer["version"]) == ("tiny", "1")
    assert headers["content-type"] == "application/json"
    assert headers["x-model-version"] == "1"


def test_every_answer_carries_the_request_id_of_the_call(handler: ModelHandler) -> None:
    for event in (rows_event({"instances": [GOOD]}), rows_event("{"), at("GET", "/nowhere")):
        context = Context()
        assert handler(event, context)["headers"]["x-request-id"] == context.aws_request_id


def test_a_bare_instance_gives_a_bare_prediction(handler: ModelHandler) -> None:
    status, answer, _ = ask(handler, rows_event(GOOD))
    assert status == 200
    assert set(answer) == {"label", "probability"}


def test_a_rest_api_event_gets_the_same_answer(handler: ModelHandler) -> None:
    body = {"instances": [GOOD]}
    assert ask(handler, rest("POST", "/models/tiny/infer", body))[:2] == ask(handler, rows_event(body))[:2]
    context = {"stage": "v2", "resourcePath": "/{proxy+}", "httpMethod": "GET"}
    ready = rest("GET", "/v2/models/tiny/ready", requestContext=context)
    assert ask(handler, ready)[0] == 200, "a REST API's path has no stage, whatever the stage is called"


def test_a_stage_in_the_path_is_left_out(handler: ModelHandler) -> None:
    context = {"http": {"method": "GET", "path": "/dev/models/tiny"}, "stage": "dev"}
    assert ask(handler, rows_event("", rawPath="/dev/models/tiny", requestContext=context))[0] == 200


SEGMENT = st.text("abmodels-v2{}+%.", min_size=1, max_size=8).filter(lambda text: text.strip("."))
MAPPINGS = st.lists(st.sampled_from(["models", "tiny", "v2", "infer", "prod"]) | SEGMENT, max_size=3).map("/".join)
"""What a custom domain's mapping may be called: as our own routes, too."""
ASKED = [
    ("/models/tiny", ""),
    ("/models/tiny/{proxy+}", "infer"),
    ("/models/tiny/{proxy+}", "openapi.json"),
    ("/models/{name}/{proxy+}", "infer"),
    ("/v2/models/tiny", ""),
    ("/v2/models/tiny/{proxy+}", "ready"),
    ("/v2/models/tiny/{proxy+}", "versions/1/ready"),
    ("/{proxy+}", "models/tiny/infer"),
]
"""The paths of routes, and what their greedy parameters take."""


@settings(max_examples=200)
@given(mapping=MAPPINGS, asked=st.sampled_from(ASKED), slash=st.sampled_from(["", "/"]))
def test_a_path_mapping_of_a_custom_domain_changes_no_answer(
    handler: ModelHandler, mapping: str, asked: tuple[str, str], slash: str
) -> None:
    template, proxy = asked
    plain = template.replace("{proxy+}", proxy).replace("{name}", "tiny")
    mapped = f"/{mapping}{plain}{slash}" if mapping else plain
    method, body = ("POST", json.dumps(GOOD)) if plain.endswith("infer") else ("GET", "")
    parameters = {"proxy": proxy} if proxy else None
    http = at(method, mapped, routeKey=f"ANY {template}", pathParameters=parameters) | {"body": body}
    status, answer, _ = ask(handler, http)
    assert status == 200
    assert ask(handler, at(method, plain) | {"body": body})[1] == answer
    assert ask(handler, rest(method, mapped, body, resource=template, pathParameters=parameters))[:2] == (200, answer)


@pytest.mark.parametrize(
    ("mapped", "template", "proxy"),
    [
        ("/models/tiny/infer", "$default", ""),
        ("/models/tiny/infer", "/models/{name}/{proxy+}", ""),
        ("/models/tiny/infer", "/models/tiny/{proxy+}", "somewhere/else/entirely"),
        ("/models/tiny/infer", "/models/other/{proxy+}", "infer"),
        ("/models/tiny/infer", "None", "infer"),
    ],
)
def test_a_path_that_is_not_of_the_route_is_taken_as_it_is(
    handler: ModelHandler, mapped: str, template: str, proxy: str
) -> None:
    event = at("POST", mapped, routeKey=f"ANY {template}", pathParameters={"proxy": proxy}) | {"body": json.dumps(GOOD)}
    assert ask(handler, event)[0] == 200


def test_a_stage_is_told_from_a_mapping_of_its_name(handler: ModelHandler) -> None:
    event = at(
        "POST", "/v2/models/tiny/infer", routeKey="ANY /v2/models/tiny/{proxy+}", pathParameters={"proxy": "infer"}
    )
    event["requestContext"]["stage"] = "v2"
    _, answer, _ = ask(handler, {**event, "body": "{}"})
    assert answer["error"] == answer["detail"], "the Open Inference Protocol was asked, through a custom domain"


def test_a_function_url_s_event_gets_the_same_answer(handler: ModelHandler) -> None:
    event = rows_event(GOOD, routeKey="$default")
    event["requestContext"] |= {"domainName": "abc.lambda-url.us-east-1.on.aws", "routeKey": "$default", "apiId": "abc"}
    assert ask(handler, event)[:2] == ask(handler, rows_event(GOOD))[:2]


def test_a_base64_body_is_decoded(handler: ModelHandler) -> None:
    body = base64.b64encode(json.dumps(GOOD).encode()).decode()
    assert ask(handler, rows_event(body, isBase64Encoded=True))[0] == 200
    status, answer, _ = ask(handler, rows_event("%%%", isBase64Encoded=True))
    assert (status, answer["type"]) == (400, "urn:modelet:problem:malformed-body")


def test_a_body_that_cannot_be_decoded_is_refused_in_the_protocol_s_own_words(handler: ModelHandler) -> None:
    event = at("POST", "/v2/models/tiny/infer", isBase64Encoded=True)
    status, answer, headers = ask(handler, {**event, "body": "%%%"})
    assert (status, headers["content-type"]) == (400, "application/json")
    assert answer["error"] == answer["detail"]


def test_the_model_and_its_openapi_document_are_described(handler: ModelHandler) -> None:
    _, described, _ = ask(handler, at("GET", "/models/tiny"))
    assert (described["model"], described["version"], described["metric"]) == ("tiny", "1", "accuracy")
    _, document, _ = ask(handler, at("GET", described["links"]["openapi"]))
    assert document["openapi"] == "3.1.0"
    assert "post" in document["paths"][described["links"]["infer"]]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("", 400, "malformed-body"),
        ("{", 400, "malformed-body"),
        ("[" * 5000, 400, "malformed-body"),
        ('{"a": ' + "9" * 5000 + "}", 400, "malformed-body"),
        ("\ud800", 400, "malformed-body"),
        ('{"instances": [{"a": NaN, "b": 1}]}', 422, "contract"),
        ('{"instances": [{"a": Infinity, "b": 1}]}', 422, "contract"),
        ('{"instances": [{"a": 1e999, "b": 1}]}', 422, "contract"),
        ({"instances": []}, 422, "contract"),
        ({"instances": {}}, 422, "contract"),
        ({"instances": [GOOD], "extra": 1}, 422, "contract"),
        ({"instances": [{**GOOD, "c": 1}]}, 422, "contract"),
        ({"instances": [[1, 2]]}, 422, "contract"),
        ({"instances": [None]}, 422, "contract"),
        ({"instances": [BAD]}, 422, "contract"),
        ([GOOD], 422, "contract"),
        ("null", 422, "contract"),
        ("5", 422, "contract"),
        ({"instances": [GOOD] * 100_001}, 413, "too-large"),
        ({"instances": [BAD] * 100_001}, 413, "too-large"),
    ],
)
def test_bad_bodies_are_refused_with_a_problem(handler: ModelHandler, body: Any, status: int, kind: str) -> None:
    got, problem, headers = ask(handler, rows_event(body))
    assert (got, problem["type"]) == (status, f"urn:modelet:problem:{kind}")
    assert headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["detail"]


@pytest.mark.parametrize("others", [1, 2, 150])
def test_every_field_beside_the_instances_is_counted(handler: ModelHandler, others: int) -> None:
    names = [f"extra{place}" for place in range(others)]
    status, problem, _ = ask(handler, rows_event({"instances": [GOOD], **dict.fromkeys(names, 1)}))
    assert (status, problem["count"]) == (422, others)
    assert [(one["instance"], one["field"]) for one in problem["errors"]] == [(None, name) for name in names[:100]]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(handler: ModelHandler, kind: str) -> None:
    status, problem, headers = ask(handler, rows_event({"instances": [GOOD]}, headers={"content-type": kind}))
    assert (status, problem["title"]) == (415, "Unsupported media type")
    assert "application/json" in problem["detail"]
    assert headers["accept"] == "application/json"


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_a_rest_api_s_header_counts_however_its_caller_wrote_it(handler: ModelHandler, name: str) -> None:
    event = {
        "httpMethod": "POST",
        "path": "/models/tiny/infer",
        "headers": {name: "text/plain"},
        "requestContext": {"stage": "prod"},
        "body": json.dumps({"instances": [GOOD]}),
    }
    assert ask(handler, event)[0] == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"])
def test_json_by_any_of_its_names_is_taken(handler: ModelHandler, kind: str) -> None:
    assert ask(handler, rows_event({"instances": [GOOD]}, headers={"content-type": kind}))[0] == 200


@pytest.mark.parametrize("path", ["/models/tiny/infer", "/v2/models/tiny/infer"])
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x" * 200])
def test_a_compressed_body_is_refused_with_what_is_taken_instead(handler: ModelHandler, path: str, coding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding}
    status, _, answered = ask(handler, {**at("POST", path), "headers": headers, "body": "x"})
    assert (status, answered["accept-encoding"]) == (415, "identity")
    assert "accept" not in answered


@pytest.mark.parametrize(
    "path", ["/models/tiny", "/models/tiny/openapi.json", "/v2/models/tiny", "/v2/models/tiny/ready"]
)
def test_head_is_answered_where_get_is(handler: ModelHandler, path: str) -> None:
    status, body, headers = ask(handler, at("HEAD", path))
    got, expected, as_get = ask(handler, at("GET", path))
    assert (status, body, headers) == (got, expected, {**as_get, "x-request-id": headers["x-request-id"]})
    assert status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/models/tiny/infer", "POST"),
        ("HEAD", "/models/tiny/infer", "POST"),
        ("PUT", "/models/tiny", "GET, HEAD"),
        ("DELETE", "/v2/models/tiny/infer", "POST"),
        ("POST", "/v2/models/tiny", "GET, HEAD"),
    ],
)
def test_a_wrong_method_names_those_that_are_answered(
    handler: ModelHandler, method: str, path: str, allow: str
) -> None:
    status, _, headers = ask(handler, at(method, path))
    assert (status, headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path",
    ["/", "", "/models", "/models/other/infer", "/models/tiny/nothing", "/v2/models/tiny/versions/9/infer", "/%"],
)
def test_a_path_that_leads_nowhere_is_a_404(handler: ModelHandler, path: str) -> None:
    assert ask(handler, at("POST", path))[0] == 404


def test_a_slash_at_the_end_changes_nothing(handler: ModelHandler) -> None:
    assert ask(handler, at("GET", "/models/tiny/"))[0] == 200


def test_a_partial_answer_holds_a_problem_in_each_bad_place(handler: ModelHandler) -> None:
    event = rows_event({"instances": [BAD, GOOD, {"a": 1}]}, rawQueryString="partial=true")
    status, answer, _ = ask(handler, event)
    assert status == 200
    first, second, third = answer["predictions"]
    assert (first["status"], second["label"], third["status"]) == (422, "high", 422)
    assert [one["field"] for one in first["errors"]] == ["a", "b"]
    assert third["errors"][0]["instance"] == 2


def test_a_partial_answer_to_a_bare_instance_is_its_problem(handler: ModelHandler) -> None:
    status, answer, _ = ask(handler, rows_event(BAD, rawQueryString="partial=true"))
    assert (status, answer["status"]) == (422, 422)


def test_a_number_that_only_preprocessing_can_refuse_is_named_by_its_place(handler: ModelHandler) -> None:
    huge = {"a": 1, "b": 1e39}
    status, problem, _ = ask(handler, rows_event({"instances": [GOOD, huge]}))
    assert (status, problem["errors"][0]["instance"], problem["errors"][0]["field"]) == (422, 1, "b")
    event = rows_event({"instances": [BAD, huge, GOOD, huge]}, rawQueryString="partial=true")
    status, answer, _ = ask(handler, event)
    assert status == 200
    assert [one.get("status", one.get("label")) for one in answer["predictions"]] == [422, 422, "high", 422]
    assert [one["errors"][0]["instance"] for one in answer["predictions"] if "errors" in one] == [0, 1, 3]
    event = rows_event({"instances": [huge]}, rawQueryString="partial=true")
    assert ask(handler, event)[1]["predictions"][0]["status"] == 422


@pytest.mark.parametrize(
    "event",
    [
        rows_event(GOOD, rawPath="/models/\ud800"),
        rows_event(GOOD, headers={"content-type": "\udfff"}),
        rows_event(GOOD, rawQueryString="partial=\ud800"),
        rest("P\ud800T", "/models/tiny/infer"),
        rest("POST", "/models/tiny/infer", GOOD, queryStringParameters={"partial": ["x", 1]}),
        rows_event(GOOD, requestContext={"http": {"method": "POST", "path": "/x"}, "stage": 1}, rawPath="/nowhere"),
    ],
)
def test_an_event_that_is_no_text_is_answered_all_the_same(handler: ModelHandler, event: dict[str, Any]) -> None:
    assert 400 <= ask(handler, event)[0] < 500


def test_an_error_is_told_in_the_words_of_the_protocol_that_was_asked(handler: ModelHandler) -> None:
    assert "error" in ask(handler, at("GET", "//v2/nothing"))[1]
    assert "error" not in ask(handler, at("GET", "/v2foo"))[1]


def test_a_flag_that_is_neither_true_nor_false_is_refused(handler: ModelHandler) -> None:
    status, problem, _ = ask(handler, rows_event({"instances": [GOOD]}, rawQueryString="partial=maybe"))
    assert status == 400
    assert "maybe" in problem["detail"]


def test_a_hundred_violations_are_listed_of_all_that_are_counted(handler: ModelHandler) -> None:
    status, problem, _ = ask(handler, rows_event({"instances": [BAD] * 100_000}))
    assert (status, len(problem["errors"]), problem["count"]) == (422, 100, 200_000)
    assert problem["errors"][-1]["instance"] == 49
    assert ask(handler, rows_event(GOOD))[0] == 200


def test_an_answer_above_lambda_s_limit_names_batches(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = """
from modelet import Model, ModelHandler

class Loud(Model[int, str]):
    def infer(self, inputs: list[int]) -> list[str]:
        return ["x" * count for count in inputs]

handler = ModelHandler(Loud)
"""
    tiny = make_tiny(tmp_path_factory.mktemp("loud"), app=app)
    with in_process(tiny.function, tiny.settings) as loud:
        assert ask(loud, rows_event({"instances": [RESPONSE_LIMIT - 1000]}))[0] == 200
        status, problem, _ = ask(loud, rows_event({"instances": [RESPONSE_LIMIT]}))
        assert status == 413
        assert "batches" in problem["detail"]
        least = RESPONSE_LIMIT - 1000
        room = RESPONSE_LIMIT - encoded_size(loud(rows_event({"instances": [least]}), Context()))
        assert ask(loud, rows_event({"instances": [least + room]}))[0] == 200, "exactly the limit"
        assert ask(loud, rows_event({"instances": [least + room + 1]}))[0] == 413


ANY_TEXT = st.text(st.characters(codec=None), max_size=8)
HTTP_VALUES = st.none() | st.booleans() | st.integers() | ANY_TEXT | st.binary(max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(st.sampled_from(["instances", "a", "b", "inputs", "name", "data", "x"]), child, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(
    st.text(max_size=40) | JSON_VALUES.map(json.dumps), st.sampled_from(["/models/tiny/infer", "/v2/models/tiny/infer"])
)
def test_no_body_makes_a_fault(handler: ModelHandler, body: str, path: str) -> None:
    context = {"http": {"method": "POST", "path": path}, "stage": "$default"}
    status, _, _ = ask(handler, rows_event(body, rawPath=path, requestContext=context))
    assert status in {200, 400, 404, 413, 422}
    assert ask(handler, rows_event({"instances": [GOOD]}))[0] == 200, "the environment goes on serving"


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {
            "requestContext": st.fixed_dictionaries(
                {"http": st.dictionaries(st.sampled_from(["method", "path"]), HTTP_VALUES)}
            )
        },
        optional={
            "rawPath": HTTP_VALUES,
            "rawQueryString": HTTP_VALUES,
            "headers": HTTP_VALUES | st.dictionaries(st.text(max_size=5), HTTP_VALUES, max_size=3),
            "body": HTTP_VALUES,
            "isBase64Encoded": HTTP_VALUES,
        },
    )
)
def test_no_event_makes_a_fault(handler: ModelHandler, event: dict[str, Any]) -> None:
    status, _, _ = ask(handler, event)
    assert 400 <= status < 500


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {"httpMethod": ANY_TEXT, "requestContext": st.fixed_dictionaries({}, optional={"stage": HTTP_VALUES})},
        optional={
            "path": HTTP_VALUES | st.just("/models/tiny/infer"),
            "headers": HTTP_VALUES | st.dictionaries(ANY_TEXT, HTTP_VALUES, max_size=3),
            "queryStringParameters": HTTP_VALUES | st.dictionaries(ANY_TEXT, HTTP_VALUES, max_size=3),
            "body": HTTP_VALUES,
            "isBase64Encoded": HTTP_VALUES,
        },
    )
)
def test_no_rest_event_makes_a_fault(handler: ModelHandler, event: dict[str, Any]) -> None:
    assert 400 <= ask(handler, event)[0] < 500


@settings(max_examples=200)
@given(JSON_VALUES)
def test_no_direct_event_makes_a_fault(handler: ModelHandler, event: Any) -> None:
    answer = handler(event, Context())
    assert answer["status"] < 500 if "status" in answer else answer["label"] or answer["predictions"]
