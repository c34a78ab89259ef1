"""Who signs requests to DynamoDB, and for whom: taken from a boto3 client, whose own building of requests is slow."""

from __future__ import annotations

import ssl
from functools import cached_property
from typing import Any

from botocore.httpsession import get_cert_path

from modelet.aws import Keys
from modelet.errors import ServingError


class Endpoint:
    """Where requests go and who signs them, as a boto3 client has been told. client: a boto3 client of DynamoDB.

    Raises ServingError if the client has no credentials.
    """

    def __init__(self, client: Any) -> None:
        self.url = str(client.meta.endpoint_url)
        self.region = str(client.meta.region_name)
        self._credentials = client._get_credentials()  # refreshes a role's session token
        self._verify = client._endpoint.http_session._verify  # True, or the file of AWS_CA_BUNDLE
        if self._credentials is None:
            raise ServingError("there are no AWS credentials: sign in, or give the function a role")

    def keys(self) -> Keys:
        """Return the current keys. Raises botocore's errors if they cannot be refreshed."""
        found = self._credentials.get_frozen_credentials()
        return Keys(found.access_key, found.secret_key, found.token or "")

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The TLS context, with the certificates that boto3 trusts."""
        return ssl.create_default_context(cafile=get_cert_path(self._verify))
