"""Media types: the readers and writers of a protocol, and their negotiation by Content-Type and Accept.

Source: RFC 9110, 8.3 (Content-Type), 12.5.1 (Accept), 15.5.7 (406) and 15.5.16 (415).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from modelet.errors import MediaTypeError, NotAcceptableError
from modelet.protocols.service import JSON

if TYPE_CHECKING:
    from modelet.protocols.service import Request

ReadT = TypeVar("ReadT")
WriteT = TypeVar("WriteT")

ANY, IDENTITY = "*/*", "identity"
UTF_8 = frozenset({"utf-8", "utf8"})
ASCII = frozenset({"ascii", "us-ascii"})
"""Charsets that are subsets of UTF-8. JSON is UTF-8, whatever its content type declares (RFC 8259, 8.1)."""


class Media(Generic[ReadT, WriteT]):
    """The media types of a protocol: a reader for each that a body may have, a writer for each that an answer may have.

    readers, writers: functions by the name of the media type; a type that is only read has no writer. The first writer
    is the preferred one.
    """

    __slots__ = ("first", "readers", "writers")

    def __init__(self, *, readers: dict[str, ReadT], writers: dict[str, WriteT]) -> None:
        self.readers = readers
        self.writers = writers
        self.first = next(iter(writers))


def negotiate(request: Request, media: Media[ReadT, WriteT]) -> tuple[ReadT, str, WriteT]:
    """Return the reader of a request's body, and the media type of its answer with the writer.

    Raises MediaTypeError if no reader supports the body, NotAcceptableError if Accept excludes what can be written.
    """
    headers = request.headers
    given, accept = headers.get("content-type", JSON), headers.get("accept", ANY)
    coding = headers.get("content-encoding", IDENTITY)
    if given == JSON and accept == ANY and coding == IDENTITY and JSON in media.readers:  # nearly every request
        return media.readers[JSON], media.first, media.writers[media.first]
    reader, charset = _content(str(given), tuple(media.readers))
    if charset not in UTF_8 and not (charset in ASCII and request.body.isascii()):
        raise MediaTypeError(f"The charset is {charset[:100]}: send UTF-8.")
    if (coding := str(coding).strip().lower()) != IDENTITY:
        taken = ("accept-encoding", IDENTITY)
        raise MediaTypeError(f"The content encoding is {coding[:100]}: send the body without one.", taken)
    writer = _accepted(str(accept), tuple(media.writers))
    return media.readers[reader], writer, media.writers[writer]


@lru_cache(maxsize=64)  # exceptions are not cached
def _content(content_type: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Return the media type in a Content-Type, as the one of `names`, and its charset, UTF-8 by default.

    A type with the suffix +json is JSON (RFC 6839, 3.1). Raises MediaTypeError if the type is not in `names`.
    """
    kind, *parameters = content_type.lower().split(";")
    kind = kind.strip()
    meant = JSON if kind.endswith("+json") else kind
    if meant not in names:
        listed = ", ".join(names)
        raise MediaTypeError(f"The content type is {kind[:100]}: send {listed}.", ("accept", listed))
    named = [each.partition("=") for each in parameters]
    declared = [value.strip().strip('"') for name, _, value in named if name.strip() == "charset"]
    return meant, next((charset for charset in declared if charset not in UTF_8), "utf-8")


@lru_cache(maxsize=64)  # exceptions are not cached
def _accepted(accept: str, names: tuple[str, ...]) -> str:
    """Return the media type that an Accept header prefers; the first one if several are equal.

    Invalid media ranges are ignored. Raises NotAcceptableError if the ranges exclude all names.
    """
    ranges = dict(found for each in accept.lower().split(",") if (found := _range(each)))
    if not ranges:
        return names[0]
    # The most specific range that matches a type gives its weight.
    weights = [
        next((ranges[one] for one in (name, f"{name.partition('/')[0]}/*", ANY) if one in ranges), 0.0)
        for name in names
    ]
    if not any(weights):
        listed = ", ".join(names)
        raise NotAcceptableError(f"Accept is {accept[:100]}: this route offers {listed}.")
    return names[weights.index(max(weights))]


def _range(text: str) -> tuple[str, float] | None:
    """Return a media range and its weight; None if the text is not a media range."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    main, _, sub = kind.partition("/")
    if not main or not sub:
        return None
    named = [each.partition("=") for each in parameters]
    weights = [value for name, _, value in named if name.strip() == "q"]
    try:
        weight = float(weights[0]) if weights else 1.0
    except ValueError:
        return None
    return (kind, weight) if 0.0 <= weight <= 1.0 else None
