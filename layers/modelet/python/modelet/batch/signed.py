"""Signed requests to DynamoDB over one connection, without boto3, whose building of requests is most of its time."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import weakref
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path
from urllib3.util.wait import wait_for_read

from modelet.aws import Keys, sign
from modelet.errors import ServingError

TRANSIENT = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""The names of errors that pass, whatever their status."""

COPIED_BYTES = 65_536
"""Up to this size a body is sent together with its head: one packet and one TLS record less than http.client's."""


def may_pass(status: int, name: str) -> bool:
    """Return whether the same request may succeed later. name: of the error."""
    return status >= 500 or status in {408, 429} or name in TRANSIENT


def error_message(answer: bytes) -> str:
    """Return the text of DynamoDB's error; empty if it has none."""
    try:
        error = json.loads(answer)
        return str(error.get("message") or error.get("Message") or "")[:300]
    except (ValueError, AttributeError):
        return ""


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


class SignedConnection:
    """One connection, kept alive, for one thread. timeout: seconds for connecting and for each read.

    It is closed with the last reference to it.
    """

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        parts = urlsplit(endpoint.url)
        self._url, self._path = endpoint.url, parts.path or "/"
        self._connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=endpoint.tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=timeout)
        )
        weakref.finalize(self, self._connection.close)

    def post(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the answer. operation: such as GetItem.

        Raises OSError or http.client.HTTPException if there is no whole answer; the next request then connects anew.
        """
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        endpoint = self._endpoint
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        }
        headers = sign(self._url, headers, body, endpoint.keys(), endpoint.region, "dynamodb", now)
        lines = [f"POST {self._path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "\r\n"]).encode("latin-1")
        parts = (head + body,) if len(body) < COPIED_BYTES else (head, body)
        connection = self._connection
        if connection.sock is not None and wait_for_read(connection.sock, timeout=0):
            connection.close()  # DynamoDB has closed it, as while Lambda paused the environment
        try:
            for part in parts:
                connection.send(part)
            with http.client.HTTPResponse(connection.sock, method="POST") as response:
                response.begin()
                answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
