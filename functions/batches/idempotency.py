"""Requests with an Idempotency-Key: the second one with the same key and body gets the first one's answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, ClassVar

from fastapi import Request
from problems import logger
from services import aws

from modelet.batch.table import CONTROL, EXPIRES
from modelet.errors import RequestError, StoreError

HEADER = "idempotency-key"
KEPT_S = 24 * 3600
KEY = re.compile(r"[\x21-\x7e]{1,255}")


class RepeatedKeyError(RequestError):
    """The key was used for another request: its body, query, content type or Accept differs."""

    status: ClassVar[int] = 422
    kind = "idempotency-key"
    title = "Idempotency key reused"


class InProgressError(RequestError):
    """The first request with this key is not through yet."""

    status: ClassVar[int] = 409
    kind = "in-progress"
    title = "Request in progress"

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"retry-after": "1"}


def once(request: Request, body: bytes, create: Callable[[], dict[str, Any]], table: str, model: str) -> dict[str, Any]:
    """Return what `create` returns; of requests with an Idempotency-Key, only the first one's within a day counts.

    Keys belong to a model and a route. table: the control table. A request whose `create` raises does not count, nor
    one whose environment was killed: its key is free after the function's timeout.
    Raises RequestError for a key with invalid characters, RepeatedKeyError, InProgressError, StoreError.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return create()
    # These take 240 ms to import, and most requests have no key.
    from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )
    from aws_lambda_powertools.utilities.idempotency.exceptions import (  # noqa: PLC0415
        IdempotencyAlreadyInProgressError,
        IdempotencyInconsistentStateError,
        IdempotencyPersistenceLayerError,
        IdempotencyValidationError,
    )

    if not KEY.fullmatch(key):
        raise RequestError("The Idempotency-Key is not 1 to 255 visible ASCII characters.")
    noun = request.scope["path"].rpartition("/")[2]
    digest = hashlib.sha256(f"{noun}\n{key}".encode()).hexdigest()
    layer = DynamoDBPersistenceLayer(
        table,
        key_attr=CONTROL.partition,
        sort_key_attr=CONTROL.sort,
        static_pk_value=f"key#{model}#{digest}",  # a partition of its own: keys do not share one
        expiry_attr=EXPIRES,
        boto3_client=aws("dynamodb"),
    )
    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="body",
        expires_after_seconds=KEPT_S,
        hash_function="sha256",
        lambda_context=request.scope["aws.context"],
    )
    made: list[dict[str, Any]] = []

    def first(*, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - Powertools reads it
        made.append(create())
        return made[0]

    guarded: Any = idempotent_function(
        first, data_keyword_argument="request", persistence_store=layer, config=config, key_prefix="key"
    )

    try:
        answered: dict[str, Any] = guarded(request={"key": digest, "body": _digest(request, body)})
    except IdempotencyValidationError:
        raise RepeatedKeyError("This Idempotency-Key was used for another request: use a new key.") from None
    except IdempotencyAlreadyInProgressError:
        raise InProgressError("The first request with this Idempotency-Key is not through yet: try again.") from None
    except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError) as error:
        if made:
            logger.warning("the request was answered, but its Idempotency-Key could not be kept", exc_info=error)
            return made[0]
        raise StoreError(f"the Idempotency-Key cannot be kept: {error}") from error
    return answered


def _digest(request: Request, body: bytes) -> str:
    """Return the digest of what a request asks for."""
    asked = (request.url.query, *(request.headers.get(name, "") for name in ("content-type", "accept")))
    return hashlib.sha256("\n".join(asked).encode() + b"\n" + body).hexdigest()
