"""The routes of a plain predictor, by HTTP and by direct invocation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelet.handler import ModelHandler
from support.contexts import Context
from support.events import http_event, rest_event
from support.predictors import INFER, call, make, opened

CODE = """
from modelet import Response

class Predictor:
    def predict(self, payload, query_params):
        match query_params.get("do") or (payload or {}).get("do"):
            case "bytes":
                return b"\\x89\\x00"
            case "text":
                return "123"
            case "latin":
                return Response(b"\\xe9", headers={"content-type": "text/plain; charset=latin-1"})
            case "utf-16":
                return Response("a".encode("utf-16-le"), headers={"content-type": "text/plain; charset=utf-16le"})
            case "nothing":
                return Response(b"", headers={"content-type": "application/json"})
            case "exit":
                raise SystemExit(3)
            case "status":
                return Response({"a": 1}, 202)
            case "problem":
                return Response({"title": "No"}, 409, {"content-type": "application/problem+json"})
        return [payload, query_params]
"""


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHandler]:
    with opened(make(tmp_path_factory.mktemp("project"), CODE)) as found:
        yield found


def test_infer_answers_as_the_predictor_does(handler: ModelHandler) -> None:
    assert call(handler, {"a": 1}) == (200, "application/json", [{"a": 1}, {}])
    assert call(handler, {"a": 1}, f"{INFER}?a=%20b") == (200, "application/json", [{"a": 1}, {"a": " b"}])
    assert call(handler, None, f"{INFER}?do=bytes") == (200, "application/octet-stream", b"\x89\x00")
    assert call(handler, None, f"{INFER}?do=text") == (200, "text/plain; charset=utf-8", "123")


def test_bytes_leave_as_base64_and_texts_do_not(handler: ModelHandler) -> None:
    for name, encoded in (("bytes", True), ("text", False)):
        assert handler(http_event("POST", f"{INFER}?do={name}"), Context())["isBase64Encoded"] is encoded


def test_bytes_behind_a_rest_api_are_refused(handler: ModelHandler, capfd: pytest.CaptureFixture[str]) -> None:
    status = {
        name: handler(rest_event("POST", f"{INFER}?do={name}"), Context())["statusCode"] for name in ("bytes", "text")
    }

    assert status == {"bytes": 500, "text": 200}
    assert "use an HTTP API" in capfd.readouterr().out


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_reaches_the_predictor(handler: ModelHandler, method: str) -> None:
    assert call(handler, None, method=method)[0] == 405


@pytest.mark.parametrize("path", ["", "/infer"])
def test_tensors_are_refused_with_what_there_is(handler: ModelHandler, path: str) -> None:
    status, _, problem = call(handler, None, f"/v2/models/tool{path}", "POST" if path else "GET")

    assert status == 404
    assert problem["error"].endswith("it has no contract, and so no tensors. Use POST /models/tool/infer.")


def test_the_other_routes_are_those_of_a_model(handler: ModelHandler) -> None:
    version = handler.service.version
    assert call(handler, None, "/models/tool", "GET")[2]["version"] == version
    assert call(handler, None, f"/v2/models/tool/versions/{version}/ready", "GET")[2] == {"name": "tool", "ready": True}
    assert call(handler, None, "/v2/models/tool/versions/other/ready", "GET")[0] == 404
    assert call(handler, None, "/models/tool/other", "GET")[0] == 404


def gateways(status: int, kind: str, body: str, *, is_base64: bool) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": kind}, "body": body, "isBase64Encoded": is_base64}


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"a": 1}, [{"a": 1}, {}]),
        ({"do": "text"}, "123"),
        ({"do": "bytes"}, gateways(200, "application/octet-stream", "iQA=", is_base64=True)),
        ({"do": "status"}, gateways(202, "application/json", '{"a":1}', is_base64=False)),
        ({"do": "problem"}, {"title": "No"}),
    ],
)
def test_a_direct_invocation_has_the_value_or_what_the_gateway_gets(
    handler: ModelHandler, event: Any, answer: Any
) -> None:
    assert json.loads(json.dumps(handler(event, Context()))) == answer


@pytest.mark.parametrize(
    ("do", "body", "encoded"), [("latin", "6Q==", True), ("utf-16", "a\0", False), ("nothing", "", False)]
)
def test_an_invocation_gets_what_is_neither_json_nor_utf_8_as_a_gateway_does(
    handler: ModelHandler, do: str, body: str, encoded: bool
) -> None:
    answered = handler({"do": do}, Context())

    assert (answered["statusCode"], answered["body"], answered["isBase64Encoded"]) == (200, body, encoded)


def test_a_predictor_that_ends_the_process_is_a_model_that_failed(
    handler: ModelHandler, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(handler, None, f"{INFER}?do=exit")[0] == 500
    assert "called sys.exit(3)" in capfd.readouterr().out
