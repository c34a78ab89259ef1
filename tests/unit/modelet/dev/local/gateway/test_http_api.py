"""Payload format 2.0, held against AWS's published sample and Powertools' models of it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.local.gateway.http_api import HttpApi
from modelet.dev.local.gateway.request import GatewayRequest
from modelet.dev.local.gateway.response import Trouble
from modelet.dev.project.routes import Route

API = HttpApi()
SAMPLE: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"header1": "value1", "header2": "value1,value2"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api-id",
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "time": "12/Mar/2020:19:03:58 +0000",
        "timeEpoch": 1583348638390,
    },
    "body": "Hello from Lambda",
    "pathParameters": {"parameter1": "value1"},
    "isBase64Encoded": False,
}
"""AWS's published sample, without what needs an authorizer, mutual TLS or stage variables.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
"""


def request(**given: Any) -> GatewayRequest:
    return GatewayRequest(
        **{
            "method": "POST",
            "path": "/my/path",
            "query": "",
            "protocol": "HTTP/1.1",
            "headers": [("Host", "id.execute-api.us-east-1.amazonaws.com"), ("User-Agent", "agent")],
            "body": b"",
            "source_ip": "192.0.2.1",
            "port": 8000,
            "time": 1583348638.390,
            "trace": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
            **given,
        }
    )


def event(asked: GatewayRequest, route: Route | None = None) -> dict[str, Any]:
    request_id = API.new_id()
    found: dict[str, Any] = json.loads(API.event(asked, route or Route("echo"), request_id))
    assert found["requestContext"]["requestId"] == request_id
    return found


def shape(value: Any) -> Any:
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else type(value)


def full() -> dict[str, Any]:
    asked = request(
        query=SAMPLE["rawQueryString"],
        headers=[
            ("Host", "id.execute-api.us-east-1.amazonaws.com"),
            ("User-Agent", "agent"),
            ("Content-Type", "text/plain"),
            ("Header1", "value1"),
            ("Header2", "value1"),
            ("HEADER2", "value2"),
            ("Cookie", "cookie1; cookie2"),
        ],
        body=b"Hello from Lambda",
    )
    return event(asked, Route("echo", "/my/{parameter1}", {"parameter1": "value1"}))


def test_an_event_has_the_shape_of_aws_published_sample() -> None:
    ours = full()
    headers = ours.pop("headers")
    expected = {name: value for name, value in SAMPLE.items() if name != "headers"}
    assert shape(ours) == shape(expected)
    for name in ("version", "rawPath", "rawQueryString", "cookies", "queryStringParameters", "body", "pathParameters"):
        assert ours[name] == SAMPLE[name]
    assert headers.items() >= SAMPLE["headers"].items()
    assert ours["requestContext"]["http"] == SAMPLE["requestContext"]["http"]
    assert ours["requestContext"]["domainPrefix"] == "id"
    assert ours["requestContext"]["timeEpoch"] == 1583348638390
    assert ours["requestContext"]["time"] == "04/Mar/2020:19:03:58 +0000"


def test_powertools_models_accept_an_event_and_read_the_same_from_it() -> None:
    ours = full()
    model = APIGatewayProxyEventV2Model.model_validate(ours)
    assert model.requestContext.http.method == "POST"
    assert model.requestContext.timeEpoch.timestamp() == pytest.approx(1583348638.390)
    read = APIGatewayProxyEventV2(ours)
    assert read.cookies == ["cookie1", "cookie2"]
    assert read.path == "/my/path"
    assert read.headers["header2"] == "value1,value2"
    assert read.query_string_parameters == SAMPLE["queryStringParameters"]
    APIGatewayProxyEventV2Model.model_validate(event(request(method="GET", headers=[])))


def test_what_has_no_content_is_absent() -> None:
    assert set(event(request(method="GET"))) == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }


def test_names_of_headers_are_lower_case_and_the_gateways_own_are_its_own() -> None:
    headers = event(
        request(
            headers=[
                ("Host", "h:8000"),
                ("X-Forwarded-For", "203.0.113.7"),
                ("X-Forwarded-Proto", "https"),
                ("X-Amzn-Trace-Id", "forged"),
                ("Accept", "a"),
                ("ACCEPT", "b"),
            ],
            body=b"12",
        )
    )["headers"]
    assert headers == {
        "host": "h:8000",
        "accept": "a,b",
        "content-length": "2",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": "203.0.113.7, 192.0.2.1",
        "x-forwarded-port": "8000",
        "x-forwarded-proto": "http",
    }


def test_the_path_is_decoded_and_ends_at_a_decoded_question_mark() -> None:
    for sent, seen in [("/capture/space%20value", "/capture/space value"), ("/a%2Fb", "/a/b"), ("/a%3Fb/c", "/a")]:
        built = event(request(path=sent))
        assert built["rawPath"] == built["requestContext"]["http"]["path"] == seen


def test_the_query_is_kept_raw_and_its_parameters_are_decoded() -> None:
    query = (
        "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=&flag"
    )
    built = event(request(query=query))
    assert built["rawQueryString"] == query
    assert built["queryStringParameters"] == {
        "repeat": "one,two",
        "redirect": "https://example.com/a/b",
        "literalPlus": "a b",
        "encodedPlus": "a+b",
        "empty": "",
        "flag": "",
    }


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/csv", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/octet-stream", False),
        ("application/x-www-form-urlencoded", False),
        ("image/png", False),
        ("", False),
    ],
)
def test_a_body_is_text_or_base64_by_its_type(content_type: str, *, text: bool) -> None:
    built = event(request(headers=[("content-type", content_type)] if content_type else [], body=b'{"a": 1}'))
    assert built["isBase64Encoded"] is not text
    assert built["body"] == ('{"a": 1}' if text else base64.b64encode(b'{"a": 1}').decode())


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-_"), min_size=1, max_size=20)
VALUES = st.text(st.characters(codec="latin-1", min_codepoint=32, exclude_characters="\x7f"), max_size=30).map(
    str.strip
)


@given(st.binary(max_size=200))
def test_bytes_of_a_body_survive(body: bytes) -> None:
    built = event(request(headers=[("content-type", "application/octet-stream")], body=body))
    assert base64.b64decode(built.get("body", "")) == body


@given(st.text(max_size=200))
def test_text_of_a_body_survives(body: str) -> None:
    sent = body.encode("utf-8", "replace")
    built = event(request(headers=[("content-type", "application/json")], body=sent))
    assert built.get("body", "").encode() == sent


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_headers_survive_whatever_they_are(headers: list[tuple[str, str]]) -> None:
    ours = {"host", "user-agent", "content-length", "cookie", "x-amzn-trace-id"}
    sent = [(name, value) for name, value in headers if name.lower() not in ours and not name.lower().startswith("x-f")]
    seen = event(request(headers=sent))["headers"]
    for name, value in sent:
        assert value in seen[name.lower()]
    assert {name for name in seen if not name.startswith("x-")} <= {name.lower() for name, _ in sent}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=10), st.text(max_size=10)), max_size=6))
def test_parameters_survive_their_encoding(pairs: list[tuple[str, str]]) -> None:
    clean = [
        (name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode()) for name, value in pairs
    ]
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in clean)
    expected: dict[str, list[str]] = {}
    for name, value in clean:
        expected.setdefault(name, []).append(value)
    built = event(request(query=query))
    assert built.get("queryStringParameters", {}) == {name: ",".join(values) for name, values in expected.items()}
    assert built["rawQueryString"] == query


@given(st.text(st.characters(exclude_characters="?", exclude_categories=["Cs"]), max_size=30))
def test_a_path_survives_its_encoding(path: str) -> None:
    assert event(request(path="/" + quote(path)))["rawPath"] == "/" + unquote(quote(path))


def answered(value: Any) -> tuple[int, dict[str, list[str]], bytes]:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    answer = API.answer(payload, request(), "the-id=")
    headers: dict[str, list[str]] = {}
    for name, text in answer.headers:
        headers.setdefault(name.decode(), []).append(text.decode())
    assert headers.pop("apigw-requestid") == ["the-id="]
    return answer.status, headers, answer.body


@pytest.mark.parametrize("value", [{"message": "Hello from Lambda!"}, "Hello from Lambda!", [1, 2], 3, None, {}])
def test_json_without_a_status_is_the_body_of_a_200(value: Any) -> None:
    assert answered(value) == (200, {"content-type": ["application/json"]}, json.dumps(value).encode())


def test_a_full_answer_is_handed_back() -> None:
    value = {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json", "X-Number": 5, "X-Flag": True, "Content-Length": "999"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": '{"a": "한"}',
    }
    headers = {
        "content-type": ["application/json"],
        "x-number": ["5"],
        "x-flag": ["true"],
        "set-cookie": ["a=1; Path=/", "b=2"],
    }
    assert answered(value) == (201, headers, '{"a": "한"}'.encode())


def test_the_type_is_text_where_an_answer_names_none() -> None:
    assert answered({"statusCode": "404"}) == (404, {"content-type": ["text/plain;charset=UTF-8"]}, b"")


def test_a_base64_body_goes_back_as_bytes() -> None:
    body = base64.b64encode(b"\x89PNG\x00\xff").decode()
    assert answered({"statusCode": 200, "isBase64Encoded": True, "body": body})[2] == b"\x89PNG\x00\xff"
    assert answered({"statusCode": 200, "isBase64Encoded": False, "body": body})[2] == body.encode()


@pytest.mark.parametrize(
    "value",
    [
        b"no json",
        b"\xff",
        b"[" * 100_000,
        {"statusCode": "ok"},
        b'{"statusCode": Infinity}',
        b'{"statusCode": NaN}',
        {"statusCode": 99},
        {"statusCode": 1000},
        {"statusCode": True},
        {"statusCode": 200.5},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a\r\nb": "c"}},
        {"statusCode": 200, "headers": {"a": "b\r\nset-cookie: c"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\r\nx: y"]},
        {"statusCode": 200, "isBase64Encoded": True, "body": "not base64"},
    ],
)
def test_a_malformed_answer_is_no_answer(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        answered(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("statusCode", "headers", "cookies", "body", "isBase64Encoded"), JSON)
    )
)
def test_any_answer_is_read_or_refused(value: dict[str, Any]) -> None:
    try:
        status, headers, _ = answered(value)
    except (TypeError, ValueError):
        return
    assert 200 <= status <= 599
    assert not any(unsafe in text for texts in headers.values() for text in texts for unsafe in "\r\n\0")


@pytest.mark.parametrize(
    ("trouble", "status", "message"),
    [
        (Trouble.NO_ROUTE, 404, "Not Found"),
        (Trouble.BODY_TOO_LARGE, 413, "Request Entity Too Large"),
        (Trouble.THROTTLED, 503, "Service Unavailable"),
        (Trouble.FUNCTION_FAILED, 500, "Internal Server Error"),
        (Trouble.MALFORMED_ANSWER, 500, "Internal Server Error"),
        (Trouble.TIMED_OUT, 503, "Service Unavailable"),
    ],
)
def test_what_the_gateway_refuses_has_aws_own_body(trouble: Trouble, status: int, message: str) -> None:
    answer = API.refuse(trouble, "id")
    assert (answer.status, answer.body) == (status, json.dumps({"message": message}).encode())
    assert (b"content-type", b"application/json") in answer.headers
