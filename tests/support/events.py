"""Events of API Gateway."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, quote


def http_event(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """An event of API Gateway's payload version 2.0.

    path: with its query, if any. body: bytes arrive as base64, text as it is, any other value as its JSON. headers:
    `content_type="…"` is content-type.
    Format: "Working with AWS Lambda proxy integrations for HTTP APIs" in the API Gateway developer guide.
    """
    path, _, query = path.partition("?")
    text = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "accept": "*/*",
            "host": "abcdefghij.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **({"content-type": "application/json"} if text is not None else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "abcdefghij",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "02/Jan/2026:03:04:05 +0000",
            "timeEpoch": 1767323045000,
        },
        "isBase64Encoded": isinstance(text, bytes),
    }
    if query:
        event["queryStringParameters"] = dict(parse_qsl(query))
    if text is not None:
        event["body"] = base64.b64encode(text).decode() if isinstance(text, bytes) else text
    return event


def rest_event(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """An event of API Gateway's payload version 1.0, as a REST API sends it; arguments as for `http_event`."""
    modern = http_event(method, path, body, **headers)
    context, sent = modern["requestContext"], modern["headers"]
    return {
        "resource": "/{proxy+}",
        "path": modern["rawPath"],
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": modern.get("queryStringParameters"),
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": modern["rawPath"].lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            **{key: context[key] for key in ("accountId", "apiId", "domainName", "domainPrefix", "requestId")},
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "curl/8.5.0"},
            "path": f"/prod{quote(modern['rawPath'])}",
            "protocol": "HTTP/1.1",
            "requestTime": context["time"],
            "requestTimeEpoch": context["timeEpoch"],
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": modern.get("body"),
        "isBase64Encoded": modern["isBase64Encoded"],
    }


def rows_event(body: Any, **replaced: Any) -> dict[str, Any]:
    """An HTTP API event that asks the model `tiny` for predictions; `replaced` takes the place of its members."""
    return {**http_event("POST", "/models/tiny/infer", body), **replaced}
