"""The API's access log: one line of JSON per request, including requests that reach no function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stage import Stage

CALLERS = {
    "iam": "$context.identity.userArn",
    "jwt": "$context.authorizer.claims.sub",
    "cognito": "$context.authorizer.claims.sub",
    "api_key": "$context.identity.apiKeyId",
    "none": "$context.identity.sourceIp",
}
"""The identity of the caller, by the stage's `auth`."""

FIELDS = {
    "request_id": "$context.requestId",
    "function_request_id": "$context.integration.requestId",
    "time_ms": "$context.requestTimeEpoch",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integration.latency",
    "integration_status": "$context.integration.status",
    "integration_error": "$context.integration.error",
    "authorizer_error": "$context.authorizer.error",
    "error": "$context.error.message",
    "error_type": "$context.error.responseType",
}
"""The fields that both kinds of API log for a request. The path and headers are left out: callers choose their text.

Sources: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html and
…/api-gateway-variables-for-access-logging.html.
"""


def access_log_format(stage: Stage, **more: str) -> str:
    """Return the format of a log line. All values are strings: API Gateway writes a bare `-` for a missing one."""
    return json.dumps({**FIELDS, "caller": CALLERS[stage.auth], **more})


def access_log_group(scope: Construct, stage: Stage) -> logs.LogGroup:
    """Return the log group; its name keeps the account's policy for log delivery from growing with each API.

    Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html.
    """
    group = logs.LogGroup(
        scope,
        "AccessLog",
        log_group_name=f"/aws/vendedlogs/{stage.project}/{stage.name}/{stage.api}-api",
        removal_policy=RemovalPolicy.DESTROY,
    )
    cast("logs.CfnLogGroup", group.node.default_child).retention_in_days = stage.log_retention_days
    return group
