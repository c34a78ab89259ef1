"""The served models and their versions, from the configuration or from SSM's parameter store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from modelet.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FRESH_S = 10.0
"""Seconds for which a list from AWS is cached."""

logger = Logger(service="models-index", child=True)


class Listing:
    """The list of models.

    models: the list, if there is no path. path: a path in SSM's parameter store; each model's stack writes a parameter
    below it, whose last part is the model's name and whose value is the version. client: creates boto3's client of SSM.
    """

    def __init__(self, models: Mapping[str, str], path: str = "", client: Callable[[], Any] | None = None) -> None:
        self._models = dict(models)
        self._path = path
        self._client = client or _client
        self._read_at: float | None = None

    def models(self) -> Mapping[str, str]:
        """Return the versions by the models' names, sorted. Raises StoreError if no list could be read yet."""
        if self._path and (self._read_at is None or time.monotonic() - self._read_at > FRESH_S):
            try:
                self._models = self._read()
            except Exception as error:  # boto3 raises many types; an old list is better than none
                if self._read_at is None:
                    raise StoreError(f"SSM did not return the models below {self._path}: {error}") from error
                logger.warning("the list of models cannot be read, the old one is returned", exc_info=error)
            self._read_at = time.monotonic()
        return self._models

    def _read(self) -> dict[str, str]:
        pages = self._client().get_paginator("get_parameters_by_path").paginate(Path=self._path)
        found = {each["Name"].rpartition("/")[2]: each["Value"] for page in pages for each in page["Parameters"]}
        return dict(sorted(found.items()))


def _client() -> Any:
    """Create SSM's client. boto3 is imported here because most requests need no list."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    retries = {"total_max_attempts": 3, "mode": "standard"}
    return boto3.client("ssm", config=Config(connect_timeout=1, read_timeout=2, retries=retries))
