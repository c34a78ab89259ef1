"""Where DynamoDB is, and who signs requests to it: from the function's environment, without boto3."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from modelet import aws
from modelet.errors import SettingsError
from modelet.settings import aws_endpoint, get_variable

if TYPE_CHECKING:
    import ssl

REFRESH_S = 300.0
"""Seconds before their expiry at which keys are fetched again; only SnapStart's have one."""


class OwnEndpoint:
    """DynamoDB in the function's own region, with its own credentials. Raises SettingsError without a region."""

    def __init__(self) -> None:
        self.region = get_variable("AWS_REGION") or get_variable("AWS_DEFAULT_REGION") or ""
        if not self.region:
            raise SettingsError("AWS_REGION is not set: set it to the region of the function's tables")
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        self.url = aws_endpoint("DYNAMODB") or f"https://dynamodb.{self.region}.{domain}"
        self._keys: aws.Keys | None = None
        self._until: float | None = None

    def keys(self) -> aws.Keys:
        """Return the current keys. Raises SettingsError without credentials, StoreError if they cannot be fetched."""
        if self._keys is None or (self._until is not None and time.time() >= self._until - REFRESH_S):
            self._keys = aws.find_keys()
            expires = self._keys.expires
            self._until = datetime.fromisoformat(expires).timestamp() if expires else None
        return self._keys

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context, with the certificates of the image."""
        return aws.tls()
