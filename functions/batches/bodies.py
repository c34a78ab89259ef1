"""Bodies and queries of requests, read strictly; and answers, written as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request, Response

from modelet.edges.base import encoded_size
from modelet.edges.http import NOT_UTF_8, REPLACEMENT
from modelet.errors import ContractError, MalformedBodyError, RequestError, TooLargeError
from modelet.protocols import service
from modelet.protocols.media import Media, negotiate
from modelet.violation import RESPONSE_LIMIT, Violation

ReadT = TypeVar("ReadT")
WriteT = TypeVar("WriteT")

MEDIA = Media(readers={service.JSON: json.loads}, writers={service.JSON: json.dumps})
MOST_PARAMETERS = 200
ENVELOPE = 4096
"""Bytes for the status and the headers of an answer."""
FEWER_KEYS, FEWER_ENTRIES = "ask for fewer keys at a time", "ask with a lower limit"
"""What makes an answer smaller: one with predictions of keys, and a page of a list."""


async def read_as(request: Request, media: Media[ReadT, WriteT]) -> tuple[bytes, ReadT]:
    """Return a body and the reader of its media type.

    Raises MediaTypeError or NotAcceptableError as /infer does, MalformedBodyError if the gateway may have replaced
    bytes that are not UTF-8.
    """
    body = await request.body()
    reader, _, _ = negotiate(service.Request(request.method, "", dict(request.headers), body=body), media)
    event = request.scope["aws.event"]
    if not event.get("isBase64Encoded") and REPLACEMENT in (event.get("body") or ""):
        raise MalformedBodyError(NOT_UTF_8)
    return body, reader


async def read_text(request: Request) -> bytes:
    """Return a body that says it is JSON. Raises as `read_as` does."""
    return (await read_as(request, MEDIA))[0]


def parse(body: bytes) -> Any:
    """Return the JSON value of a body. Raises MalformedBodyError, also for NaN and for numbers that no double holds."""
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise MalformedBodyError(f"The body is not JSON: {reason[:300]}.") from None


async def read_json(request: Request) -> Any:
    """Return the JSON value of a request's body. Raises as `read_text` and `parse` do."""
    return parse(await read_text(request))


def read_query(request: Request) -> list[tuple[str, str]]:
    """Return the names and values of the query, in order; `+` is a space, as in a form.

    Raises RequestError for a value that is not UTF-8, since a replacement character would name another key.
    """
    text = request.scope["query_string"].decode("latin-1")
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS, encoding="utf-8"
        )
    except UnicodeDecodeError:
        raise RequestError("The query is not UTF-8: write each byte of a key's UTF-8 as %XX.") from None
    except ValueError:
        raise RequestError(f"The query has more than {MOST_PARAMETERS} parameters.") from None


def answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, smaller: str = FEWER_KEYS
) -> Response:
    """Return an answer with a JSON value. Raises TooLargeError, with what makes it smaller, above Lambda's limit."""
    made = service.Response.of(value, status)
    if len(made.body) * 6 > RESPONSE_LIMIT and encoded_size(made.body.decode()) + ENVELOPE > RESPONSE_LIMIT:
        raise TooLargeError(f"The answer is larger than {RESPONSE_LIMIT} bytes: {smaller}.")
    return Response(made.body, status, {**made.headers, **(headers or {})})


def refuse(field: str, message: str, rule: str = "request") -> ContractError:
    """Return the error of one member of a body."""
    return ContractError([Violation(None, field, message, rule)])


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:50]} is outside the range of a number")
    return number
