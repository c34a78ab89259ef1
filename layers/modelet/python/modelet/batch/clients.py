"""The clients of AWS that workers and platform functions use: one configuration, and each client made once.

boto3 reads the region, the credentials and an endpoint (`AWS_ENDPOINT_URL`) from the environment itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import boto3
from botocore.config import Config

Service = Literal["dynamodb", "lambda", "s3", "sns", "sqs", "stepfunctions"]

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
MOST_ATTEMPTS = 4
"""Attempts that botocore makes by itself: the first, and three after a throttle, a 5xx or a broken connection."""


@cache
def client(service: Service, *, attempts: int = MOST_ATTEMPTS, connections: int = 10) -> Any:
    """Return the client of a service, the same one for the same arguments; it may be used by several threads.

    S3 signs with version 4, because newer regions refuse the older signature in presigned URLs.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        signature_version="s3v4" if service == "s3" else None,
    )
    return boto3.client(service, config=config)
