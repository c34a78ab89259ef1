"""Files of images that Pillow reads in part, or reads slowly: they are refused before, and in little time."""

from __future__ import annotations

import io
import zlib
from functools import cache

import numpy as np
import pytest
from PIL import Image

from modelet.backends.images import decoded
from modelet.errors import ContractError
from support.growth import cpu_seconds

SIGNATURE, END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
SIZE = (28, 28)
ROWS = b"".join(b"\0" + b"\x80" * 28 for _ in range(28))


@cache
def dearest() -> float:
    """The CPU seconds of a valid picture that is nearly as large as allowed."""
    pixels = np.random.default_rng(1).integers(0, 255, (3_000, 4_000, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return cpu_seconds(lambda: decoded(file.getvalue(), SIZE))


def refused(data: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        decoded(data, SIZE)

    def again() -> None:
        with pytest.raises(ContractError):
            decoded(data, SIZE)

    assert cpu_seconds(again) < 3 * dearest()
    return caught.value.violations[0].message


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def header(width: int = 28, height: int = 28, kinds: tuple[int, ...] = (8, 0, 0, 0, 0)) -> bytes:
    return chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + bytes(kinds))


def png(*before: bytes, pixels: bytes = zlib.compress(ROWS), head: bytes = header()) -> bytes:
    return SIGNATURE + head + b"".join(before) + chunk(b"IDAT", pixels) + END


def jpeg(size: tuple[int, int] = SIZE, *, progressive: bool = False) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, 128).save(file, "JPEG", progressive=progressive)
    return file.getvalue()


@pytest.mark.parametrize(
    "pixels",
    [
        zlib.compress(b"\x09" + ROWS[1:]),
        zlib.compress(ROWS)[:-4] + bytes(4),
        zlib.compress(ROWS[: len(ROWS) // 2]),
        zlib.compress(ROWS, 0)[:400] + bytes(500),
    ],
    ids=["a filter that there is not", "a wrong checksum of the pixels", "half of the rows", "damaged in the middle"],
)
def test_a_png_of_which_a_row_cannot_be_read_is_refused(pixels: bytes) -> None:
    assert "damaged" in refused(png(pixels=pixels))


@pytest.mark.parametrize(
    "kinds", [(8, 0, 0, 0, 9), (8, 0, 1, 0, 0), (8, 0, 0, 1, 0), (3, 0, 0, 0, 0), (8, 1, 0, 0, 0), (8, 3, 0, 0, 0)]
)
def test_a_png_with_a_header_that_the_format_does_not_define_is_refused(kinds: tuple[int, ...]) -> None:
    assert "damaged" in refused(png(head=header(kinds=kinds)))


def test_a_png_has_one_header_and_only_chunks_that_every_reader_knows() -> None:
    assert decoded(png(chunk(b"teXT", b"x"), chunk(b"tEXt", b"a\0b")), SIZE).mean() == 128
    assert "damaged" in refused(png(header(20_000, 20_000)))
    assert "damaged" in refused(SIGNATURE + chunk(b"tEXt", b"a\0b") + png()[8:])
    assert "chunk b'CgBI'" in refused(png(chunk(b"CgBI", b"\0\0\0\2")))


@pytest.mark.parametrize("kind", [b"tEXt", b"abCd", b"IDAT"])
def test_a_png_of_very_many_chunks_is_refused_in_little_time(kind: bytes) -> None:
    data = b"k\0v" if kind == b"tEXt" else b""
    assert "10,000 chunks" in refused(png(chunk(kind, data) * 300_000))


@pytest.mark.parametrize("size", [(1, 12_500_000), (12_500_000, 1), (65_536, 1)])
def test_a_side_has_at_most_65535_pixels(size: tuple[int, int]) -> None:
    assert "65,535 a side" in refused(png(head=header(*size)))


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        (b"\xff\xfe\0\2" * 500_000, "1,000 segments"),
        (b"\xff\xe1\0\x08Exif\0\0" * 400_000, "1,000 segments"),
        (b"\xff\xdd\0\4\0\1" * 400_000, "1,000 segments"),
        (b"\xff" * 6_000_000, "bytes between its segments"),
        (b"\xff\xfe\0\2" + b"\0" * 6_000_000, "bytes between its segments"),
    ],
)
def test_a_jpeg_of_very_many_segments_is_refused_in_little_time(segment: bytes, said: str) -> None:
    assert said in refused(jpeg()[:2] + segment + jpeg()[2:])


def test_a_jpeg_of_very_many_scans_is_refused_in_little_time() -> None:
    file = jpeg((3500, 3500), progressive=True)
    assert decoded(file, SIZE).mean() == 128
    last = file[file.rfind(b"\xff\xda") : -2]
    assert "64 scans" in refused(file[:-2] + last * 500 + file[-2:])


KINDS = {
    "1": (1, 0, 1), "I;16": (16, 0, 1), "L": (8, 0, 1), "P": (8, 3, 1), "RGB": (8, 2, 3), "RGBA": (8, 6, 4)
}  # fmt: skip
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8, 9, 33])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_the_rows_of_an_interlaced_png_are_all_counted(side: int, mode: str) -> None:
    # Pillow writes no interlaced files: rows of zeros in the lengths of the format's formula.
    depth, colour, channels = KINDS[mode]
    length = 0
    for left, top, right, down in PASSES:
        columns, rows = len(range(left, side, right)), len(range(top, side, down))
        length += rows * (1 + -(-columns * depth * channels // 8)) if columns else 0
    palette = [chunk(b"PLTE", bytes(3))] if mode == "P" else []
    for interlaced, wanted in ((0, side * (1 + -(-side * depth * channels // 8))), (1, length)):
        head = header(side, side, (depth, colour, 0, 0, interlaced))
        assert decoded(png(*palette, pixels=zlib.compress(bytes(wanted)), head=head)).shape == (side, side)
        refused(png(*palette, pixels=zlib.compress(bytes(wanted - 1)), head=head))


def test_bytes_after_the_first_picture_of_a_jpeg_are_not_read() -> None:
    film = b"\xff\xda" * 1_000 + np.random.default_rng(0).bytes(100_000)
    assert decoded(jpeg() + film, SIZE).mean() == 128


def test_a_grey_of_16_bits_that_is_transparent_is_put_on_white() -> None:
    pixels = zlib.compress(b"\0\1\2\1\3")
    file = png(chunk(b"tRNS", b"\1\2"), pixels=pixels, head=header(2, 1, (16, 0, 0, 0, 0)))
    assert decoded(file).tolist() == [[255, 1]]
