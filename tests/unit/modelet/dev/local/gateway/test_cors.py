"""Cross-origin requests."""

from __future__ import annotations

from typing import Any

from modelet.dev.local.gateway.cors import Cors
from modelet.dev.local.gateway.request import GatewayRequest
from modelet.dev.local.gateway.response import GatewayResponse

PAGE = "https://app.example.com"


def request(method: str, **headers: str) -> GatewayRequest:
    named: Any = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return GatewayRequest(method, "/", "", "HTTP/1.1", named, b"", "192.0.2.1", 80, 0.0, "")


def preflight(cors: Cors, origin: str = PAGE) -> dict[bytes, bytes]:
    answer = cors.preflight(request("OPTIONS", Origin=origin, Access_Control_Request_Method="POST"))
    assert answer is not None
    assert (answer.status, answer.body) == (204, b"")
    return dict(answer.headers)


def test_a_preflight_is_answered_with_what_is_allowed() -> None:
    assert preflight(Cors(methods=("GET", "POST"), headers=("content-type",), max_age_s=600)) == {
        b"access-control-allow-origin": b"*",
        b"access-control-allow-methods": b"GET,POST",
        b"access-control-allow-headers": b"content-type",
        b"access-control-max-age": b"600",
    }


def test_an_origin_is_named_where_not_all_are_allowed() -> None:
    cors = Cors(origins=("https://*.example.com",), credentials=True, exposed=("x-model-version",))
    headers = preflight(cors)
    assert headers[b"access-control-allow-origin"] == PAGE.encode()
    assert headers[b"access-control-allow-credentials"] == b"true"
    assert headers[b"access-control-expose-headers"] == b"x-model-version"


def test_another_origin_gets_no_permission() -> None:
    assert preflight(Cors(origins=("https://other.example",))) == {}


def test_a_literal_ipv6_address_is_an_origin_too() -> None:
    page = "http://[::1]:3000"
    assert preflight(Cors(origins=(page,)), page)[b"access-control-allow-origin"] == page.encode()
    assert preflight(Cors(origins=(page,)), "http://:3000") == {}


def test_other_requests_are_no_preflight() -> None:
    assert Cors().preflight(request("OPTIONS", Origin=PAGE)) is None
    assert Cors().preflight(request("OPTIONS", Access_Control_Request_Method="POST")) is None
    assert Cors().preflight(request("POST", Origin=PAGE, Access_Control_Request_Method="POST")) is None


def test_the_gateways_headers_take_the_place_of_the_functions() -> None:
    answer = GatewayResponse(200, [(b"Access-Control-Allow-Origin", b"https://forged"), (b"x", b"y")], b"body")
    changed = Cors(origins=(PAGE,)).apply(answer, request("GET", Origin=PAGE))
    assert changed == GatewayResponse(200, [(b"x", b"y"), (b"access-control-allow-origin", PAGE.encode())], b"body")
    assert Cors(origins=(PAGE,)).apply(answer, request("GET")).headers == [(b"x", b"y")]
