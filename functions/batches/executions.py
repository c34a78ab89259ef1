"""Executions of the state machine: one for each attempt of a batch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from problems import calling, code_of

LONGEST_NAME = 80
"""Characters. Source: docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html."""
END = "-end"
"""The end of the name of an execution that only announces."""
KEPT_S = 30
"""Seconds for which an execution that runs is taken to run on: lists and readers ask for each batch again and again."""
MOST_KEPT = 1_000
"""Executions that are remembered."""


class Executions:
    """The executions of one state machine. machine: its ARN. clock: seconds that never go back."""

    def __init__(self, machine: str, client: Callable[[str], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._machine = machine
        self._client = client
        self._clock = clock
        self._ran: dict[str, float] = {}

    def start(self, model: str, batch: str, attempt: int, function: str, concurrency: int) -> None:
        """Start an attempt. Raises StoreError.

        function: the ARN of the worker's version. concurrency: how many chunks run at one time. An attempt that runs
        already was started by a call whose answer was lost.
        """
        self._start(model, batch, attempt, function, concurrency, _name(model, batch, attempt))

    def announce(self, model: str, batch: str, attempt: int, function: str) -> None:
        """Start an execution that only announces how an attempt ended, because its own cannot. Raises StoreError.

        It finds a batch that has ended, so it plans no chunk and does the last step, once for each attempt. If a later
        attempt has begun meanwhile, it does nothing.
        """
        self._start(model, batch, attempt, function, 1, _name(model, batch, attempt, END))

    def end(self, model: str, batch: str, attempt: int) -> str | None:
        """Return the name of the error that ended an attempt's execution, "" for no error; None if it runs.

        That it runs is remembered for KEPT_S. Raises StoreError.
        """
        arn, now = self._arn(model, batch, attempt), self._clock()
        if now - self._ran.get(arn, -KEPT_S) < KEPT_S:
            return None
        self._ran.pop(arn, None)
        with calling("Step Functions"):
            try:
                found = self._client("stepfunctions").describe_execution(executionArn=arn)
            except ClientError as error:
                if code_of(error) != "ExecutionDoesNotExist":
                    raise
                return ""
        if found["status"] not in {"RUNNING", "PENDING_REDRIVE"}:
            return str(found.get("error", ""))
        if len(self._ran) >= MOST_KEPT:
            self._ran.clear()
        self._ran[arn] = now
        return None

    def stop(self, model: str, batch: str, attempt: int) -> None:
        """Stop an attempt, so that no new chunk starts. Raises StoreError."""
        arn = self._arn(model, batch, attempt)
        self._ran.pop(arn, None)
        with calling("Step Functions"):
            try:
                self._client("stepfunctions").stop_execution(executionArn=arn, error="Cancelled", cause="by its user")
            except ClientError as error:
                if code_of(error) != "ExecutionDoesNotExist":
                    raise

    def _start(self, model: str, batch: str, attempt: int, function: str, concurrency: int, name: str) -> None:
        given = {
            "batch": {"model": model, "id": batch, "attempt": attempt},
            "function": function,
            "concurrency": concurrency,
        }
        with calling("Step Functions"):
            try:
                self._client("stepfunctions").start_execution(
                    stateMachineArn=self._machine, name=name, input=json.dumps(given)
                )
            except ClientError as error:
                if code_of(error) != "ExecutionAlreadyExists":
                    raise

    def _arn(self, model: str, batch: str, attempt: int) -> str:
        return f"{self._machine.replace(':stateMachine:', ':execution:')}:{_name(model, batch, attempt)}"


def _name(model: str, batch: str, attempt: int, suffix: str = "") -> str:
    """Return the name of an attempt's execution; of a very long model's name, its end is left out."""
    rest = f"-{batch}-{attempt}{suffix}"
    return f"{model[: LONGEST_NAME - len(rest)]}{rest}"
