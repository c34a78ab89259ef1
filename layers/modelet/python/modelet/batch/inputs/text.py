"""The text of an object in blocks: a range of it, or all of it decompressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from modelet.store.errors import InputError
from modelet.store.objects import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.store.objects import Found, Objects

BOM = b"\xef\xbb\xbf"
GZIP = 16 + zlib.MAX_WBITS
"""What zlib takes for the header of a gzip file."""
_OTHERS = {b"\x1f\x8b": "compressed with gzip: let its name end with .gz", b"PAR1": "Parquet: correct its `format`"}


def text_start(found: Found, objects: Objects) -> int:
    """Return where the text of a plain object starts: after a byte order mark, if there is one.

    Raises InputError if the first bytes are those of another format.
    """
    head = objects.read(found, 0, 4)
    for sign, reason in _OTHERS.items():
        if head.startswith(sign):
            raise InputError(f"{found.url} is {reason}")
    return len(BOM) if head.startswith(BOM) else 0


def text_blocks(
    found: Found, objects: Objects, start: int, end: int, *, is_gzip: bool, block: int = BLOCK
) -> Iterator[bytes]:
    """Return the bytes from `start` to `end` in blocks of bounded size; if compressed, the text without its mark.

    Raises InputError if a compressed object is damaged.
    """
    blocks = objects.stream(found, start, end, block)
    return _without_mark(_decompressed(blocks, found.url, block)) if is_gzip else blocks


def _decompressed(blocks: Iterator[bytes], url: str, most: int) -> Iterator[bytes]:
    """Yield the text of the members of a gzip file, which may be several."""
    member = zlib.decompressobj(GZIP)
    is_begun = False
    for block in blocks:
        rest, text = block, b""
        while rest or len(text) == most:
            if member.eof:
                member, is_begun = zlib.decompressobj(GZIP), False
            is_begun = True
            try:
                text = member.decompress(rest, most)
            except zlib.error as error:
                raise InputError(
                    f"{url} is no gzip file, or damaged ({error}): correct its name, or write it again"
                ) from None
            if text:
                yield text
            rest = member.unused_data if member.eof else member.unconsumed_tail
            text = b"" if member.eof else text
    if is_begun and not member.eof:
        raise InputError(f"{url} ends in the middle: upload it again")


def _without_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    for block in blocks:
        first += block
        if len(first) >= len(BOM):
            break
    yield first.removeprefix(BOM)
    yield from blocks
