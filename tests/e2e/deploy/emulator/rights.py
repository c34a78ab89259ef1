"""What services do in the name of a role, which MiniStack does without IAM: machines, schedules, pollers of queues."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc, sqs, stepfunctions
from ministack.services.cloudformation import provisioners

from e2e.deploy.emulator.functions import trusts

Properties = dict[str, Any]
POLLS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What Lambda needs of a function's role to empty a queue for it."""
_machine_s: ContextVar[str] = ContextVar("the role of the machine that this thread runs")


def install() -> None:
    """Ask IAM for what state machines and schedules do, and refuse event sources and machines that AWS refuses."""
    _machines()
    _schedules()
    _checked("AWS::Lambda::EventSourceMapping", _event_source)
    _checked("AWS::Scheduler::Schedule", lambda props: _trusted(props["Target"]["RoleArn"], "scheduler"))
    _checked("AWS::StepFunctions::StateMachine", lambda props: _trusted(props["RoleArn"], "states"))


def may(role_arn: str, action: str, resource: str) -> bool:
    """Whether the policies of a role allow an action on a resource."""
    account = get_account_id()
    context = iam_evaluator.EvalContext(role_arn, "AssumedRole", account, action, resource, get_region())
    policies = iam_evaluator._gather_role_policies(role_arn.rpartition("/")[2], account)
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")


def _machines() -> None:
    run, call, read = stepfunctions._run_execution, stepfunctions._call_lambda, stepfunctions._s3_object_text

    def run_as_role(execution: str) -> None:
        machine = stepfunctions._executions[execution]["stateMachineArn"]
        _machine_s.set(stepfunctions._state_machines[machine]["roleArn"])
        run(execution)

    def call_lambda(function: str, event: Any) -> Any:
        _ask("lambda:InvokeFunction", function, "Lambda.AWSLambdaException")
        return call(function, event)

    def read_object(bucket: str, key: str) -> Any:
        _ask("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", "States.ItemReaderFailed")
        return read(bucket, key)

    stepfunctions._run_execution = run_as_role
    stepfunctions._call_lambda = call_lambda
    stepfunctions._s3_object_text = read_object


def _ask(action: str, resource: str, error: str) -> None:
    role = _machine_s.get()
    if not may(role, action, resource):
        raise stepfunctions._ExecutionError(error, f"{role} is not authorized to perform: {action} on {resource}")


def _schedules() -> None:
    """Replace a schedule's attributes in its input, as the service does, and invoke only what its role may."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: Properties, event: Properties, rule: Properties, *rest: Any) -> None:
        if event.get("Source") != "aws.scheduler":
            invoke(target, event, rule, *rest)
            return
        if not may(target["RoleArn"], "lambda:InvokeFunction", target["Arn"]):
            raise PermissionError(f"{target['RoleArn']} is not authorized to invoke {target['Arn']}")
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        known = {"scheduled-time": moment, "execution-id": event["EventId"], "attempt-number": "1"}
        text = target["Input"]
        for name, value in known.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        invoke({**target, "Input": text}, event, rule, *rest)

    eventbridge._invoke_target = invoke_target


def _checked(kind: str, complain: Any) -> None:
    """Refuse resources of a type about which `complain` says something."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    create, update = handlers["create"], handlers["update"]

    def check(logical_id: str, props: Properties) -> None:
        if reason := complain(props):
            raise ValueError(f"{logical_id}: {reason}")

    def checked_create(logical_id: str, props: Properties, stack: str) -> Any:
        check(logical_id, props)
        return create(logical_id, props, stack)

    def checked_update(pid: str, old: Properties, new: Properties, *rest: Any) -> Any:
        check(pid, new)
        return update(pid, old, new, *rest)

    handlers.update(create=checked_create, update=checked_update)


def _trusted(role_arn: str, service: str) -> str | None:
    return None if trusts(role_arn, f"{service}.amazonaws.com") else f"{role_arn} is not {service}'s to assume"


def _event_source(props: Properties) -> str | None:
    """What Lambda says about a queue whose messages a function is to get."""
    queue = next(
        (each for each in sqs._queues.values() if each["attributes"]["QueueArn"] == props["EventSourceArn"]), None
    )
    record, config, _ = lambda_svc._get_func_record_for_ref(props["FunctionName"])
    if queue is None or record is None:
        return f"no queue {props['EventSourceArn']}, or no function {props['FunctionName']}"
    lacking = [action for action in POLLS if not may(config["Role"], action, props["EventSourceArn"])]
    if lacking:
        return f"{config['Role']} does not have permissions to call {', '.join(lacking)} on SQS"
    invisible, timeout = int(queue["attributes"]["VisibilityTimeout"]), int(config["Timeout"])
    if invisible < timeout:
        return f"Queue visibility timeout: {invisible} seconds is less than Function timeout: {timeout} seconds"
    most = props.get("ScalingConfig", {}).get("MaximumConcurrency", 2)
    return None if 2 <= int(most) <= 1000 else f"MaximumConcurrency {most} is not from 2 to 1000"
