"""The queues of the models' jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from problems import calling, code_of

from modelet.errors import NotFoundError

MISSING = frozenset({"QueueDoesNotExist", "NonExistentQueue"})
MOST_REDRIVEN = 500
"""Messages that one call sends again, within the gateway's 30 seconds."""


class Queues:
    """The queues, `<prefix>-<model>-jobs`; their URLs are asked for once."""

    def __init__(self, prefix: str, client: Callable[[str], Any]) -> None:
        self._prefix = prefix
        self._client = client
        self._urls: dict[str, str] = {}

    def url(self, model: str) -> str:
        """Return the URL of a model's queue. Raises NotFoundError if it has none, StoreError."""
        if model not in self._urls:
            with calling("SQS"):
                try:
                    found = self._client("sqs").get_queue_url(QueueName=f"{self._prefix}-{model}-jobs")
                except ClientError as error:
                    if code_of(error) in MISSING:
                        raise NotFoundError(f"The model {model} has no queue of jobs: deploy it.") from None
                    raise
            self._urls[model] = found["QueueUrl"]
        return self._urls[model]

    def send(self, url: str, message: dict[str, str]) -> None:
        """Send a message. Raises StoreError."""
        with calling("SQS"):
            self._client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message))

    def redrive(self, model: str, requeue: Callable[[str, str], bool | None]) -> tuple[int, int]:
        """Send the messages of the dead-letter queue again.

        requeue: sets a job back to queued; False drops a message, None leaves it. A message is received, its job
        requeued, sent and only then deleted, so that none is lost. Returns the numbers of sent and of dropped messages.
        Raises NotFoundError, StoreError.
        """
        target, seen, sent, dropped = self.url(model), 0, 0, 0
        with calling("SQS"):
            client = self._client("sqs")
            source = client.get_queue_url(QueueName=f"{self._prefix}-{model}-jobs-failed")["QueueUrl"]
            while seen < MOST_REDRIVEN:
                found = client.receive_message(
                    QueueUrl=source, MaxNumberOfMessages=10, VisibilityTimeout=60, WaitTimeSeconds=1
                ).get("Messages", [])
                if not found:
                    break
                seen += len(found)
                for message in found:
                    again = requeue(model, message["Body"])
                    if again is None:
                        continue
                    if again:
                        client.send_message(QueueUrl=target, MessageBody=message["Body"])
                        sent += 1
                    else:
                        dropped += 1
                    client.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
        return sent, dropped
