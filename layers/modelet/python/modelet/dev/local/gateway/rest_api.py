"""A REST API of API Gateway: its events and its responses.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html for the format and
…/api-gateway-known-issues.html for renamed headers; localstack, services/apigateway/next_gen, for malformed responses;
github.com/ministackorg/ministack/pull/767 for binary media types, measured in AWS.
"""

from __future__ import annotations

import uuid
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

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
from modelet.dev.local.gateway.rest_event import rest_event

if TYPE_CHECKING:
    from modelet.dev.project.routes import Route

FIELDS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
REMAPPED = {"authorization", "date", "server", "user-agent", "via", "www-authenticate"}
"""Headers of the function that are renamed to x-amzn-Remapped-…"""

PLAIN = [(b"content-type", b"text; charset=utf-8")]
FAILED = [(b"x-amzn-errortype", b"InternalServerErrorException")]
REFUSALS = {
    Trouble.MALFORMED_REQUEST: refusal(400, "Bad Request", headers=[(b"x-amzn-errortype", b"BadRequestException")]),
    Trouble.FOREIGN_HOST: refusal(403, "Forbidden", headers=[(b"x-amzn-errortype", b"ForbiddenException")]),
    Trouble.NO_ROUTE: refusal(
        403, "Missing Authentication Token", headers=[(b"x-amzn-errortype", b"MissingAuthenticationTokenException")]
    ),
    Trouble.HEAD_TOO_LARGE: GatewayResponse(431, PLAIN, b"HTTP header is larger than 10240 bytes."),
    Trouble.BODY_TOO_LARGE: GatewayResponse(413, PLAIN, b"HTTP content length exceeded 10485760 bytes."),
    Trouble.EVENT_TOO_LARGE: refusal(413, "Request Too Long", headers=[(b"x-amzn-errortype", b"BadRequestException")]),
    Trouble.UNKNOWN_CODING: refusal(501, "Not Implemented"),
    Trouble.UNKNOWN_VERSION: refusal(505, "HTTP Version Not Supported"),
    Trouble.THROTTLED: refusal(500, "Internal server error", headers=FAILED),
    Trouble.FUNCTION_FAILED: refusal(502, "Internal server error", headers=FAILED),
    Trouble.MALFORMED_ANSWER: refusal(502, "Internal server error", headers=FAILED),
    Trouble.TIMED_OUT: refusal(504, "Endpoint request timed out", headers=FAILED),
}
"""The error responses of AWS.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html;
github.com/koki-develop/lgtm-generator/issues/10 for both 413, captured;
repost.aws/knowledge-center/malformed-502-api-gateway; repost.aws/questions/QUfI6bsdd0SOiPeyimzxSkfQ for a throttled
function, which the caller sees as 500. For 431, AWS documents only the limit.
"""


class RestApi:
    """Builds events and reads responses. timeout_s: the integration timeout, from the default quota of REST APIs.

    binary: media types with binary bodies (`image/*`), like the API's binaryMediaTypes; all others are text.
    """

    timeout_s = 29.0
    cors_on_answers = False

    def __init__(self, binary: tuple[str, ...] = ()) -> None:
        self._binary = binary

    def path(self, request: GatewayRequest) -> str:
        """Return the path for the event, as it was sent."""
        return request.path

    def routed(self, request: GatewayRequest) -> str:
        """Return the path for the route lookup: a trailing slash is ignored.

        Source: github.com/aws-powertools/powertools-lambda-python/issues/1552, tried in AWS.
        """
        return request.path.removesuffix("/") or "/"

    def new_id(self) -> str:
        """Return an id for a request."""
        return str(uuid.uuid4())

    def mark(self, request_id: str) -> tuple[bytes, bytes]:
        """Return the header that every response has."""
        return b"x-amzn-requestid", request_id.encode()

    def event(self, request: GatewayRequest, route: Route, request_id: str) -> bytes:
        """Return the event for the function."""
        binary = self._is_binary(request.header("content-type"))
        return encoded(rest_event(request, route, request_id, binary=binary))

    def answer(self, payload: bytes, request: GatewayRequest, request_id: str) -> GatewayResponse:
        """Return the response for a function's result. Raises TypeError or ValueError if its format is not valid."""
        answer = parsed(payload)
        if not isinstance(answer, dict) or set(answer) - FIELDS:
            raise ValueError(f"the response is not an object with only {', '.join(sorted(FIELDS))}")
        headers = answer_headers(answer)
        if not any(name.lower() == b"content-type" for name, _ in headers):
            headers.insert(0, (b"content-type", b"application/json"))
        accept = request.header("accept").partition(",")[0]
        status = 200 if answer.get("statusCode") is None else status_of(answer["statusCode"])
        body = body_of(answer, decode=self._is_binary(accept))
        return GatewayResponse(status, [*headers, self.mark(request_id)], body)

    def refuse(self, trouble: Trouble, request_id: str) -> GatewayResponse:
        """Return the gateway's own error response."""
        answer = REFUSALS[trouble]
        return GatewayResponse(answer.status, [*answer.headers, self.mark(request_id)], answer.body)

    def _is_binary(self, media_type: str) -> bool:
        kind = media_type.partition(";")[0].strip().lower()
        return bool(kind) and any(fnmatchcase(kind, pattern) for pattern in self._binary)


def answer_headers(answer: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """Merge `headers` and `multiValueHeaders` into one list without duplicates. Raises TypeError, ValueError."""
    single, multi = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multi, dict):
        raise TypeError("headers and multiValueHeaders are not objects")
    pairs = [
        (name, value) for name, values in multi.items() for value in (values if isinstance(values, list) else [values])
    ]
    known = {(name.lower(), value) for name, value in pairs if isinstance(value, str)}
    pairs += [(name, value) for name, value in single.items() if (name.lower(), str(value)) not in known]
    if not all(isinstance(value, str | bool) for _, value in pairs):
        raise TypeError("a header's value is not a string")
    kept = [(name, value) for name, value in pairs if name.lower() not in FRAMING]
    return [header_of(f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name, value) for name, value in kept]
