"""Images in contracts: bytes of PNG and JPEG, decoded to arrays with limits. Only this module imports Pillow.

Needs `modelet[images]`. Pillow reads a header before it decodes: a picture of more pixels than allowed costs nothing.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Len
from PIL import PngImagePlugin
from PIL.Image import Resampling, Transpose, fromarray, new

from modelet.backends.image_files import (
    DAMAGED,
    JPEG,
    MOST_SIDE,
    PNG,
    ImageFileError,
    check_jpeg,
    check_png,
    check_rows,
)
from modelet.errors import ContractError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_BYTES = 6_291_456
"""Bytes of a Lambda event, and so of an image in it."""
MOST_PIXELS = 12_500_000
"""The most pixels by default: those of a phone's camera. Decoded they take 50 MB, and 100 while they are converted."""

Image = Annotated[bytes, Len(1, MOST_BYTES)]
"""A PNG or JPEG file in a contract: base64 in JSON, or the body itself."""

Mode = Literal["L", "RGB"]
FIELD = "image"
WHITE = 255
TRANSPARENT = frozenset({"LA", "PA", "RGBA", "La", "RGBa"})
"""Pillow's modes of pictures with transparency."""

OTHERS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WebP",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "SVG",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
}
"""The first bytes of other formats, for the message."""
TURNED = {
    2: (Transpose.FLIP_LEFT_RIGHT,),
    3: (Transpose.ROTATE_180,),
    4: (Transpose.FLIP_TOP_BOTTOM,),
    5: (Transpose.TRANSPOSE,),
    6: (Transpose.ROTATE_270,),
    7: (Transpose.TRANSVERSE,),
    8: (Transpose.ROTATE_90,),
}
"""How a picture is turned upright, by its Exif orientation. Source: Exif 2.32, 4.6.5, tag 274."""
ORIENTATION = 274


def pictures(
    instances: Sequence[Any],
    field: str = FIELD,
    *,
    size: tuple[int, int],
    mode: Mode = "L",
    most_pixels: int = MOST_PIXELS,
) -> NDArray[np.uint8]:
    """Return the images of all instances as one array of shape (instances, height, width), with 3 channels for RGB.

    field: the instances' field with the image. Further arguments: see `decoded`. Raises ContractError that names each
    bad row.
    """
    found, bad = [], []
    for row, instance in enumerate(instances):
        try:
            found.append(decoded(instance[field], size, mode, most_pixels=most_pixels, row=row, field=field))
        except ContractError as error:
            bad += error.violations
    if bad:
        raise ContractError(bad, len(bad), rows=[each.instance for each in bad if each.instance is not None])
    return np.stack(found)


def decoded(
    data: bytes,
    size: tuple[int, int] | None = None,
    mode: Mode = "L",
    *,
    most_pixels: int = MOST_PIXELS,
    row: int = 0,
    field: str = FIELD,
) -> NDArray[np.uint8]:
    """Return a PNG or JPEG image as an array of shape (height, width), or (height, width, 3) for mode RGB.

    size: height and width; the picture is scaled to them, without keeping its proportions (bilinear, antialiased).
    mode: L for grey (ITU-R 601-2 luma), or RGB. A transparent picture is put on white; 16 bits become 8; CMYK and
    palettes are converted without colour profiles; the Exif orientation is applied. Of a JPEG with several pictures
    (MPO), the first one is read.

    Raises ContractError with the row and the field for data that is not a whole PNG or JPEG, for more than
    `most_pixels`, and for an animated PNG.
    """
    try:
        image = _opened(data, most_pixels)
        if size is not None and image.format == "JPEG":
            least = max(size)
            image.draft(mode if image.mode in {"L", "RGB", "YCbCr"} else None, (least * 2, least * 2))
        image.load()
        turns = TURNED.get(_orientation(image), ())  # after load: getexif would load a PNG, and hide its errors
        image = _in_8_bits(image, mode)
        if size is not None:
            is_sideways = turns and turns[0] in {Transpose.TRANSPOSE, Transpose.TRANSVERSE, *QUARTERS}
            height, width = size[::-1] if is_sideways else size
            image = image.resize((width, height), Resampling.BILINEAR, reducing_gap=3.0)
        image = _on_white(image, mode)
        for turn in turns:
            image = image.transpose(turn)
    except ImageFileError as error:
        raise ContractError([Violation(row, field, str(error), "image")]) from None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises many kinds for damaged files
        raise ContractError([Violation(row, field, DAMAGED, "image")]) from None
    return np.asarray(image, np.uint8)


QUARTERS = (Transpose.ROTATE_90, Transpose.ROTATE_270)


def _opened(data: bytes, most_pixels: int) -> Any:
    """Return an image of which only the header is read. Raises ImageFileError."""
    if data.startswith(PNG):
        plugin: Any = PngImagePlugin.PngImageFile
        check_png(data)
    elif data.startswith(JPEG):
        from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415 - it imports subprocess, and many need PNG only

        plugin = JpegImageFile
        check_jpeg(data)
    else:
        name = next((name for start, name in OTHERS.items() if data.startswith(start)), None)
        if data[4:8] == b"ftyp":
            name = "HEIC or AVIF"
        raise ImageFileError(
            f"The image is {name}: send PNG or JPEG" if name else "This is not an image: send PNG or JPEG"
        )
    image = plugin(BytesIO(data))
    width, height = image.size
    if width * height > most_pixels:
        raise ImageFileError(f"The image has {width} × {height} pixels: send one of at most {most_pixels:,} pixels")
    if max(width, height) > MOST_SIDE:
        raise ImageFileError(f"The image has {width} × {height} pixels: send one of at most {MOST_SIDE:,} a side")
    if getattr(image, "is_animated", False):
        raise ImageFileError(f"The image is animated, with {image.n_frames} pictures: send one picture")
    if plugin is PngImagePlugin.PngImageFile:
        check_rows(data)
    return image


def _orientation(image: Any) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged metadata of a picture that can be read
        return 1


def _in_8_bits(image: Any, mode: Mode) -> Any:
    """Return an image in a mode of 8 bits: RGBA if it has transparency, which must be scaled with it."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip
        values = np.asarray(image)
        grey = (values >> 8).astype(np.uint8)
        if "transparency" in image.info:
            grey[values == image.info["transparency"]] = WHITE
        return fromarray(grey)
    wanted = "RGBA" if "transparency" in image.info or image.mode in TRANSPARENT else mode
    return image if image.mode == wanted else image.convert(wanted)


def _on_white(image: Any, mode: Mode) -> Any:
    """Return an image in a mode, without transparency."""
    if image.mode == "RGBA":
        ground = new("RGBA", image.size, (WHITE, WHITE, WHITE, WHITE))
        ground.alpha_composite(image)
        image = ground
    return image if image.mode == mode else image.convert(mode)
