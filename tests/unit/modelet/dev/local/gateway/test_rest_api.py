"""Payload format 1.0, held against AWS's published sample and Powertools' models of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel
from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.local.gateway.request import GatewayRequest
from modelet.dev.local.gateway.response import Trouble
from modelet.dev.local.gateway.rest_api import RestApi
from modelet.dev.project.routes import Route

API = RestApi()
SAMPLE: dict[str, Any] = {
    "resource": "/my/path",
    "path": "/my/path",
    "httpMethod": "GET",
    "headers": {"header1": "value1", "header2": "value2"},
    "multiValueHeaders": {"header1": ["value1"], "header2": ["value1", "value2"]},
    "queryStringParameters": {"parameter1": "value2", "parameter2": "value"},
    "multiValueQueryStringParameters": {"parameter1": ["value1", "value2"], "parameter2": ["value"]},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "id",
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "extendedRequestId": "request-id",
        "httpMethod": "GET",
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": "192.0.2.1",
            "user": None,
            "userAgent": "user-agent",
            "userArn": None,
        },
        "path": "/my/path",
        "protocol": "HTTP/1.1",
        "requestId": "id=",
        "requestTime": "04/Mar/2020:19:15:17 +0000",
        "requestTimeEpoch": 1583349317135,
        "resourceId": "id",
        "resourcePath": "/my/path",
        "stage": "$default",
    },
    "pathParameters": None,
    "stageVariables": None,
    "body": "Hello from Lambda!",
    "isBase64Encoded": False,
}
"""AWS's published sample, without what needs an authorizer or mutual TLS.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html.
"""


def request(**given: Any) -> GatewayRequest:
    return GatewayRequest(
        **{
            "method": "GET",
            "path": "/my/path",
            "query": "",
            "protocol": "HTTP/1.1",
            "headers": [("Host", "id.execute-api.us-east-1.amazonaws.com"), ("User-Agent", "user-agent")],
            "body": b"",
            "source_ip": "192.0.2.1",
            "port": 8000,
            "time": 1583349317.135,
            "trace": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
            **given,
        }
    )


def event(asked: GatewayRequest, route: Route | None = None, api: RestApi = API) -> dict[str, Any]:
    request_id = api.new_id()
    found: dict[str, Any] = json.loads(api.event(asked, route or Route("echo"), request_id))
    assert found["requestContext"]["requestId"] == request_id
    return found


def shape(value: Any) -> Any:
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else type(value)


def full() -> dict[str, Any]:
    asked = request(
        query="parameter1=value1&parameter1=value2&parameter2=value",
        headers=[
            ("Host", "id.execute-api.us-east-1.amazonaws.com"),
            ("User-Agent", "user-agent"),
            ("header1", "value1"),
            ("header2", "value1"),
            ("Header2", "value2"),
        ],
        body=b"Hello from Lambda!",
    )
    return event(asked, Route("echo", "/my/path"))


def test_an_event_has_the_shape_of_aws_published_sample() -> None:
    ours = full()
    headers, multi = ours.pop("headers"), ours.pop("multiValueHeaders")
    context = ours["requestContext"]
    assert context.pop("deploymentId")
    expected = {name: value for name, value in SAMPLE.items() if name not in {"headers", "multiValueHeaders"}}
    assert shape(ours) == shape(expected)
    assert headers.items() >= SAMPLE["headers"].items()
    assert multi.items() >= SAMPLE["multiValueHeaders"].items()
    for name in ("path", "httpMethod", "queryStringParameters", "multiValueQueryStringParameters", "body"):
        assert ours[name] == SAMPLE[name]
    assert context["identity"] == SAMPLE["requestContext"]["identity"]
    assert (context["requestTime"], context["requestTimeEpoch"]) == ("04/Mar/2020:19:15:17 +0000", 1583349317135)


def test_powertools_models_accept_an_event_and_read_the_same_from_it() -> None:
    ours = full()
    model = APIGatewayProxyEventModel.model_validate(ours)
    assert model.requestContext.requestTimeEpoch.timestamp() == pytest.approx(1583349317.135)
    read = APIGatewayProxyEvent(ours)
    assert read.path == "/my/path"
    assert read.multi_value_headers["header2"] == ["value1", "value2"]
    assert read.multi_value_query_string_parameters == SAMPLE["multiValueQueryStringParameters"]
    APIGatewayProxyEventModel.model_validate(event(request(headers=[])))


def test_what_has_no_content_is_null() -> None:
    ours = event(request(path="/"))
    absent = {name for name, value in ours.items() if value is None}
    assert absent == {
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    }
    assert ours["isBase64Encoded"] is False


def test_headers_keep_the_callers_case_and_the_gateways_own_are_its_own() -> None:
    headers = [("host", "h:1"), ("user-agent", "u"), ("X-CUSTOM", "1"), ("x-custom", "2"), ("Content-Length", "2")]
    ours = event(request(headers=headers, body=b"12"))
    assert ours["multiValueHeaders"] == {
        "Host": ["h:1"],
        "User-Agent": ["u"],
        "X-CUSTOM": ["1", "2"],
        "X-Amzn-Trace-Id": ["Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"],
        "X-Forwarded-For": ["192.0.2.1"],
        "X-Forwarded-Port": ["8000"],
        "X-Forwarded-Proto": ["http"],
    }
    assert ours["headers"]["X-CUSTOM"] == "2"


def test_the_path_stays_encoded_and_the_query_does_not() -> None:
    ours = event(request(path="/capture/space%20value", query="literalPlus=a+b&encodedPlus=a%2Bb&empty="))
    assert ours["path"] == "/capture/space%20value"
    assert ours["resource"] == ours["requestContext"]["resourcePath"] == "/{proxy+}"
    assert ours["pathParameters"] == {"proxy": "capture/space%20value"}
    assert ours["requestContext"]["path"] == "/prod/capture/space%20value"
    assert ours["queryStringParameters"] == {"literalPlus": "a b", "encodedPlus": "a+b", "empty": ""}


def test_a_body_is_text_unless_its_type_is_declared_binary() -> None:
    png = request(headers=[("content-type", "image/png")], body=b"\x89PNG")
    assert event(png)["body"] == "\ufffdPNG"
    ours = event(png, api=RestApi(("image/*",)))
    assert (ours["body"], ours["isBase64Encoded"]) == (base64.b64encode(b"\x89PNG").decode(), True)


@given(st.text(max_size=200))
def test_text_of_a_body_survives(body: str) -> None:
    sent = body.encode("utf-8", "replace")
    assert (event(request(body=sent))["body"] or "").encode() == sent


@given(st.binary(max_size=200))
def test_bytes_of_a_binary_body_survive(body: bytes) -> None:
    asked = request(headers=[("content-type", "application/octet-stream")], body=body)
    assert base64.b64decode(event(asked, api=RestApi(("*/*",)))["body"] or "") == body


def answered(value: Any, api: RestApi = API, **given: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    answer = api.answer(payload, request(**given), "the-id")
    headers = [(name.decode(), text.decode()) for name, text in answer.headers]
    assert headers.pop() == ("x-amzn-requestid", "the-id")
    return answer.status, headers, answer.body


def test_a_full_answer_is_handed_back() -> None:
    value = {
        "statusCode": "201",
        "headers": {"Content-Type": "text/csv", "X-One": "1", "X-Flag": True, "Content-Length": "9"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-one": ["1", "2"]},
        "body": "한",
        "isBase64Encoded": False,
    }
    status, headers, body = answered(value)
    assert (status, body) == (201, "한".encode())
    assert sorted(headers) == [
        ("Content-Type", "text/csv"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Flag", "true"),
        ("x-one", "1"),
        ("x-one", "2"),
    ]


def test_nothing_is_mandatory_and_the_type_is_json() -> None:
    assert answered({}) == (200, [("content-type", "application/json")], b"")


def test_some_headers_come_back_under_another_name() -> None:
    headers = {"WWW-Authenticate": "Bearer", "Date": "then", "Connection": "close"}
    assert answered({"statusCode": 401, "headers": headers})[1] == [
        ("content-type", "application/json"),
        ("x-amzn-Remapped-WWW-Authenticate", "Bearer"),
        ("x-amzn-Remapped-Date", "then"),
    ]


def test_a_base64_body_goes_back_as_bytes_only_to_who_accepts_a_binary_type() -> None:
    text = base64.b64encode(b"\x89PNG").decode()
    value = {"statusCode": 200, "isBase64Encoded": True, "body": text}
    assert answered(value)[2] == text.encode()
    api = RestApi(("image/*",))
    assert answered(value, api, headers=[("accept", "image/png,*/*")])[2] == b"\x89PNG"
    assert answered(value, api, headers=[("accept", "application/json")])[2] == text.encode()


@pytest.mark.parametrize(
    "value",
    [
        b"no json",
        b"[" * 100_000,
        None,
        "text",
        [1],
        {"statusCode": 200, "message": "another field"},
        {"message": "Hello from Lambda!"},
        {"statusCode": "ok"},
        b'{"statusCode": Infinity}',
        b'{"statusCode": NaN}',
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": {"a": 5}},
        {"statusCode": 200, "headers": {"a": None}},
        {"statusCode": 200, "multiValueHeaders": {"a": [["b"]]}},
        {"statusCode": 200, "multiValueHeaders": ["a"]},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
    ],
)
def test_a_malformed_answer_is_no_answer(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        answered(value)


@pytest.mark.parametrize(
    ("trouble", "status", "body"),
    [
        (Trouble.NO_ROUTE, 403, b'{"message": "Missing Authentication Token"}'),
        (Trouble.BODY_TOO_LARGE, 413, b"HTTP content length exceeded 10485760 bytes."),
        (Trouble.EVENT_TOO_LARGE, 413, b'{"message": "Request Too Long"}'),
        (Trouble.THROTTLED, 500, b'{"message": "Internal server error"}'),
        (Trouble.FUNCTION_FAILED, 502, b'{"message": "Internal server error"}'),
        (Trouble.MALFORMED_ANSWER, 502, b'{"message": "Internal server error"}'),
        (Trouble.TIMED_OUT, 504, b'{"message": "Endpoint request timed out"}'),
    ],
)
def test_what_the_gateway_refuses_has_aws_own_body(trouble: Trouble, status: int, body: bytes) -> None:
    answer = API.refuse(trouble, "id")
    assert (answer.status, answer.body) == (status, body)
