"""release_check, a platform function: does a new version of a model answer its event, before it gets traffic?

It is asked twice. A trigger of the CloudFormation deployment asks first: then an error ends the deployment, which rolls
back. CodeDeploy's BeforeAllowTraffic hook asks again: it gets `Succeeded` or `Failed`, and never no answer.
"""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple, Protocol

from aws_lambda_powertools import Logger
from refusals import is_transient

from modelet.settings import CheckSettings

PATIENCE_S = 14 * 60.0
"""How long a version may be refused in all: Lambda makes network interfaces and snapshots within minutes.

A minute less than the longest that a Lambda function may run, which is what CDK's trigger and this function have.
"""

MARGIN_S = 5.0
"""What is kept of the function's own time to report that the version took too long."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0
"""Between two attempts; each pause is twice the one before it."""

WARNING_SHARE = 0.7
"""The share of the gateway's limit above which a first answer is worth a warning."""

logger = Logger(service="release-check", utc=True)


class CheckError(Exception):
    """The version must not get traffic; the message says why, in one line."""


class Clock(Protocol):
    """What the check asks of time, in seconds; the module `time` is one."""

    def monotonic(self) -> float:
        """The time of a clock that never goes back."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Passed(NamedTuple):
    """The version may get traffic. reason: why, in one line. warns: whether somebody should read it."""

    reason: str
    warns: bool = False


@logger.inject_lambda_context
def handler(event: dict[str, Any] | None, context: Any) -> dict[str, str]:
    """Check the version and tell who asked: CodeDeploy by its own call, a trigger by CheckError."""
    hook = [(event or {}).get(key) for key in ("DeploymentId", "LifecycleEventHookExecutionId")]
    log = logger.info
    try:
        reason, warns = check(min(PATIENCE_S, context.get_remaining_time_in_millis() / 1000 - MARGIN_S))
        status, log = "Succeeded", logger.warning if warns else logger.info
    except CheckError as error:
        status, reason, log = "Failed", str(error), logger.error
    except Exception as error:  # noqa: BLE001 - whatever it is, CodeDeploy waits for an answer
        status, reason, log = "Failed", f"the check itself failed: {type(error).__name__}: {error}", logger.error
    log("release check", status=status, reason=reason)
    if all(hook):
        deployment, execution = hook
        _client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status=status
        )
    elif status == "Failed":
        raise CheckError(reason)
    return {"status": status, "reason": reason}


def check(seconds: float, clock: Clock = time) -> Passed:
    """Invoke the version with its event until it answers, for so many seconds in all. Raises CheckError.

    A version that the alias points at passes without a call: it has the traffic already. CloudFormation asks for it
    when it rolls back, and a failure would leave the stack half rolled back.
    """
    settings = CheckSettings.from_environ()
    event = settings.event.read_bytes()
    deadline = clock.monotonic() + seconds
    if _is_live(settings):
        return Passed(f"{settings.function} has the traffic already: {settings.alias} points at it")
    error, payload, took_s = _answer(settings.function, event, deadline, clock)
    judge(settings.function, error, payload)
    return judge_time(settings, took_s)


def _is_live(settings: CheckSettings) -> bool:
    """Whether the alias points at the version; before the first deployment there is none.

    Where Lambda does not say, the version is asked: that is right as well, but costs a roll back a call.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _client

    name, _, version = settings.function.rpartition(":")
    try:
        alias = _client("lambda").get_alias(FunctionName=name, Name=settings.alias)
    except (BotoCoreError, ClientError) as error:
        is_first = isinstance(error, ClientError) and error.response["Error"]["Code"] == "ResourceNotFoundException"
        if not is_first:
            logger.warning("the alias cannot be read", alias=settings.alias, reason=str(error))
        return False
    return bool(alias["FunctionVersion"] == version)


def _answer(function: str, event: bytes, deadline: float, clock: Clock) -> tuple[str | None, bytes, float]:
    """The kind of error, the payload, and the seconds that the call took which was answered. Raises CheckError."""
    from botocore import exceptions  # noqa: PLC0415 - see _client

    pause, first = FIRST_PAUSE_S, clock.monotonic()
    while True:
        left = max(deadline - clock.monotonic(), 0.1)
        client = _client("lambda", read_timeout=left, attempts=1)
        began = clock.monotonic()
        try:
            answer = client.invoke(FunctionName=function, Payload=event)
            return answer.get("FunctionError"), answer["Payload"].read(), clock.monotonic() - began
        except exceptions.ClientError as error:
            code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            if not is_transient(code, status):
                raise CheckError(f"{function} cannot be invoked: {error}") from None
            refusal: Exception = error
        except (exceptions.ConnectionError, exceptions.ConnectionClosedError) as error:
            refusal = error
        except exceptions.HTTPClientError as error:
            raise CheckError(f"{function} did not answer within {left:.0f} s: {error}") from None
        if clock.monotonic() + pause > deadline:
            waited = clock.monotonic() - first
            raise CheckError(f"{function} cannot be invoked, tried for {waited:.0f} s: {refusal}")
        logger.info("Lambda asks for patience", refusal=str(refusal), pause_s=pause)
        clock.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


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


def judge_time(settings: CheckSettings, took_s: float) -> Passed:
    """Hold the first answer against the time that API Gateway waits. Raises CheckError where no caller would see it.

    The trigger's call is the first one of a new version, so that it holds a whole cold start. Where environments are
    provisioned, callers rarely meet one.
    """
    took = f"{settings.function} took {took_s:.1f} s for its first answer, its start included"
    limit = f"API Gateway waits {settings.gateway_s:g} s"
    remedy = "raise resources.memory_mb, load less, or set scaling.provisioned"
    if took_s <= WARNING_SHARE * settings.gateway_s:
        return Passed(took)
    if took_s <= settings.gateway_s:
        return Passed(f"{took}, and {limit}: {remedy}", warns=True)
    if settings.provisioned:
        return Passed(f"{took}, and {limit}: a caller that finds no provisioned environment gets 5xx", warns=True)
    raise CheckError(f"{took}, and {limit}: callers would get 5xx from each cold start: {remedy}")


def _client(service: str, read_timeout: float = 10, attempts: int = 3) -> Any:
    """A client of AWS, imported when it is used: an import that fails must not keep CodeDeploy waiting."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    retries = {"total_max_attempts": attempts, "mode": "standard"}
    return boto3.client(service, config=Config(connect_timeout=2, read_timeout=read_timeout, retries=retries))
