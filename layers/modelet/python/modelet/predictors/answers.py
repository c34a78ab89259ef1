"""Answers: turn what a predictor returns into a status, a body and headers, or refuse it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.contract.schema import from_json
from modelet.errors import PredictionError

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
RETURNABLE = (
    "return a JSON value, a str, bytes, modelet.Response(body, status=…, headers=…), "
    "or an object with body, status_code and headers"
)
EMPTY = frozenset({204, 205, 304})
"""Statuses whose answers have no body. Source: RFC 9110, 15.3.5, 15.3.6 and 15.4.5."""
OURS = frozenset({
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "x-model-version", "x-request-id",
})  # fmt: skip
"""Headers that the gateway or Modelet sets."""
DATES_AND_RECORDS = frozenset("MmV")
"""Kinds of numpy's types that have no JSON form."""
MOST_HEADERS = 10_240
"""The most bytes of an answer's headers. Source: Amazon API Gateway's quotas, "Total combined size of headers"."""
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""A valid header. Source: RFC 9110, 5.1 and 5.5."""


class Response:
    """An answer with its own status and headers.

    body: a JSON value, a str or bytes; a header `content-type` replaces the one that follows from its type. status: 200
    to 599. Anything else makes the answer 500, and the log says why.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.body = body
        self.status = status
        self.headers = {} if headers is None else headers


class Answer(NamedTuple):
    """A checked answer, ready to be sent. headers: names in lower case, always with `content-type` if it has a body."""

    status: int
    body: bytes
    headers: dict[str, str]


def answer_of(value: Any) -> Answer:
    """Return what a predictor returned as an answer.

    Raises PredictionError if it has no form on the wire: NaN or infinity, an object, a generator, a header or a status
    that HTTP does not allow.
    """
    if isinstance(value, Response):
        body, kind = _body(value.body)
        answer = _checked(value.status, body, kind, value.headers)
        if isinstance(value.body, str) and not is_utf_8(answer.headers.get("content-type", "")):
            raise PredictionError("predict returned a str and another charset than UTF-8: return bytes in that charset")
        return answer
    if _is_foreign(value):
        return _foreign(value)
    body, kind = _body(value)
    return Answer(200, body, {"content-type": kind})


def json_of(answer: Answer) -> Any:
    """Return the JSON value of an answer, for a row of a batch. Raises ValueError if it is not JSON."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON and not kind.endswith("+json"):
        if kind == "text/plain" and is_utf_8(answer.headers["content-type"]):
            return answer.body.decode()
        raise ValueError(f"the answer is {kind or 'empty'}, not JSON")
    return json.loads(answer.body)


def _body(value: Any) -> tuple[bytes, str]:
    if isinstance(value, str):
        try:
            return value.encode(), TEXT
        except UnicodeEncodeError:
            raise PredictionError("predict returned a str with a lone surrogate, which UTF-8 does not have") from None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value), BYTES
    return _json(value), JSON


def _json(value: Any) -> bytes:
    kind = type(value).__name__
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        if twin := _twin(value):
            raise PredictionError(
                f"predict returned a {kind} with two keys that are {twin} as JSON: return one of them"
            )
        return text.encode()
    except TypeError as error:
        if kind in {"coroutine", "generator"}:
            value.close()
        raise PredictionError(f"predict returned a {kind} that is not JSON ({error}): {RETURNABLE}") from None
    except RecursionError:
        raise PredictionError(f"predict returned a {kind} that is nested too deeply for JSON") from None
    except ValueError as error:  # NaN, circular, a lone surrogate, a number of more than 4,300 digits
        said = str(error)
        cure = "return finite numbers or None" if "float" in said else "return a JSON value"
        raise PredictionError(f"predict returned a {kind} that JSON does not have ({said}): {cure}") from None


def _twin(value: Any) -> str:
    """Return the JSON text that two keys of one dict share, such as 1 and "1"; empty if there are none."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if any(type(key) is not str for key in found):
                seen: set[str] = set()
                for text in (json.dumps({key: 0})[1:-4] for key in found):
                    if text in seen:
                        return text
                    seen.add(text)
            waiting += [each for each in found.values() if isinstance(each, dict | list | tuple)]
        elif isinstance(found, list | tuple):
            waiting += [each for each in found if isinstance(each, dict | list | tuple)]
    return ""


def _plain(value: Any) -> Any:
    """Return an array or a number of numpy, or an object of pydantic, as Python's own values.

    Raises TypeError for dates and times, which numpy gives as counts of nanoseconds, for records, which lose their
    names, and for what stays as it is. Raises PredictionError for an object with two keys that are the same as JSON.
    """
    found = value
    if getattr(getattr(value, "dtype", None), "kind", "") in DATES_AND_RECORDS:
        raise TypeError(f"{value.dtype} has no JSON form")
    if callable(tolist := getattr(value, "tolist", None)):
        found = tolist()
    elif callable(dump := getattr(type(value), "model_dump", None)):
        found = dump(value, mode="json")
    if type(found) is type(value):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    if twin := _twin(found):
        raise PredictionError(f"predict returned a {type(value).__name__} with two keys that are {twin} as JSON")
    return found


def _is_foreign(value: Any) -> bool:
    """Return whether a value is a response of another library, such as Starlette's."""
    return hasattr(value, "status_code") and hasattr(value, "body") and hasattr(value, "headers")


def _foreign(value: Any) -> Answer:
    if getattr(value, "background", None) is not None:
        raise PredictionError("predict returned a response with a background task, which Lambda cannot run: call it")
    body = b"" if value.body is None else value.body
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes | bytearray | memoryview):
        raise PredictionError(f"predict returned a response whose body is a {type(body).__name__}: give it bytes")
    items = value.headers.items() if hasattr(value.headers, "items") else value.headers
    headers, seen = [], bytes(body)
    for name, text in items:
        if str(name).lower() == "content-length":  # the library's own
            if str(text) != str(len(seen)):
                raise PredictionError("predict returned a response whose content-length is not its body's")
        else:
            headers.append((name, text))
    return _checked(value.status_code, seen, BYTES, headers)


def _checked(status: Any, body: bytes, kind: str, headers: Any) -> Answer:
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise PredictionError(f"predict returned the status {status!r}: return a number from 200 to 599")
    if status in EMPTY:
        if body not in {b"", b"null", b'""'}:
            raise PredictionError(f"predict returned a body with the status {status}, which has none")
        body = b""
    given = _headers(headers.items() if hasattr(headers, "items") else headers)
    if body and kind != JSON:
        _check_json(body, given.get("content-type", kind))
    if body or status not in EMPTY:
        given.setdefault("content-type", kind)
    return Answer(int(status), body, given)


def _check_json(body: bytes, content_type: str) -> None:
    """Raise PredictionError for a body that its content type calls JSON, and that is not."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != JSON and not kind.endswith("+json"):
        return
    try:
        from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise PredictionError(
            f"predict returned a body whose content type is {kind}, and that is not JSON: {error}"
        ) from None


def is_utf_8(content_type: str) -> bool:
    """Return whether a text of a content type is UTF-8, as it is without a charset."""
    charset = content_type.lower().partition("charset=")[2].strip(' "')
    return charset.partition(";")[0].strip(' "') in {"", "utf-8", "utf8"}


def _headers(items: Iterable[Any]) -> dict[str, str]:
    given: dict[str, str] = {}
    try:
        pairs = [(name, value) for name, value in items]
    except (TypeError, ValueError):
        raise PredictionError("predict returned headers that are not a mapping of names to texts") from None
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise PredictionError(f"predict returned the header {name!r}: {value!r}: both must be texts")
        lower = name.lower()
        if not NAME.fullmatch(name) or not VALUE.fullmatch(value):
            raise PredictionError(f"predict returned the header {name!r}, which HTTP does not allow")
        if lower in OURS:
            raise PredictionError(f"predict returned the header {name!r}, which the gateway or Modelet sets: remove it")
        if lower in given:
            if lower in {"content-type", "set-cookie"}:
                raise PredictionError(f"predict returned the header {name!r} twice: return it once")
            value = f"{given[lower]}, {value}"  # noqa: PLW2901 - RFC 9110, 5.3: a list may be sent in one header
        given[lower] = value
    if (size := sum(len(name) + len(value) for name, value in given.items())) > MOST_HEADERS:
        raise PredictionError(f"predict returned headers of {size:,} bytes: return at most {MOST_HEADERS:,}")
    return given
