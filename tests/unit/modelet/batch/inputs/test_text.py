from __future__ import annotations

import gzip
import zlib

import pytest

from modelet.batch.inputs.text import text_blocks, text_start
from modelet.store.errors import InputError

from .conftest import Inputs, SmallBlocks


def text_of(inputs: Inputs, data: bytes, *, block: int) -> bytes:
    inputs.objects = SmallBlocks(block)
    found = inputs.objects.head(inputs.write("x.gz", data))
    return b"".join(text_blocks(found, inputs.objects, 0, found.size, is_gzip=True, block=10))


@pytest.mark.parametrize("block", [1, 5, 1_000])
@pytest.mark.parametrize("text", [b"", b"a", b"abc", b"\xef\xbb\xbfid\n1\n", b"x" * 500, bytes(range(1, 256)) * 3])
def test_a_compressed_text_is_all_its_members_without_the_mark(inputs: Inputs, block: int, text: bytes) -> None:
    assert text_of(inputs, gzip.compress(text), block=block) == text.removeprefix(b"\xef\xbb\xbf")
    joined = gzip.compress(text) + gzip.compress(b"", mtime=0) + gzip.compress(b"more")
    assert text_of(inputs, joined, block=block) == text.removeprefix(b"\xef\xbb\xbf") + b"more"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-9], "ends in the middle: upload it again"),
        (lambda data: data[:20] + b"????" + data[24:], "is no gzip file, or damaged"),
        (lambda _: b"id,x\n1,2\n", "is no gzip file, or damaged"),
    ],
)
def test_a_damaged_file_is_refused(inputs: Inputs, damage: object, reason: str) -> None:
    assert callable(damage)
    data = damage(gzip.compress(b"".join(b"%d\n" % zlib.crc32(b"%d" % row) for row in range(100))))
    with pytest.raises(InputError, match=rf"x\.gz {reason}"):
        text_of(inputs, data, block=7)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(b"id\n", mtime=0), "is compressed with gzip: let its name end with .gz"),
        (b"PAR1xx", "is Parquet"),
    ],
)
def test_another_format_is_told_by_its_first_bytes(inputs: Inputs, data: bytes, reason: str) -> None:
    found = inputs.objects.head(inputs.write("x.csv", data))
    with pytest.raises(InputError, match=reason):
        text_start(found, inputs.objects)


def test_a_text_starts_after_its_mark(inputs: Inputs) -> None:
    for data, start in ((b"\xef\xbb\xbfid", 3), (b"id", 0), (b"", 0)):
        found = inputs.objects.head(inputs.write("x.csv", data))
        assert text_start(found, inputs.objects) == start
