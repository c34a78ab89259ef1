"""release_check, a platform function: does a new version of a model answer its event, before it gets traffic?

It is asked twice. A trigger of the CloudFormation deployment asks first: then an error ends the deployment, which rolls
back. CodeDeploy's BeforeAllowTraffic hook asks again: it gets `Succeeded` or `Failed`, and never no answer.
"""

from __future__ import annotations

import json
import time
from typing import Any

from aws_lambda_powertools import Logger

from modelet.settings import CheckSettings

MARGIN_S = 5.0
"""What is kept of the function's own time to report that the version took too long."""

PAUSE_S = 1.0
"""Between two attempts where Lambda itself asks for one: too many requests, or a version that is not active yet."""

PASSING = {"TooManyRequestsException", "ResourceConflictException", "ResourceNotReadyException", "ServiceException"}
PASSING |= {"SnapStartNotReadyException", "EC2ThrottledException"}

logger = Logger(service="release-check", utc=True)


class CheckError(Exception):
    """The version must not get traffic; the message says why, in one line."""


@logger.inject_lambda_context
def handler(event: dict[str, Any] | None, context: Any) -> dict[str, str]:
    """Check the version and tell who asked: CodeDeploy by its own call, a trigger by CheckError."""
    hook = [(event or {}).get(key) for key in ("DeploymentId", "LifecycleEventHookExecutionId")]
    try:
        check(time.monotonic() + context.get_remaining_time_in_millis() / 1000 - MARGIN_S)
        reason = ""
    except CheckError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, CodeDeploy waits for an answer
        reason = f"the check itself failed: {type(error).__name__}: {error}"
    status = "Failed" if reason else "Succeeded"
    (logger.error if reason else logger.info)("release check", status=status, reason=reason)
    if all(hook):
        deployment, execution = hook
        _client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status=status
        )
    elif reason:
        raise CheckError(reason)
    return {"status": status, "reason": reason}


def check(deadline: float) -> None:
    """Invoke the version with its event. deadline: on the monotonic clock, in seconds. Raises CheckError."""
    settings = CheckSettings.from_environ()
    event = settings.event.read_bytes()
    from botocore.exceptions import ClientError, HTTPClientError  # noqa: PLC0415 - see _client

    while True:
        left = max(deadline - time.monotonic(), 0.1)
        try:
            answer = _client("lambda", read_timeout=left).invoke(FunctionName=settings.function, Payload=event)
            break
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in PASSING or time.monotonic() + PAUSE_S > deadline:
                raise CheckError(f"{settings.function} cannot be invoked: {error}") from None
            time.sleep(PAUSE_S)
        except HTTPClientError as error:
            raise CheckError(f"{settings.function} did not answer within {left:.0f} s: {error}") from None
    judge(settings.function, answer.get("FunctionError"), answer["Payload"].read())


def judge(function: str, error: str | None, payload: bytes) -> None:
    """Raise CheckError unless the payload is an HTTP response of status 200 whose body is JSON."""
    said = payload.decode(errors="replace")[:500]
    if error:
        raise CheckError(f"{function} fails: {said}")
    try:
        response = json.loads(payload)
        status = response["statusCode"]
        json.loads(response["body"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckError(f"{function} does not answer as an HTTP API: {said}") from None
    if status != 200:
        raise CheckError(f"{function} answers its own event with {status}: {said}")


def _client(service: str, read_timeout: float = 10) -> Any:
    """A client of AWS, imported when it is used: an import that fails must not keep CodeDeploy waiting."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    attempts = 1 if service == "lambda" else 3
    retries = {"total_max_attempts": attempts, "mode": "standard"}
    return boto3.client(service, config=Config(connect_timeout=2, read_timeout=read_timeout, retries=retries))
