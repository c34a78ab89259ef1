"""Responses to the caller, and the errors that every type of gateway can report."""

from __future__ import annotations

import base64
import binascii
import json
import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from modelet.dev.local.http.exchange import Headers

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSAFE = re.compile(r"[\x00\r\n]")
FRAMING = {
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Headers that a function cannot set."""


class Trouble(Enum):
    """The reason for an error response of the gateway itself."""

    MALFORMED_REQUEST = auto()
    FOREIGN_HOST = auto()
    NO_ROUTE = auto()
    HEAD_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()
    EVENT_TOO_LARGE = auto()
    UNKNOWN_CODING = auto()
    UNKNOWN_VERSION = auto()
    THROTTLED = auto()
    FUNCTION_FAILED = auto()
    MALFORMED_ANSWER = auto()
    TIMED_OUT = auto()


class GatewayResponse(NamedTuple):
    """Status, headers in order, body. The server adds the length."""

    status: int
    headers: Headers
    body: bytes


def refusal(status: int, message: str, *, headers: Headers | None = None) -> GatewayResponse:
    """Return an error response with the body `{"message": …}`."""
    return GatewayResponse(
        status, [(b"content-type", b"application/json"), *(headers or [])], json.dumps({"message": message}).encode()
    )


def parsed(payload: bytes) -> Any:
    """Parse a function's payload. Raises ValueError if it is not JSON or is nested too deeply."""
    try:
        return json.loads(payload)
    except RecursionError as error:
        raise ValueError("the response is nested too deeply") from error


def status_of(value: Any) -> int:
    """Return a status code from a whole number or a text of digits. Raises ValueError."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 200 <= value <= 599 or value != int(value):
        raise ValueError(f"statusCode is {value!r}, not a number from 200 to 599")
    return int(value)


def body_of(answer: dict[str, Any], *, decode: bool) -> bytes:
    """Return the body's bytes, decoded from base64 if isBase64Encoded and `decode` are true.

    Raises TypeError and ValueError.
    """
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError(f"body is {type(body).__name__}, not a string")
    if not (answer.get("isBase64Encoded") is True and decode):
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("isBase64Encoded is true and body is not base64") from error


def header_of(name: str, value: Any) -> tuple[bytes, bytes]:
    """Return one header. Raises ValueError if HTTP does not allow it."""
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value)
    if not NAME.fullmatch(name) or UNSAFE.search(text):
        raise ValueError(f"header {name!r} is not valid")
    return name.encode(), text.encode("utf-8", "replace")
