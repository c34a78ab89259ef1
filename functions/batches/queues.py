"""The queues of the models' jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from problems import calling, code_of

from modelet.errors import NotFoundError

MISSING = frozenset({"QueueDoesNotExist", "NonExistentQueue"})


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
