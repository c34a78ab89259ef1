"""Which models are served, each with its version: as the configuration says, or as their stacks say in AWS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from modelet.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FRESH_S = 10.0
"""How long a list that was read from AWS is used before it is read again."""


class Listing:
    """The list of models.

    models: the list itself, unless there is a path. path: in SSM's parameter store; the stack of each model has a
    parameter there, whose name ends in the model's and whose value is the version. client: makes boto3's, of SSM.
    """

    def __init__(self, models: Mapping[str, str], path: str = "", client: Callable[[], Any] | None = None) -> None:
        self._models = dict(models)
        self._path = path
        self._client = client or _client
        self._read_at: float | None = None

    def models(self) -> Mapping[str, str]:
        """Versions by the models' names, sorted. Raises StoreError where AWS has never answered."""
        if self._path and (self._read_at is None or time.monotonic() - self._read_at > FRESH_S):
            try:
                self._models = self._read()
            except Exception as error:  # whatever boto3 raises: the list of before is better than none
                if self._read_at is None:
                    raise StoreError(f"SSM did not say which models there are below {self._path}: {error}") from error
            self._read_at = time.monotonic()
        return self._models

    def _read(self) -> dict[str, str]:
        pages = self._client().get_paginator("get_parameters_by_path").paginate(Path=self._path)
        found = {each["Name"].rpartition("/")[2]: each["Value"] for page in pages for each in page["Parameters"]}
        return dict(sorted(found.items()))


def _client() -> Any:
    """SSM's client, imported when it is used: most requests ask for no list."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    retries = {"total_max_attempts": 3, "mode": "standard"}
    return boto3.client("ssm", config=Config(connect_timeout=1, read_timeout=2, retries=retries))
