"""release_check, a platform function: check that a new version of a model answers its event before it gets traffic.

It is called twice. First by a trigger in the CloudFormation deployment: an error ends the deployment, which rolls back.
Then by CodeDeploy's BeforeAllowTraffic hook, which always gets `Succeeded` or `Failed`.
"""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple, Protocol

from aws_lambda_powertools import Logger
from invoke_errors import is_transient

from modelet.settings import CheckSettings

RETRY_WINDOW_S = 14 * 60.0
"""Seconds in which calls are retried: Lambda needs minutes to create network interfaces and snapshots.

One minute less than Lambda's longest timeout, which CDK's trigger and this function have.
"""

MARGIN_S = 5.0
"""Seconds of the function's own timeout that are reserved for the report."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0
"""The pauses between two attempts: each is twice as long as the one before."""

WARNING_SHARE = 0.7
"""The share of the gateway's timeout above which the first answer's time is a warning."""

logger = Logger(service="release-check", utc=True)


class CheckError(Exception):
    """The version must not get traffic; the message gives the reason in one line."""


class Clock(Protocol):
    """A clock in seconds, such as the module `time`."""

    def monotonic(self) -> float:
        """Return the time of a clock that never goes back."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Passed(NamedTuple):
    """The version may get traffic. reason: one line for the log. warns: whether to log it as a warning."""

    reason: str
    warns: bool = False


@logger.inject_lambda_context
def handler(event: dict[str, Any] | None, context: Any) -> dict[str, str]:
    """Check the version; report a failure to CodeDeploy with an API call, to a trigger with CheckError."""
    hook = [(event or {}).get(key) for key in ("DeploymentId", "LifecycleEventHookExecutionId")]
    log = logger.info
    try:
        reason, warns = check(min(RETRY_WINDOW_S, context.get_remaining_time_in_millis() / 1000 - MARGIN_S))
        status, log = "Succeeded", logger.warning if warns else logger.info
    except CheckError as error:
        status, reason, log = "Failed", str(error), logger.error
    except Exception as error:  # noqa: BLE001 - CodeDeploy waits for an answer in any case
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
    """Invoke the version with its event, with retries for up to `seconds`. Raises CheckError.

    A version to which the alias points passes without a call, because it already gets traffic. CloudFormation checks it
    during a rollback, and a failure would leave the stack half rolled back.
    """
    settings = CheckSettings.from_environ()
    event = settings.event.read_bytes()
    deadline = clock.monotonic() + seconds
    if _is_live(settings):
        return Passed(f"{settings.function} already gets traffic: {settings.alias} points to it")
    error, payload, took_s = _answer(settings.function, event, deadline, clock)
    judge(settings.function, error, payload)
    return judge_time(settings, took_s)


def _is_live(settings: CheckSettings) -> bool:
    """Return whether the alias points to the version; before the first deployment, there is no alias.

    Returns False if Lambda gives no answer: then the version is invoked, which also works during a rollback.
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
    """Return the kind of error, the payload, and the seconds of the answered call. Raises CheckError."""
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
            transient: Exception = error
        except (exceptions.ConnectionError, exceptions.ConnectionClosedError) as error:
            transient = error
        except exceptions.HTTPClientError as error:
            raise CheckError(f"{function} did not answer within {left:.0f} s: {error}") from None
        if clock.monotonic() + pause > deadline:
            waited = clock.monotonic() - first
            raise CheckError(f"{function} cannot be invoked, tried for {waited:.0f} s: {transient}")
        logger.info("transient error, retrying", error=str(transient), pause_s=pause)
        clock.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def judge(function: str, error: str | None, payload: bytes) -> None:
    """Raise CheckError unless the payload is an HTTP response of status 200 whose body is what its type says."""
    text = payload.decode(errors="replace")[:500]
    if error:
        raise CheckError(f"{function} failed: {text}")
    try:
        response = json.loads(payload)
        status = response["statusCode"]
        if "json" in response["headers"].get("content-type", "application/json"):  # a plain predictor's may be other
            json.loads(response["body"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckError(f"{function} did not return an HTTP response: {text}") from None
    if status != 200:
        raise CheckError(f"{function} answered its own event with status {status}: {text}")


def judge_time(settings: CheckSettings, took_s: float) -> Passed:
    """Compare the time of the first answer with API Gateway's timeout. Raises CheckError if callers would get errors.

    The trigger's call is the first one of a new version, so its time includes a whole cold start. With provisioned
    environments, callers rarely see a cold start.
    """
    took = f"{settings.function} took {took_s:.1f} s for its first answer, including its start"
    limit = f"API Gateway waits {settings.gateway_s:g} s"
    remedy = "raise resources.memory_mb, load less, or set scaling.provisioned"
    if took_s <= WARNING_SHARE * settings.gateway_s:
        return Passed(took)
    if took_s <= settings.gateway_s:
        return Passed(f"{took}, and {limit}: {remedy}", warns=True)
    if settings.provisioned:
        return Passed(f"{took}, and {limit}: callers without a provisioned environment get 5xx", warns=True)
    raise CheckError(f"{took}, and {limit}: callers would get 5xx at each cold start: {remedy}")


def _client(service: str, read_timeout: float = 10, attempts: int = 3) -> Any:
    """Return a client of AWS. boto3 is imported here, so that CodeDeploy gets an answer even if the import fails."""
    import boto3  # noqa: PLC0415 - see the docstring
    from botocore.config import Config  # noqa: PLC0415 - see the docstring

    retries = {"total_max_attempts": attempts, "mode": "standard"}
    return boto3.client(service, config=Config(connect_timeout=2, read_timeout=read_timeout, retries=retries))
