from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from modelet.backends.images import MOST_PIXELS, decoded, pictures
from modelet.errors import ContractError

SIZE = (7, 5)
RANDOM = np.random.default_rng(3)
PHOTO = Image.fromarray((RANDOM.random((20, 30, 3)) * 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


PNG, JPEG = encoded(PHOTO), encoded(PHOTO, "JPEG", exif=Image.Exif().tobytes())


def refused(data: bytes, **options: Any) -> str:
    with pytest.raises(ContractError) as caught:
        decoded(data, SIZE, **options)
    [violation] = caught.value.violations
    assert violation.field == "image"
    assert violation.rule == "image"
    return violation.message


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@given(st.sampled_from([PNG, JPEG]), st.data())
@settings(max_examples=300)
def test_any_truncation_of_a_file_is_refused(file: bytes, data: st.DataObject) -> None:
    refused(file[: data.draw(st.integers(0, len(file) - 1))])


@given(st.sampled_from([b"", PNG[:8], PNG[:33], JPEG[:3], JPEG[:20]]), st.binary(max_size=300))
@settings(max_examples=300)
def test_random_bytes_are_refused(start: bytes, rest: bytes) -> None:
    refused(start + rest)


@given(st.sampled_from([PNG, JPEG]), st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=300)
def test_a_changed_byte_gives_a_picture_of_the_same_shape_or_a_clear_error(file: bytes, place: int, value: int) -> None:
    changed = bytearray(file)
    changed[place % len(file)] = value
    try:
        image = decoded(bytes(changed), SIZE)
    except ContractError:
        image = decoded(PNG, SIZE)
    assert (image.shape, image.dtype.name) == (SIZE, "uint8")


@given(st.integers(8, len(PNG) - 1), st.integers(1, 255))
@settings(max_examples=200)
def test_a_changed_byte_in_a_png_never_changes_the_picture(place: int, change: int) -> None:
    changed = bytearray(PNG)
    changed[place] ^= change
    refused(bytes(changed))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_decoded_like_its_grey_picture(mode: str) -> None:
    shades = np.linspace(0, 255, 30 * 20).reshape(20, 30).astype(np.uint8)
    grey = Image.fromarray(shades)
    image = Image.fromarray(shades.astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    found = decoded(encoded(image), (20, 30)).astype(int)
    wanted = np.asarray(grey.convert("1").convert("L") if mode == "1" else grey).astype(int)
    assert np.abs(found - wanted).max() <= (6 if mode == "P" else 1)
    assert decoded(encoded(image), (20, 30), "RGB").shape == (20, 30, 3)


def test_cmyk_and_grey_jpegs_are_decoded() -> None:
    shades = np.linspace(0, 255, 32 * 24).reshape(24, 32).astype(np.uint8)
    for mode in ("L", "CMYK"):
        found = decoded(encoded(Image.fromarray(shades).convert("RGB").convert(mode), "JPEG", quality=95), (24, 32))
        assert np.abs(found.astype(int) - shades).max() <= 8


def test_a_transparent_picture_is_put_on_white() -> None:
    drawn = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    drawn.putpixel((5, 5), (0, 0, 0, 255))
    found = decoded(encoded(drawn))
    assert found[5, 5] == 0
    assert found[0, 0] == 255
    few = Image.new("P", (10, 10), 1)
    few.putpalette([0, 0, 0, 90, 90, 90])
    assert decoded(encoded(few, transparency=1))[0, 0] == 255


STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip
"""How a camera stores an upright picture, by its orientation."""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_is_turned_upright_before_it_is_scaled(orientation: int, kind: str) -> None:
    shades = np.zeros((40, 60), np.uint8)
    shades[:20, :20] = 255
    upright = Image.fromarray(shades)
    turn = STORED.get(orientation)
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[274] = orientation
    file = encoded(stored, kind, exif=exif)
    found = decoded(file, (4, 6))
    assert found.shape == (4, 6)
    assert (found > 128).tolist() == (decoded(encoded(upright), (4, 6)) > 128).tolist()
    assert decoded(file).shape == (40, 60)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    assert (np.asarray(shown) > 128).tolist() == (decoded(file) > 128).tolist()


def test_a_huge_picture_is_refused_by_its_header() -> None:
    bomb = png(20_000, 20_000, zlib.compress(b"\0" * 500_000, 9))
    assert len(bomb) < 1_000
    assert refused(bomb) == "The image has 20000 × 20000 pixels: send one of at most 12,500,000 pixels"
    assert "at most 599 pixels" in refused(PNG, most_pixels=599)
    assert decoded(PNG, most_pixels=600).shape == (20, 30)
    assert MOST_PIXELS >= 4032 * 3024


def test_a_picture_with_fewer_pixels_than_its_header_says_is_refused() -> None:
    assert "truncated or damaged" in refused(png(1_000, 1_000, zlib.compress(b"\0" * 5_000)))


def test_an_animated_picture_is_refused() -> None:
    file = encoded(PHOTO, save_all=True, append_images=[PHOTO.rotate(90)])
    assert refused(file) == "The image is animated, with 2 pictures: send one picture"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
def test_another_format_is_refused_by_its_name(kind: str) -> None:
    name = {"WEBP": "WebP"}.get(kind, kind)
    assert refused(encoded(PHOTO, kind)) == f"The image is {name}: send PNG or JPEG"


@pytest.mark.parametrize("data", [b"", b"hello", base64.b64encode(PNG), b"\0\0\0\x18ftypheic"])
def test_what_is_not_an_image_is_refused(data: bytes) -> None:
    assert refused(data).endswith("send PNG or JPEG")


def test_pictures_names_every_bad_row_and_its_field() -> None:
    rows = [{"photo": PNG}, {"photo": b"x"}, {"photo": JPEG}, {"photo": PNG[:50]}]
    with pytest.raises(ContractError) as caught:
        pictures(rows, "photo", size=SIZE)
    assert [(each.instance, each.field) for each in caught.value.violations] == [(1, "photo"), (3, "photo")]
    assert caught.value.rows == {1, 3}
    assert pictures(rows[::2], "photo", size=SIZE, mode="RGB").shape == (2, 7, 5, 3)
