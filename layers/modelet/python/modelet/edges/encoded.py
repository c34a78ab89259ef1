"""Answers that are not JSON, as only plain predictors give: base64 for a gateway, a value for an invocation."""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING, Any

from modelet.errors import PredictionError
from modelet.predictors.answers import is_utf_8
from modelet.protocols.service import JSON, PROBLEM

if TYPE_CHECKING:
    from modelet.protocols.service import Response

NO_BINARY = (
    "the predictor returned bytes that are not text, which a REST API would send as base64: use an HTTP API, or return "
    "base64 in JSON"
)


def in_base64(answered: Response, event: dict[str, Any]) -> Response:
    """Return an answer with its body in base64. Raises PredictionError for an event of a REST API.

    A REST API decodes base64 only for the media types in its settings, which the event does not have.
    """
    if "httpMethod" in event and "version" not in event:
        raise PredictionError(NO_BINARY)
    return answered._replace(body=binascii.b2a_base64(answered.body, newline=False))


def value_of(answered: Response) -> Any:
    """Return the JSON value or the text of an answer with the status 200; any other answer as a gateway gets it.

    A text in another charset than UTF-8, and an empty body of JSON, are returned as a gateway gets them too.
    """
    kind = answered.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == JSON or kind.endswith("+json")
    if is_json and answered.body and (answered.status == 200 or kind == PROBLEM):
        return json.loads(answered.body)
    try:
        if kind == "text/plain" and answered.status == 200 and is_utf_8(answered.headers["content-type"]):
            return answered.body.decode()
        body, is_base64 = answered.body.decode(), False
    except UnicodeDecodeError:
        body, is_base64 = binascii.b2a_base64(answered.body, newline=False).decode(), True
    return {"statusCode": answered.status, "headers": answered.headers, "body": body, "isBase64Encoded": is_base64}
