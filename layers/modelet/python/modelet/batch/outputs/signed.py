"""Signed BatchWriteItem requests over one connection, without boto3, whose building of requests is most of its time."""

from __future__ import annotations

import http.client
import ssl
import time
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path

from modelet.aws import Keys, sign
from modelet.errors import RequestError

HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
}


class Endpoint:
    """Where requests go and who signs them, as a boto3 client has been told. client: a boto3 client of DynamoDB.

    Raises RequestError if the client has no credentials.
    """

    def __init__(self, client: Any) -> None:
        self.url = str(client.meta.endpoint_url)
        self.region = str(client.meta.region_name)
        self._credentials = client._get_credentials()  # refreshes a role's session token
        self._verify = client._endpoint.http_session._verify  # True, or the file of AWS_CA_BUNDLE
        if self._credentials is None:
            raise RequestError("there are no AWS credentials: sign in, or give the function a role")

    def keys(self) -> Keys:
        """Return the current keys. Raises botocore's errors if they cannot be refreshed."""
        found = self._credentials.get_frozen_credentials()
        return Keys(found.access_key, found.secret_key, found.token or "")

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The TLS context, with the certificates that boto3 trusts."""
        return ssl.create_default_context(cafile=get_cert_path(self._verify))


class SignedConnection:
    """One connection, kept alive, for one thread. timeout: seconds for connecting and for each read."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        parts = urlsplit(endpoint.url)
        self._url, self._path = endpoint.url, parts.path or "/"
        self._connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=endpoint.tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=timeout)
        )

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the answer.

        Raises OSError or http.client.HTTPException if there is no whole answer; the next request then connects anew.
        """
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        endpoint = self._endpoint
        headers = sign(self._url, HEADERS, body, endpoint.keys(), endpoint.region, "dynamodb", now)
        try:
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
