"""When a message of a model's queue of jobs comes again."""

from __future__ import annotations

import logging
import math
import random

from botocore.exceptions import BotoCoreError, ClientError

from modelet.batch.clients import client

FIRST_PAUSE_S, LONGEST_PAUSE_S = 4.0, 300.0
ATTEMPTS = 2
"""Calls to SQS: the queue has a visibility timeout of its own, so a job need not wait long for this one."""

logger = logging.getLogger(__name__)


def pause(attempt: int) -> float:
    """Return the seconds before the attempt after this one: longer each time, with jitter. attempt: from 1."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 30))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, guards nothing


class JobQueue:
    """The queue, as its worker uses it. url: empty if it is unknown: then nothing is changed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def hide(self, receipt: str, seconds: float) -> None:
        """Let a message come again after some seconds, unless the worker's answer deletes it.

        receipt: the handle of its last delivery. A failure is only logged: then the message comes again after the
        queue's own visibility timeout.
        """
        if not self._url:
            return
        hidden = max(0, math.ceil(seconds))
        try:
            client("sqs", attempts=ATTEMPTS).change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=hidden
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("a job's message comes again only after the visibility timeout of its queue: %s", error)
