"""Forms: the fields and files of `application/x-www-form-urlencoded` and `multipart/form-data` bodies.

Source: RFC 7578 (multipart/form-data), and the WHATWG's URL standard, 5 (application/x-www-form-urlencoded). Names and
methods are those of Starlette's FormData and UploadFile, which authors know.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from modelet.errors import MalformedBodyError, MediaTypeError, TooLargeError

if TYPE_CHECKING:
    from multipart import MultipartSegment

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FORMS = frozenset({URLENCODED, MULTIPART})
"""The media types that `read_form` reads."""

MAX_PARTS = 1_000
"""The most fields and files in one form, as in Starlette."""
MAX_HEADER_BYTES = 4_096
"""The most bytes of one header of a part."""
MAX_HEADERS = 8
"""The most headers of one part; RFC 7578 defines three."""
MAX_BOUNDARY = 70
"""The most characters of a boundary. Source: RFC 2046, 5.1.1."""
CODINGS = frozenset({"", "7bit", "8bit", "binary"})
"""Content transfer encodings that change no byte. Source: RFC 2045, 6.2."""
PIECE = 65_536
"""Bytes of a text that are decoded at once."""
SHOWN = 100


class FormFile:
    """A file of a form: its `filename`, `content_type`, `size` in bytes, and its contents.

    file: the contents as an open binary file.
    """

    __slots__ = ("content_type", "file", "filename", "size")

    def __init__(self, filename: str, content_type: str, content: bytes) -> None:
        self.filename = filename
        self.content_type = content_type
        self.size = len(content)
        self.file = BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, by default all that are left."""
        return self.file.read(size)

    def seek(self, offset: int) -> None:
        """Go to an offset from the start."""
        self.file.seek(offset)

    def close(self) -> None:
        """Do nothing: the contents are in memory."""


class Form(dict[str, "str | FormFile"]):
    """The parts of a form by name; of several with one name, the last, and `getlist` returns all.

    fields: the texts, files: the files, each as pairs of a name and a value, in the body's order.
    """

    def __init__(self, parts: list[tuple[str, str | FormFile]]) -> None:
        super().__init__(parts)
        self._parts = parts

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Return the parts that are texts."""
        return [(name, value) for name, value in self._parts if isinstance(value, str)]

    @property
    def files(self) -> list[tuple[str, FormFile]]:
        """Return the parts that are files."""
        return [(name, value) for name, value in self._parts if isinstance(value, FormFile)]

    def getlist(self, name: str) -> list[str | FormFile]:
        """Return all parts of a name; an empty list if there are none."""
        return [value for each, value in self._parts if each == name]

    def multi_items(self) -> list[tuple[str, str | FormFile]]:
        """Return all parts, in the body's order."""
        return list(self._parts)


def read_form(body: bytes, content_type: str) -> Form:
    """Return the fields and files of a form.

    content_type: the whole header, with its parameters. Raises MalformedBodyError for a body that is not a form or is
    truncated, TooLargeError for more than 1,000 parts or a header of a part above 4,096 bytes, and MediaTypeError for
    another content type.
    """
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == URLENCODED:
        return _urlencoded(body)
    if kind != MULTIPART:
        listed = ", ".join(sorted(FORMS))
        raise MediaTypeError(f"The content type is {kind[:SHOWN]}: send {listed}.", ("accept", listed))
    return _multipart(body, f";{parameters}")


def _urlencoded(body: bytes) -> Form:
    if body.count(b"&") >= MAX_PARTS:
        raise _too_many()
    if not body.isascii():
        raise MalformedBodyError("The form has bytes that are not ASCII: encode them as %XX.")
    try:
        parts: list[tuple[str, str | FormFile]] = []
        for pair in body.split(b"&"):
            if pair:
                name, _, value = pair.partition(b"=")
                parts.append((_decoded(name), _decoded(value)))
    except UnicodeDecodeError:
        raise MalformedBodyError("The form is not UTF-8: encode its texts as UTF-8, then as %XX.") from None
    return Form(parts)


def _decoded(text: bytes) -> str:
    """Return a name or a value as text. In pieces, because each `%XX` takes 80 bytes for a moment."""
    from urllib.parse import unquote_to_bytes  # noqa: PLC0415 - 3 ms of a cold start, and few requests are forms

    text, pieces, start = text.replace(b"+", b" "), [], 0
    while start < len(text):
        end = start + PIECE
        cut = text.rfind(b"%", end - 2, end) if end < len(text) else -1  # a %XX is not cut
        end = end if cut < 0 else cut
        pieces.append(unquote_to_bytes(text[start:end]))
        start = end
    return b"".join(pieces).decode()


def _multipart(body: bytes, parameters: str) -> Form:
    try:
        from multipart import (  # noqa: PLC0415 - only for such bodies
            MultipartError,
            ParserLimitReached,
            PushMultipartParser,
            parse_options_header,
        )
    except ModuleNotFoundError:
        raise MediaTypeError(
            f"This function does not read {MULTIPART}: add modelet[forms] to its requirements.txt.",
            ("accept", URLENCODED),
        ) from None
    boundary = parse_options_header(f"{MULTIPART}{parameters}")[1].get("boundary", "")
    if not 0 < len(boundary) <= MAX_BOUNDARY or not boundary.isascii():
        raise MalformedBodyError(f"{MULTIPART} needs a boundary of 1 to {MAX_BOUNDARY} characters in its content type.")
    parts: list[tuple[str, str | FormFile]] = []
    limits = {"max_header_size": MAX_HEADER_BYTES, "max_header_count": MAX_HEADERS}
    try:
        with PushMultipartParser(boundary, len(body), max_segment_count=MAX_PARTS + 1, strict=True, **limits) as parser:
            segment: MultipartSegment | None = None
            content: list[bytes] = []
            for event in parser.parse(body):
                if event is None:
                    if segment is not None:
                        parts.append(_part(segment, b"".join(content)))
                    segment, content = None, []
                elif isinstance(event, bytes | bytearray):
                    content.append(bytes(event))
                else:
                    segment = event
                    if len(parts) >= MAX_PARTS:
                        raise _too_many()
    except ParserLimitReached:
        raise TooLargeError(
            f"A part of the form has more than {MAX_HEADERS} headers, or one above {MAX_HEADER_BYTES:,} bytes: "
            "send shorter ones."
        ) from None
    except MultipartError as error:
        said = error.args[0] if error.args else ""  # further arguments are Python's errors, with the caller's bytes
        raise MalformedBodyError(f"The body is not valid {MULTIPART}: {said}.") from None
    return Form(parts)


def _part(segment: MultipartSegment, content: bytes) -> tuple[str, str | FormFile]:
    name = segment.name or ""
    coding = segment.header("Content-Transfer-Encoding", "").strip().lower()
    if coding not in CODINGS:  # RFC 7578, 4.7: not used in HTTP
        raise MalformedBodyError(
            f"The part {name[:SHOWN]} has the content transfer encoding {coding[:SHOWN]}: send its bytes as they are."
        )
    if segment.filename is not None:
        return name, FormFile(segment.filename, segment.content_type or "application/octet-stream", content)
    if (segment.charset or "utf-8").lower() not in {"utf-8", "utf8", "us-ascii", "ascii"}:
        raise MalformedBodyError(f"The field {name[:SHOWN]} has the charset {segment.charset}: send UTF-8.")
    try:
        return name, content.decode()
    except UnicodeDecodeError:
        raise MalformedBodyError(
            f"The field {name[:SHOWN]} is not UTF-8 text: send bytes as a file, with a filename."
        ) from None


def _too_many() -> TooLargeError:
    return TooLargeError(f"The form has more than {MAX_PARTS:,} parts: send fewer, or JSON.")
