"""The payload of a request to a plain predictor: the body's value, as its content type says."""

from __future__ import annotations

import json
import math
import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any

from modelet.contract.schema import from_json
from modelet.errors import MalformedBodyError, MediaTypeError
from modelet.protocols.media import ASCII, IDENTITY, UTF_8
from modelet.protocols.service import JSON

if TYPE_CHECKING:
    from modelet.protocols.service import Request

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MOST_DIGITS = 4_300
"""The digits of the largest whole number that Python reads: sys.get_int_max_str_digits()."""
MAY_BE_INFINITE = re.compile(rb"[eE]\+?[0-9]{2}|[0-9]{299}")
"""Numbers that may be larger than a float can be: a large exponent, or so many digits that a small one is enough."""


def read_payload(request: Request) -> Any:
    """Return a request's payload.

    JSON gives its value, a form its fields and files, text a str, and any other content type the body's bytes. A body
    without a content type is JSON. No body gives None. Raises MalformedBodyError if the body is not what its content
    type says, MediaTypeError for another charset than UTF-8 or a content encoding, and TooLargeError for forms.
    """
    headers, body = request.headers, request.body
    given = headers.get("content-type", JSON)
    coding = headers.get("content-encoding", IDENTITY)
    if coding != IDENTITY and str(coding).strip().lower() != IDENTITY:
        taken = ("accept-encoding", IDENTITY)
        raise MediaTypeError(f"The content encoding is {str(coding)[:100]}: send the body without one.", taken)
    if not body:
        return None
    if given == JSON:  # nearly every request
        return _json(body)
    kind, *parameters = str(given).lower().split(";")
    kind = kind.strip()
    if kind == JSON or kind.endswith("+json"):
        _check_charset(parameters, body)
        return _json(body)
    if kind in {FORM, MULTIPART}:
        from modelet.protocols.form import read_form  # noqa: PLC0415 - few requests are forms

        if kind == FORM and body.lstrip()[:1] in {b"{", b"["}:  # as curl sends JSON unless its caller says so
            raise MediaTypeError(f"The body is JSON, but its content type is {FORM}: send {JSON}.")
        return read_form(body, str(given))
    if kind.startswith("text/"):
        _check_charset(parameters, body)
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise MalformedBodyError(f"The body is {kind[:100]}, but not UTF-8: send UTF-8.") from None
    return body


def _check_charset(parameters: list[str], body: bytes) -> None:
    for each in parameters:
        name, _, value = each.partition("=")
        charset = value.strip().strip('"')
        if name.strip() == "charset" and charset not in UTF_8 and not (charset in ASCII and body.isascii()):
            raise MediaTypeError(f"The charset is {charset[:100]}: send UTF-8.", ("accept-charset", "utf-8"))


def _json(body: bytes) -> Any:
    """Return a JSON text's value. Raises MalformedBodyError, also for a key that occurs twice."""
    try:
        # pydantic-core refuses what other bodies of JSON may not have either: lone surrogates, NaN, and great depth.
        if b"\\u" in body or b"NaN" in body or b"Infinity" in body or body.count(b"[") + body.count(b"{") > 100:
            from_json(body, allow_inf_nan=False)
        parse_float = _finite if MAY_BE_INFINITE.search(body) else float
        return json.loads(body.decode(), object_pairs_hook=_object, parse_float=parse_float)
    except RecursionError:
        raise MalformedBodyError("The body is not JSON: it is nested too deeply.") from None
    except UnicodeDecodeError:
        raise MalformedBodyError("The body is not JSON: it is not UTF-8.") from None
    except ValueError as error:
        said = str(error)
        if said.startswith("Exceeds the limit"):
            said = f"a whole number has more than {MOST_DIGITS:,} digits"
        elif body.startswith(BOM_UTF8):
            said = "it begins with a byte order mark"
        raise MalformedBodyError(f"The body is not JSON: {said}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the key {name[:100]!r} occurs twice")
            seen.add(name)
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number
