"""The event of a REST API, payload format 1.0.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html;
github.com/hotsock/voker, vokerhttp/testdata (an event captured in AWS, July 2026) for encodings and names of headers.
"""

from __future__ import annotations

import base64
import os
import uuid
from typing import TYPE_CHECKING, Any

from modelet.dev.local.gateway.request import ACCOUNT, API, REWRITTEN, GatewayRequest

if TYPE_CHECKING:
    from modelet.dev.project.routes import Route

STAGE = "prod"
CAPITALISED = {"authorization": "Authorization", "host": "Host", "user-agent": "User-Agent"}
NOBODY = dict.fromkeys(
    (
        "cognitoIdentityPoolId",
        "accountId",
        "cognitoIdentityId",
        "caller",
        "principalOrgId",
        "accessKey",
        "cognitoAuthenticationType",
        "cognitoAuthenticationProvider",
        "userArn",
        "user",
    )
)


def rest_event(request: GatewayRequest, route: Route, request_id: str, *, binary: bool) -> dict[str, Any]:
    """Return the event for the function. A binary body becomes base64. Empty fields are null."""
    resource, parameters = route.resource, dict(route.parameters)
    if not resource:
        resource = "/{proxy+}" if request.path != "/" else "/"
        parameters = {"proxy": request.path[1:]} if request.path != "/" else {}
    multi = headers_of(request)
    query = request.parameters
    body = base64.b64encode(request.body).decode() if binary else request.body.decode("utf-8", "replace")
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in multi.items()},
        "multiValueHeaders": multi,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": uuid.uuid5(uuid.NAMESPACE_URL, resource).hex[:6],
            "resourcePath": resource,
            "httpMethod": request.method,
            "extendedRequestId": base64.urlsafe_b64encode(os.urandom(11)).decode(),
            "requestTime": request.clock,
            "path": f"/{STAGE}{request.path}",
            "accountId": ACCOUNT,
            "protocol": request.protocol,
            "stage": STAGE,
            "domainPrefix": request.domain.partition(".")[0],
            "requestTimeEpoch": int(request.time * 1000),
            "requestId": request_id,
            "identity": {
                **NOBODY,
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent") or None,
            },
            "domainName": request.domain,
            "deploymentId": API,
            "apiId": API,
        },
        "body": body or None,
        "isBase64Encoded": binary and bool(body),
    }


def headers_of(request: GatewayRequest) -> dict[str, list[str]]:
    """Return all values by name, with the name as it was first sent, and without the length of the body."""
    names: dict[str, str] = {}
    multi: dict[str, list[str]] = {}
    for name, value in request.headers:
        lowered = name.lower()
        if lowered not in REWRITTEN and lowered != "content-length":
            kept = names.setdefault(lowered, CAPITALISED.get(lowered, name))
            multi.setdefault(kept, []).append(value)
    multi.update((name, [value]) for name, value in request.forwarded.items())
    return multi
