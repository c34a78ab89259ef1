"""Bodies that are not UTF-8, or say that they are not: refused by every kind of event, never predicted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelet.dev.local.gateway.http_event import http_event as gateway_event
from modelet.dev.local.gateway.request import GatewayRequest
from modelet.dev.local.gateway.rest_event import rest_event as gateway_rest_event
from modelet.dev.project.routes import Route
from modelet.edges import direct, http
from modelet.edges.base import Call
from modelet.model import Model
from support.events import http_event, rest_event
from support.services import service

WELL = "정말 재미있어요"
OTHERS = ("euc-kr", "cp949", "shift_jis", "gb18030", "iso-8859-1", "windows-1252", "utf-16", "utf-32", "utf-7")
RAW = {
    "euc-kr": WELL.encode("euc-kr"),
    "latin-1": "déjà vu".encode("latin-1"),
    "a byte that never is": b"\xff",
    "a byte that only goes on": b"\x80",
    "a character cut short": WELL.encode()[:2],
    "a character cut short to three bytes": "😀".encode()[:3],
    "a longer form": b"\xc0\x80",
    "half of a pair": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf5\x80\x80\x80",
}
PATHS = ("/models/tiny/infer", "/v2/models/tiny/infer")


class Lengths(Model[str, int]):
    def infer(self, inputs: list[str]) -> list[int]:
        return [len(text) for text in inputs]


SERVED = service(Lengths)


def body_of(text: bytes, path: str, shape: str = "rows") -> bytes:
    if path.startswith("/v2"):
        return b'{"inputs":[{"name":"instances","datatype":"BYTES","shape":[1],"data":["%b"]}]}' % text
    return {"rows": b'{"instances":["%b"]}', "bare": b'"%b"'}[shape] % text


def status(event: dict[str, Any]) -> int:
    answered: int = http.answer(event, SERVED, Call("test", None)).response["statusCode"]
    return answered


def as_sent(body: bytes, path: str, content_type: str = "application/json") -> list[dict[str, Any]]:
    """The events of both payload versions, as gateways make them of a body, and the body in base64."""
    headers = [("content-type", content_type), ("host", "example.com")]
    request = GatewayRequest("POST", path, "", "HTTP/1.1", headers, body, "127.0.0.1", 80, 0.0, "Root=1-0-0")
    route = Route("tiny", "/models/tiny/{proxy+}")
    return [
        gateway_event(request, route, path, "request"),
        gateway_rest_event(request, route, "request", binary=False),
        http_event("POST", path, body, content_type=content_type),
        rest_event("POST", path, body, content_type=content_type),
    ]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("shape", ["rows", "bare"])
@pytest.mark.parametrize("raw", RAW)
def test_a_body_that_is_not_utf_8_is_refused(raw: str, shape: str, path: str) -> None:
    assert [status(event) for event in as_sent(body_of(RAW[raw], path, shape), path)] == [400] * 4


@settings(max_examples=200)
@given(before=st.text(max_size=5), raw=st.binary(min_size=1, max_size=6), path=st.sampled_from(PATHS))
def test_no_bytes_that_are_not_utf_8_are_predicted(before: str, raw: bytes, path: str) -> None:
    body = body_of(json.dumps(before, ensure_ascii=False)[1:-1].encode() + raw, path)
    try:
        body.decode()
    except UnicodeDecodeError:
        assert {status(event) for event in as_sent(body, path)} == {400}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("charset", OTHERS)
@pytest.mark.parametrize("written", ["; charset={}", ';charset="{}"', "; Charset = {}", "; charset=utf-8; charset={}"])
def test_another_charset_is_refused_whatever_the_body(written: str, charset: str, path: str) -> None:
    kind = "application/json" + written.format(charset.upper())
    assert [status(event) for event in as_sent(body_of(b"a", path), path, kind)] == [415] * 4


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "Utf-8"])
def test_utf_8_may_be_said_in_any_way(charset: str, path: str) -> None:
    kind = f"application/vnd.x+json; profile=y; charset={charset}"
    assert [status(event) for event in as_sent(body_of(WELL.encode(), path), path, kind)] == [200] * 4


def test_ascii_is_utf_8_where_it_is_ascii() -> None:
    for text, expected in ((b"a", 200), (WELL.encode(), 415)):
        event = http_event("POST", PATHS[0], body_of(text, PATHS[0]), content_type="application/json; charset=us-ascii")
        assert status(event) == expected


@pytest.mark.parametrize("path", PATHS)
def test_the_replacement_character_is_a_text_where_it_is_escaped_or_the_body_is_base64(path: str) -> None:
    modern, old, *encoded = as_sent(body_of("a\N{REPLACEMENT CHARACTER}".encode(), path), path)
    assert [status(event) for event in (modern, old)] == [400] * 2, "nothing tells it from bytes that are not UTF-8"
    assert [status(event) for event in encoded] == [200] * 2
    assert [status(event) for event in as_sent(body_of(b"a\\ufffd", path), path)] == [200] * 4


def test_a_refusal_says_what_to_do() -> None:
    for event in as_sent(body_of(b"\xff", PATHS[0]), PATHS[0])[:2]:
        problem = json.loads(http.answer(event, SERVED, Call("test", None)).response["body"])
        assert "Send UTF-8" in problem["detail"]
        assert "\\ufffd" in problem["detail"]


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ud83d\ude00"])
def test_a_direct_event_with_half_a_character_is_refused(text: str) -> None:
    for event in (text, {"instances": [text]}):
        assert direct.answer(event, SERVED, Call("test", None)).status == 400


def test_a_direct_event_of_any_text_is_answered() -> None:
    text = f"{WELL} 😀 \N{REPLACEMENT CHARACTER} \x00 \\ud83d"
    assert direct.answer({"instances": [text]}, SERVED, Call("test", None)).response["predictions"] == [len(text)]
