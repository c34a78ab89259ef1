"""CodeDeploy for Lambda aliases: the hook before traffic decides whether an alias moves; traffic moves at once."""

from __future__ import annotations

import json
import os
import ssl
import threading
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack import app
from ministack.core import iam_actions, lambda_runtime, router
from ministack.core.responses import error_response_json, get_region, json_response
from ministack.services.cloudformation import _stacks, engine, provisioners, stacks

from e2e.deploy.emulator.authorization import arn, say_resource
from e2e.deploy.emulator.resources import made

ALIAS = "AWS::Lambda::Alias"
HOOK_LIMIT_S = 60
"""Seconds that a hook has to report; CodeDeploy waits an hour."""


class Deployment:
    """One deployment under way: its group, and what the hook said."""

    def __init__(self, application: str, group: str) -> None:
        self.id = f"d-{uuid4().hex[:9].upper()}"
        self.execution = uuid4().hex
        self.group = arn("codedeploy", f"deploymentgroup:{application}/{group}")
        self.status = "TimedOut"
        self.reported = threading.Event()


_waiting: dict[str, Deployment] = {}


def install() -> None:
    """Add the service's one operation that hooks call, and run hooks when a stack moves an alias."""
    router.SERVICE_PATTERNS["codedeploy"] = {"target_prefixes": ["CodeDeploy_20141006"]}
    app.SERVICE_HANDLERS["codedeploy"] = handle_request
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codedeploy"] = "codedeploy"
    say_resource("codedeploy", _group)
    on_worker_thread = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind == ALIAS or on_worker_thread(kind)
    handlers = provisioners._RESOURCE_HANDLERS[ALIAS]
    move = handlers["update"]

    def update(pid: str, old: Any, new: Any, stack_name: str, logical_id: str) -> Any:
        policy = _update_policy(stack_name, logical_id)
        if policy and old["FunctionVersion"] != new["FunctionVersion"]:
            deploy(policy)
        return move(pid, old, new, stack_name, logical_id)

    handlers["update"] = update


async def handle_request(_method: str, _path: str, headers: Any, body: bytes, _query: Any) -> Any:
    """PutLifecycleEventHookExecutionStatus, for a deployment that waits for it."""
    asked, said = headers.get("x-amz-target", "").rpartition(".")[2], json.loads(body or b"{}")
    if asked != "PutLifecycleEventHookExecutionStatus":
        return error_response_json("InvalidActionException", f"the emulator's CodeDeploy has no {asked}", 400)
    deployment = _waiting.get(said.get("deploymentId", ""))
    if deployment is None:
        return error_response_json("DeploymentDoesNotExistException", f"no deployment {said.get('deploymentId')}", 400)
    if said.get("lifecycleEventHookExecutionId") != deployment.execution:
        return error_response_json("InvalidLifecycleEventHookExecutionIdException", "another execution's id", 400)
    if said.get("status") not in {"Succeeded", "Failed"}:
        return error_response_json("InvalidLifecycleEventHookExecutionStatusException", str(said.get("status")), 400)
    deployment.status = said["status"]
    deployment.reported.set()
    return json_response({"lifecycleEventHookExecutionId": deployment.execution})


def deploy(policy: dict[str, Any]) -> None:
    """Run the hook before traffic; raises RuntimeError, by which the stack rolls back, unless it reports success."""
    application, group = policy["ApplicationName"], policy["DeploymentGroupName"]
    group_made = made.get(f"{application}/{group}")
    if group_made is None:
        raise RuntimeError(f"CodeDeploy has no deployment group {application}/{group}")
    deployment = Deployment(application, group)
    hook = policy.get("BeforeAllowTrafficHook")
    if not hook:
        return
    _waiting[deployment.id] = deployment
    try:
        _invoke(hook, group_made["ServiceRoleArn"], deployment)
        deployment.reported.wait(HOOK_LIMIT_S)
    finally:
        del _waiting[deployment.id]
    if deployment.status != "Succeeded":
        raise RuntimeError(f"CodeDeploy deployment {deployment.id}: BeforeAllowTraffic {hook}: {deployment.status}")


def _group(body: dict[str, Any]) -> str | None:
    deployment = _waiting.get(body.get("deploymentId", ""))
    return deployment.group if deployment else None


def _update_policy(stack_name: str, logical_id: str) -> dict[str, Any] | None:
    """The alias's UpdatePolicy, resolved; None without one, and while a failed update is taken back."""
    stack = _stacks[stack_name]
    template = stack["_template"]
    policy = template["Resources"].get(logical_id, {}).get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
    if policy is None or "ROLLBACK" in stack["StackStatus"]:
        return None
    known = (stack["_resources"], stack["_resolved_params"], stack.get("_conditions") or {})
    resolved: dict[str, Any] = engine._resolve_refs(
        policy, *known, template.get("Mappings", {}), stack_name, stack["StackId"]
    )
    return resolved


def _invoke(hook: str, role_arn: str, deployment: Deployment) -> None:
    """Invoke the hook as CodeDeploy's service role, so that the role's policy counts."""
    # MiniStack makes sessions of a role for functions: CodeDeploy is one to it.
    session = lambda_runtime.execution_credentials(
        {"Role": role_arn, "FunctionArn": arn("lambda", "function:CodeDeploy")}
    )
    event = {"DeploymentId": deployment.id, "LifecycleEventHookExecutionId": deployment.execution}
    url = f"https://127.0.0.1:{os.environ['GATEWAY_PORT']}/2015-03-31/functions/{hook}/invocations"
    unsigned = AWSRequest("POST", url, data=json.dumps(event).encode(), headers={"X-Amz-Invocation-Type": "Event"})
    keys = (session["AWS_ACCESS_KEY_ID"], session["AWS_SECRET_ACCESS_KEY"], session["AWS_SESSION_TOKEN"])
    SigV4Auth(Credentials(*keys), "lambda", get_region()).add_auth(unsigned)
    request = Request(url, unsigned.body, dict(unsigned.headers), method="POST")
    trust = ssl.create_default_context(cafile=os.environ["MINISTACK_SSL_CERT"])
    try:
        with urlopen(request, timeout=HOOK_LIMIT_S, context=trust):
            pass
    except HTTPError as error:
        raise RuntimeError(f"CodeDeploy cannot invoke {hook}: {error.read().decode()}") from error
