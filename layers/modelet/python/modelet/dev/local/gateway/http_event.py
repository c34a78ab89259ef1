"""The event of an HTTP API, payload format 2.0.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html;
github.com/hotsock/voker, vokerhttp/testdata (an event captured in AWS, July 2026) for encodings;
github.com/ministackorg/ministack/pull/766 for the text types, measured in AWS.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from modelet.dev.local.gateway.request import ACCOUNT, API, REWRITTEN, GatewayRequest

if TYPE_CHECKING:
    from modelet.dev.project.routes import Route

TEXT = {"application/json", "application/xml", "application/javascript"}
"""Media types besides text/* whose bodies stay text. Other bodies, and those without a type, become base64."""


def http_event(request: GatewayRequest, route: Route, path: str, request_id: str) -> dict[str, Any]:
    """Return the event for the function. path: the routed path. Empty fields are omitted."""
    headers, cookies = headers_of(request)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": request.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in request.parameters.items()}
    event["requestContext"] = {
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": request.domain,
        "domainPrefix": request.domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": route.key,
        "stage": "$default",
        "time": request.clock,
        "timeEpoch": int(request.time * 1000),
    }
    if route.parameters:
        event["pathParameters"] = dict(route.parameters)
    binary = not is_text(headers.get("content-type", ""))
    if request.body:
        event["body"] = base64.b64encode(request.body).decode() if binary else request.body.decode("utf-8", "replace")
    event["isBase64Encoded"] = binary and bool(request.body)
    return event


def headers_of(request: GatewayRequest) -> tuple[dict[str, str], list[str]]:
    """Return the headers, with lower-case names and equal names joined by commas, and separately the cookies."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.headers:
        lowered = name.lower()
        if lowered == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
        elif lowered not in REWRITTEN:
            headers[lowered] = f"{headers[lowered]},{value}" if lowered in headers else value
    if request.body:
        headers["content-length"] = str(len(request.body))
    headers.update((name.lower(), value) for name, value in request.forwarded.items())
    return headers, cookies


def is_text(content_type: str) -> bool:
    """Return whether a body of this type stays text."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in TEXT or kind.startswith("text/")
