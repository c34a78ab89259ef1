"""Functions from images: refused where Lambda refuses them, and answered by our own environments."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from ministack.core import lambda_runtime
from ministack.services import iam, lambda_svc
from ministack.services.cloudformation import provisioners

from e2e.deploy.emulator.registry import has_image

GRACE_S = 40
"""Seconds beyond a function's timeout that its environment may take: an init of its own, twice where it is slow."""


def install(invoker: str) -> None:
    """Send what MiniStack would give to Docker to the URL `invoker`, and check functions when they are made."""

    def answered(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        return invoke(invoker, func.get("config") or func, event, request_id)

    lambda_svc._execute_function_docker = answered
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def checked_create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        check(logical_id, props)
        return create(logical_id, props, stack_name)

    def checked_update(pid: str, old: Any, new: dict[str, Any], stack_name: str, logical_id: str | None = None) -> Any:
        check(logical_id or pid, new)
        return update(pid, old, new, stack_name, logical_id)

    handlers.update(create=checked_create, update=checked_update)


def check(logical_id: str, props: dict[str, Any]) -> None:
    """Raise ValueError for an image that was not pushed, and for a role that is not Lambda's to take on."""
    uri = props.get("Code", {}).get("ImageUri")
    if uri and not has_image(uri):
        raise ValueError(f"{logical_id}: Source image {uri} does not exist.")
    if not trusts(props["Role"], "lambda.amazonaws.com"):
        raise ValueError(f"{logical_id}: The role defined for the function cannot be assumed by Lambda.")


def trusts(role_arn: str, service: str) -> bool:
    """Whether the role is there and its trust policy names the service."""
    role = iam._roles.get(role_arn.rpartition("/")[2])
    document = json.loads(role["AssumeRolePolicyDocument"]) if role else {"Statement": []}
    return any(service in str(statement.get("Principal")) for statement in document["Statement"])


def invoke(invoker: str, config: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """One invocation: the function's deployed configuration, a session of its role, and the event."""
    question = {
        "function": config["FunctionName"],
        "version": config["Version"],
        "image": config["ImageUri"],
        "memory_mb": config["MemorySize"],
        "timeout_s": config["Timeout"],
        "environment": config["Environment"]["Variables"],
        "credentials": lambda_runtime.execution_credentials(config),
        "event": event,
        "request_id": request_id,
    }
    request = Request(invoker, json.dumps(question, ensure_ascii=False).encode(), method="POST")
    try:
        with urlopen(request, timeout=config["Timeout"] + GRACE_S) as reply:
            answer = json.load(reply)
    except (URLError, TimeoutError) as error:
        body = {"errorType": "Emulator.InvokerError", "errorMessage": str(error)}
        return {"body": body, "error": True, "function_error": "Unhandled", "log": ""}
    if answer["throttled"]:
        throttled: dict[str, Any] = lambda_svc._throttle_response("ConcurrentInvocationLimitExceeded", "Rate Exceeded.")
        return throttled
    return {
        "body": answer["payload"],
        "error": answer["error"] is not None,
        "function_error": "Unhandled" if answer["error"] else None,
        "log": answer["log"],
    }
