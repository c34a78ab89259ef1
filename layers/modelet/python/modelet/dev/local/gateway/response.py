"""What goes back to the caller, and what every kind of gateway can have to refuse."""

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
"""Headers that the gateway alone writes, or nobody."""


class Trouble(Enum):
    """Why the gateway itself answers."""

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
    """Status, headers in order, body; the wire adds the length."""

    status: int
    headers: Headers
    body: bytes


def refusal(status: int, message: str, *, headers: Headers | None = None) -> GatewayResponse:
    """A gateway's own `{"message": …}`."""
    return GatewayResponse(
        status, [(b"content-type", b"application/json"), *(headers or [])], json.dumps({"message": message}).encode()
    )


def parsed(payload: bytes) -> Any:
    """A function's payload as data. Raises ValueError where it is not JSON, or nested beyond reason."""
    try:
        return json.loads(payload)
    except RecursionError as error:
        raise ValueError("the answer is nested too deep") from error


def status_of(value: Any) -> int:
    """A status code: a whole number, as such or as digits. Raises ValueError."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 200 <= value <= 599 or value != int(value):
        raise ValueError(f"statusCode is {value!r}, not a number from 200 to 599")
    return int(value)


def body_of(answer: dict[str, Any], *, decode: bool) -> bytes:
    """The body's bytes, base64 undone when it says so and `decode` allows. Raises TypeError, ValueError."""
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
    """One header. Raises ValueError for what HTTP cannot carry."""
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value)
    if not NAME.fullmatch(name) or UNSAFE.search(text):
        raise ValueError(f"header {name!r} cannot be sent")
    return name.encode(), text.encode("utf-8", "replace")
