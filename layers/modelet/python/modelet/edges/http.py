"""HTTP events of API Gateway (payload 2.0 and 1.0) and of Function URLs (2.0), and their responses.

Format: the Lambda integration's payload versions, as the API Gateway developer guide describes them.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

from modelet.edges.base import Call, EdgeResult, encoded_size
from modelet.edges.router import exchange, matched, problem
from modelet.errors import (
    MalformedBodyError,
    MediaTypeError,
    MethodNotAllowedError,
    ModeletError,
    NotAcceptableError,
    NotFoundError,
    TooLargeError,
)
from modelet.protocols.service import Request, Response, Service
from modelet.violation import RESPONSE_LIMIT, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Mapping


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""The character that a gateway substitutes for bytes that are not UTF-8.

The event does not show whether the caller sent the character itself: it can be as long as the bytes that it replaces
(the first three bytes of a four-byte character), so the body's length is no evidence.
"""
NOT_UTF_8 = (
    "The body contains U+FFFD, which the gateway substitutes for bytes that are not UTF-8. Send UTF-8; "
    "to send the character itself, write the escape \\ufffd."
)
FIRST = (NotFoundError, MethodNotAllowedError, NotAcceptableError, MediaTypeError)
"""Errors that do not depend on the body."""


raises_retryable = False
"""The gateway's caller gets an answer: 503 with Retry-After says that a retry may help."""


def matches(event: Any) -> bool:
    """Return whether an event came by HTTP from API Gateway or a Function URL, but not from a load balancer."""
    if not isinstance(event, dict) or not isinstance(event.get("requestContext"), dict):
        return False
    context = event["requestContext"]
    return isinstance(context.get("http"), dict) or (isinstance(event.get("httpMethod"), str) and "elb" not in context)


def answer(event: dict[str, Any], service: Service, call: Call) -> EdgeResult:
    """Answer an HTTP event with a response for the gateway."""
    request = _request(event, call)
    try:
        request.body = _body(event)
    except ModeletError as error:
        # An unknown route or a wrong media type takes precedence, as it does for a readable body.
        _, first = exchange(request, service)
        return answer_error(first if isinstance(first, FIRST) else error, service, call, request)
    answered, failure = exchange(request, service)
    try:
        response = _write(answered, service, call)
    except UnicodeDecodeError:
        from modelet.edges.encoded import in_base64  # noqa: PLC0415 - only plain predictors answer with other than text

        try:
            response = {**_write(in_base64(answered, event), service, call), "isBase64Encoded": True}
        except ModeletError as error:
            return answer_error(error, service, call, request)
    # As a JSON string, the body is at most six times as large; a smaller one need not be measured.
    if len(answered.body) * 6 > RESPONSE_LIMIT and encoded_size(response) > RESPONSE_LIMIT:
        return answer_error(TooLargeError(TOO_LARGE), service, call, request)
    return EdgeResult(response, answered.status, failure)


def answer_error(error: ModeletError, service: Service, call: Call, request: Request | None = None) -> EdgeResult:
    """Answer with an error in the format of the request's protocol."""
    answered = problem(error, request or Request("GET", "/"))
    return EdgeResult(_write(answered, service, call), error.status, error)


def _request(event: dict[str, Any], call: Call) -> Request:
    """Return the request without its body."""
    context = event["requestContext"]
    http = context.get("http")
    if isinstance(http, dict):
        method, path = http.get("method"), event.get("rawPath", http.get("path"))
        text = event.get("rawQueryString")
        query: Mapping[str, Any] = _query(str(text)) if text else {}
        # The path contains the stage of an HTTP API, unless it is $default; a REST API's path has no stage.
        path, stage = str(path or "/"), str(context.get("stage"))
        if routed := _routed(event, path, event.get("routeKey")):
            path = routed
        elif stage != "$default" and f"{path}/".startswith(f"/{stage}/"):
            path = path[len(stage) + 1 :] or "/"
        headers = _mapping(event.get("headers"))  # in this payload, their names are in lower case
    else:
        method, path = event.get("httpMethod"), str(event.get("path") or "/")
        path = _routed(event, path, event.get("resource")) or path
        query = {name: str(value) for name, value in _mapping(event.get("queryStringParameters")).items()}
        headers = {str(name).lower(): value for name, value in _mapping(event.get("headers")).items()}
    return Request(str(method).upper(), path, headers, query, b"", call.timings, call.remaining)


def _routed(event: dict[str, Any], path: str, route: Any) -> str | None:
    """Return the part of the path that the gateway's route matched; None if it cannot be determined."""
    parameters = event.get("pathParameters")
    proxy = parameters.get("proxy") if isinstance(parameters, dict) else None
    return matched(path, str(route), str(proxy or ""))


def _query(text: str) -> dict[str, str]:
    from urllib.parse import parse_qsl  # noqa: PLC0415 - 3 ms of a cold start, and few requests have a query

    return dict(parse_qsl(text, keep_blank_values=True))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise MalformedBodyError("The event's body is not a string, as API Gateway sends it.")
    if not event.get("isBase64Encoded"):
        if REPLACEMENT in body:
            raise MalformedBodyError(NOT_UTF_8)
        # A lone surrogate is not valid UTF-8; the JSON parser reports it.
        return body.encode("utf-8", "surrogatepass")
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except ValueError:
        raise MalformedBodyError("The event's isBase64Encoded is true, but its body is not base64.") from None


def _write(answered: Response, service: Service, call: Call) -> dict[str, Any]:
    headers = {**answered.headers, "x-model-version": service.version, "x-request-id": call.request_id}
    return {"statusCode": answered.status, "headers": headers, "body": answered.body.decode(), "isBase64Encoded": False}
