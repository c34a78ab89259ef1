"""Reads of DynamoDB for who waits for an answer: a tenth of the CPU of boto3's client, and its interface."""

from __future__ import annotations

import http.client
import json
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from modelet.aws import error_name
from modelet.batch.connection import SignedConnection, error_message
from modelet.batch.signed import Endpoint


class SignedReads:
    """The two calls of boto3's client that read items by their keys, for one thread.

    client: a boto3 client of DynamoDB. timeout: seconds for connecting and for each read. There is one attempt.
    Attributes are as DynamoDB's JSON has them, so that bytes stay base64. Raises ServingError if the client has no
    credentials; its calls raise botocore's errors.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self._connection = SignedConnection(Endpoint(client), timeout)

    def get_item(self, **members: Any) -> dict[str, Any]:
        """Return the answer of GetItem."""
        return self._call("GetItem", members)

    def batch_get_item(self, **members: Any) -> dict[str, Any]:
        """Return the answer of BatchGetItem."""
        return self._call("BatchGetItem", members)

    def _call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        try:
            status, body = self._connection.post(operation, json.dumps(members).encode())
        except (OSError, http.client.HTTPException) as error:
            raise HTTPClientError(error=repr(error)) from error
        if status != 200:
            given = {"Code": error_name(body), "Message": error_message(body)}
            raise ClientError({"Error": given, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ResponseParserError(f"{operation} has an answer that is not DynamoDB's")
        return answer
