"""The structure of PNG and JPEG files, checked before Pillow opens them: whole files, of few parts.

Pillow reads each chunk of a PNG and each segment of a JPEG in Python, and each scan of a JPEG goes over all pixels.
"""

from __future__ import annotations

import re
import zlib
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
DAMAGED = "The image is truncated or damaged: send the whole file"

MOST_SIDE = 65_535
"""The most pixels of a side: those that a JPEG can have. Pillow keeps a pointer for each row."""
MOST_CHUNKS = 10_000
"""The most chunks of a PNG. Encoders write the pixels in chunks of some kilobytes."""
MOST_SEGMENTS = 1_000
"""The most segments of a JPEG. A colour profile has at most 255."""
MOST_SCANS = 64
"""The most scans of a JPEG. Progressive encoders write some ten."""
MOST_JUNK = 1_000
"""The most bytes between the segments of a JPEG, which belong to none."""

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""The bits that each colour type of a PNG may have. Source: PNG (third edition), table 12."""
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PALETTE = 3
CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The first column and row of each pass of an interlaced PNG, and the steps to the next. Source: 8.1."""
PIECE = 4_096
"""The bytes that are inflated at once: at most 4 MB of rows."""
SCAN, END, START = 0xDA, 0xD9, 0xD8
MARKER = re.compile(rb"\xff[^\x00\xff]")
AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker in compressed pixels, where \\xff\\x00 is a byte, and d0 to d7 are restarts. Source: ITU-T T.81, B.1.1."""


class ImageFileError(Exception):
    """An image is not one that is served; the message is for the caller."""


def check_png(data: bytes) -> None:
    """Raise ImageFileError for a PNG that is not whole, has a wrong checksum, or is not as the format defines it.

    Pillow compares no checksums of pixels, and takes any filter method, interlacing and critical chunk. Source: PNG
    (third edition), 5.3, 5.6 and 11.2.
    """
    seen: set[bytes] = set()
    colour = -1
    for kind, content in _chunks(data):
        if (kind == b"IHDR") is bool(seen):  # it is the first chunk, and no other one
            raise ImageFileError(DAMAGED)
        if kind == b"IHDR":
            colour = _colour(content)
        elif kind == b"IDAT":
            if colour == PALETTE and b"PLTE" not in seen:
                raise ImageFileError(DAMAGED)
        elif kind not in CRITICAL and not kind[0] & 0x20:
            raise ImageFileError(f"The image has the chunk {kind!r}, which PNG does not define: save it again as a PNG")
        seen.add(kind)


def check_rows(data: bytes) -> None:
    """Raise ImageFileError for a PNG with fewer rows of pixels than its header says, which Pillow leaves empty.

    data: a PNG that `check_png` accepts. Source: PNG (third edition), 7.2, 8.1 and 10.
    """
    width, height = (int.from_bytes(data[place : place + 4]) for place in (16, 20))
    bits, interlaced = data[24] * CHANNELS[data[25]], data[28]
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    left = 0
    for first_column, first_row, step_column, step_row in passes:
        columns, rows = -((first_column - width) // step_column), -((first_row - height) // step_row)
        left += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    inflater = zlib.decompressobj()
    for kind, content in _chunks(data):
        for start in range(0, len(content) if kind == b"IDAT" else 0, PIECE):
            try:
                left -= len(inflater.decompress(content[start : start + PIECE]))
            except zlib.error:
                raise ImageFileError(DAMAGED) from None
            if left <= 0:
                return
    raise ImageFileError(DAMAGED)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the type and the content of each chunk of a PNG, up to its end."""
    view, start = memoryview(data), len(PNG)
    for _ in range(MOST_CHUNKS):
        end = start + 12 + int.from_bytes(view[start : start + 4])
        if end > len(data) or crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise ImageFileError(DAMAGED)
        kind = data[start + 4 : start + 8]
        yield kind, view[start + 8 : end - 4]
        if kind == b"IEND":
            return
        start = end
    raise ImageFileError(f"The image has more than {MOST_CHUNKS:,} chunks: save it again, without metadata")


def _colour(content: memoryview) -> int:
    """Return the colour type in the header of a PNG."""
    depth, colour, *methods = content[8:] or (0, 0)
    if len(content) != 13 or depth not in DEPTHS.get(colour, ()) or methods not in ([0, 0, 0], [0, 0, 1]):
        raise ImageFileError(DAMAGED)
    return colour


def check_jpeg(data: bytes) -> None:
    """Raise ImageFileError for a JPEG whose first picture is not whole, or has too many segments or scans.

    Source: ITU-T T.81, B.1 and B.2.
    """
    place, scans, junk = 2, 0, 0
    for _ in range(MOST_SEGMENTS):
        found = (AFTER_SCAN if scans else MARKER).search(data, place)
        if found is None:
            raise ImageFileError(DAMAGED)
        marker = data[found.end() - 1]
        if marker == END and scans:
            return
        if marker in {START, END}:
            raise ImageFileError(DAMAGED)
        if not scans:
            junk += found.start() - place
            if junk > MOST_JUNK:
                raise ImageFileError(f"The image has more than {MOST_JUNK:,} bytes between its segments: save it again")
        if marker == SCAN:
            scans += 1
            if scans > MOST_SCANS:
                raise ImageFileError(f"The image has more than {MOST_SCANS} scans: save it again, not progressive")
        place = found.end()
        if marker != 0x01 and not 0xD0 <= marker <= 0xD7:  # all others have a length
            place += int.from_bytes(data[place : place + 2])
    raise ImageFileError(f"The image has more than {MOST_SEGMENTS:,} segments: save it again, without metadata")
