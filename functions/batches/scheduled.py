"""Starts of batches by a schedule: the answer is dropped, so an error is raised or logged."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from modelet.errors import StoreError

logger = Logger(service="batches", child=True)


def check_start(model: str, answer: dict[str, Any]) -> None:
    """Log a start that was refused; raise StoreError for one that may succeed later, so that Lambda tries it again.

    EventBridge Scheduler invokes the function asynchronously. Lambda then repeats an invocation that raises, but none
    that answers, whatever the status. The Idempotency-Key, the time of the schedule, makes repeats one batch.
    """
    status = answer["statusCode"]
    if status >= 500 or "retry-after" in answer["headers"]:
        raise StoreError(f"the scheduled batch of {model} was answered with {status} and is tried again")
    if status >= 400:
        logger.error("a scheduled batch was not started", model=model, status=status, problem=answer["body"])
