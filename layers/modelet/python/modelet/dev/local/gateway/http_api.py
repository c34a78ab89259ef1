"""An HTTP API of API Gateway: its events and its responses."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from urllib.parse import unquote

from modelet.dev.local.gateway.http_event import http_event
from modelet.dev.local.gateway.request import GatewayRequest, encoded
from modelet.dev.local.gateway.response import (
    FRAMING,
    GatewayResponse,
    Trouble,
    body_of,
    header_of,
    parsed,
    refusal,
    status_of,
)

if TYPE_CHECKING:
    from modelet.dev.project.routes import Route

REFUSALS = {
    Trouble.MALFORMED_REQUEST: refusal(400, "Bad Request"),
    Trouble.FOREIGN_HOST: refusal(403, "Forbidden"),
    Trouble.NO_ROUTE: refusal(404, "Not Found"),
    Trouble.HEAD_TOO_LARGE: refusal(431, "Request Header Fields Too Large"),
    Trouble.BODY_TOO_LARGE: refusal(413, "Request Entity Too Large"),
    Trouble.EVENT_TOO_LARGE: refusal(413, "Request Entity Too Large"),
    Trouble.UNKNOWN_CODING: refusal(501, "Not Implemented"),
    Trouble.UNKNOWN_VERSION: refusal(505, "HTTP Version Not Supported"),
    Trouble.THROTTLED: refusal(503, "Service Unavailable"),
    Trouble.FUNCTION_FAILED: refusal(500, "Internal Server Error"),
    Trouble.MALFORMED_ANSWER: refusal(500, "Internal Server Error"),
    Trouble.TIMED_OUT: refusal(503, "Service Unavailable"),
}
"""The error responses of AWS.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html for a function that
fails or returns an invalid format (500); github.com/anomalyco/sst/issues/2232 for 503, after 30 s and when Lambda
throttles. For 431, AWS documents only the limit (…/http-api-quotas.html), not the body. For 501 and 505, AWS documents
nothing.
"""


class HttpApi:
    """Builds events and reads responses. timeout_s: the integration timeout, from the quota of HTTP APIs."""

    timeout_s = 30.0
    cors_on_answers = True

    def path(self, request: GatewayRequest) -> str:
        """Return the path for the event: decoded, and cut at a decoded question mark.

        Source: github.com/middleapi/standard-server/pull/93, from events captured in AWS.
        """
        return unquote(request.path).partition("?")[0] if "%" in request.path else request.path

    def routed(self, request: GatewayRequest) -> str:
        """Return the path for the route lookup: a trailing slash counts, and no route has one."""
        return self.path(request)

    def new_id(self) -> str:
        """Return an id for a request."""
        return base64.urlsafe_b64encode(os.urandom(11)).decode()

    def mark(self, request_id: str) -> tuple[bytes, bytes]:
        """Return the header that every response has."""
        return b"apigw-requestid", request_id.encode()

    def event(self, request: GatewayRequest, route: Route, request_id: str) -> bytes:
        """Return the event for the function."""
        return encoded(http_event(request, route, self.path(request), request_id))

    def answer(self, payload: bytes, request: GatewayRequest, request_id: str) -> GatewayResponse:  # noqa: ARG002  # one shape for both APIs
        """Return the response for a function's result. Raises TypeError or ValueError if its format is not valid.

        JSON without a statusCode becomes the body of a response with status 200.
        Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
        """
        answer = parsed(payload)
        mark = self.mark(request_id)
        if not isinstance(answer, dict) or answer.get("statusCode") is None:
            return GatewayResponse(200, [(b"content-type", b"application/json"), mark], payload)
        given = answer.get("headers") or {}
        cookies = answer.get("cookies") or []
        if not isinstance(given, dict) or any(isinstance(value, dict | list) for value in given.values()):
            raise ValueError("headers is not an object of strings")
        if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
            raise ValueError("cookies is not a list of strings")
        headers = [header_of(name.lower(), value) for name, value in given.items() if name.lower() not in FRAMING]
        if not any(name == b"content-type" for name, _ in headers):
            headers.insert(0, (b"content-type", b"text/plain;charset=UTF-8"))
        headers += [header_of("set-cookie", cookie) for cookie in cookies]
        return GatewayResponse(status_of(answer["statusCode"]), [*headers, mark], body_of(answer, decode=True))

    def refuse(self, trouble: Trouble, request_id: str) -> GatewayResponse:
        """Return the gateway's own error response."""
        answer = REFUSALS[trouble]
        return GatewayResponse(answer.status, [*answer.headers, self.mark(request_id)], answer.body)
