"""Online inference: one instance through the alias of the model's own function."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from problems import GivenError, calling, code_of

from modelet.errors import NotFoundError, RequestError, StoreError

SECONDS = 8.0
"""How long calls are repeated: an image that was idle for weeks is pending while Lambda fetches it again."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
PENDING = frozenset({
    "CodeArtifactUserPendingException", "EC2ThrottledException", "ENINotReadyException", "ResourceConflictException",
    "ResourceNotReadyException", "SnapStartNotReadyException", "SnapStartTimeoutException",
})  # fmt: skip
"""Lambda prepares the function, which takes seconds. Source: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
PROBLEM = "urn:modelet:problem:"


class Online:
    """The functions of the models. prefix: of their names. alias: empty where there are no versions."""

    def __init__(self, prefix: str, alias: str, client: Callable[[str], Any], seconds: float = SECONDS) -> None:
        self._prefix = prefix
        self._alias = alias
        self._client = client
        self._seconds = seconds

    def infer(self, model: str, instance: Any) -> Any:
        """Return the prediction of an instance, which is sent as the only one of a list: so it is never another event.

        Raises the model's own problem, RequestError for an instance that is not JSON, NotFoundError without a function,
        StoreError (retryable) if Lambda throttles or the model does.
        """
        try:
            payload = json.dumps({"instances": [instance]}, allow_nan=False).encode()
        except ValueError:
            raise RequestError("The instance has a number that is not finite.") from None
        answered = self._invoke(model, payload)
        value = json.loads(answered["Payload"].read())
        if answered.get("FunctionError"):
            kind = value.get("errorType") if isinstance(value, dict) else None
            raise StoreError(f"the function of {model} failed with {kind}; its own log has the cause")
        if _is_problem(value):
            raise GivenError(value)
        found = value.get("predictions") if isinstance(value, dict) else None
        if not isinstance(found, list) or len(found) != 1:
            raise RequestError(
                f"{model} is a plain predictor, which has no predictions for instances: use POST /models/{model}/infer."
            )
        return found[0]

    def _invoke(self, model: str, payload: bytes) -> Any:
        """Invoke the function, again while it is pending."""
        qualifier = {"Qualifier": self._alias} if self._alias else {}
        ends, pause = time.monotonic() + self._seconds, FIRST_PAUSE_S
        while True:
            with calling("Lambda"):
                try:
                    client = self._client("lambda")
                    return client.invoke(FunctionName=f"{self._prefix}-{model}", Payload=payload, **qualifier)
                except ClientError as error:
                    code = code_of(error)
                    if code == "ResourceNotFoundException":
                        raise NotFoundError(f"The model {model} is not deployed: deploy it.") from None
                    if code == "RequestTooLargeException":
                        raise RequestError("The instance is larger than Lambda allows.") from None
                    if code not in PENDING or time.monotonic() + pause > ends:
                        raise
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads retries, guards nothing
            pause = min(2 * pause, LONGEST_PAUSE_S)


def _is_problem(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and str(value.get("type", "")).startswith(PROBLEM)
        and isinstance(value.get("status"), int)
    )
