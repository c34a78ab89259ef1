"""Lambda's own policies for API Gateway, which MiniStack keeps and does not ask: an API may call what one grants it."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from ministack.services import apigateway, lambda_svc

from e2e.deploy.emulator.authorization import arn

SERVICE = "apigateway.amazonaws.com"


def install() -> None:
    """Answer as an HTTP API does that may not invoke its function: 500, and no word why."""
    invoke = apigateway._invoke_lambda_proxy

    async def invoke_if_granted(
        integration: dict[str, Any], api: str, stage: str, path: str, method: str, *rest: Any, **named: Any
    ) -> Any:
        function = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
        if not is_granted(function, arn("execute-api", f"{api}/{stage}/{method}{path}")):
            return 500, {"Content-Type": "application/json"}, json.dumps({"message": "Internal Server Error"}).encode()
        return await invoke(integration, api, stage, path, method, *rest, **named)

    apigateway._invoke_lambda_proxy = invoke_if_granted


def is_granted(function: str, source: str) -> bool:
    """Whether the policy of the function (an alias's ARN is another resource than its function's) names the API."""
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    return record is not None and any(
        statement["Principal"] == {"Service": SERVICE}
        and statement["Resource"] == function
        and fnmatchcase(source, statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "*"))
        for statement in record["policy"]["Statement"]
    )
