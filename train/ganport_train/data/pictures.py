"""One picture file to pixels: checked, square, RGB, at the resolution asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ganport_runtime.values import printable
from ganport_train.data.problems import Fault

MAX_BYTES = 64 << 20
"""Of a picture file."""
MAX_PIXELS = 1 << 26
"""Of a picture, before it is decoded (8192 x 8192)."""
FORMATS = ("JPEG", "PNG", "WEBP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
THUMBNAIL = 13
"""Height and width of the thumbnail that `hashing` compares."""

Framing = Literal["centre", "whole"]
"""How a picture becomes square: its centre is cut out, or the whole frame is squeezed."""

_WIDE_GREY = ("I;16", "I;16B", "I;16L", "I")


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    `pixels` is uint8 (R, R, 3) RGB, `thumbnail` uint8 (13, 13, 3) of the same square whatever R
    is; `size` is the file's own (width, height) and `format` one of `FORMATS`.
    """

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    size: tuple[int, int]
    format: str


def decode(data: bytes, resolution: int, framing: Framing = "centre") -> Picture:
    """The picture in a JPEG, PNG or WebP file, the first frame of several.

    Turned upright as its EXIF says, transparency laid on white, made square as `framing` says,
    resized with an antialiasing Lanczos filter. Raises `Fault` if it is none, damaged or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image.size)
            square = _rgb(ImageOps.exif_transpose(image))
            if framing == "centre":
                square = _centre_square(square)
            return Picture(
                _resized(square, resolution),
                np.asarray(square.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)),
                image.size,
                str(image.format),
            )
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large("more") from error
    except (Fault, MemoryError):
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        raise Fault(
            expected="a whole JPEG, PNG or WebP picture",
            found=f"one that cannot be decoded ({_reason(error)})",
            fix="Replace the picture or remove it and its line.",
        ) from error


@contextmanager
def decoding_warnings() -> Iterator[None]:
    """Quiet about odd metadata, strict about bombs; for the whole process, so once per load."""
    with catch_warnings():
        simplefilter("ignore", UserWarning)
        simplefilter("error", Image.DecompressionBombWarning)
        yield


def _check_pixels(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(f"{size[0]} x {size[1]}")


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _WIDE_GREY:
        # Pillow would clip 16-bit grey at 255.
        grey = np.asarray(image, dtype=np.float32) / 257
        return Image.fromarray(np.clip(grey + 0.5, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _centre_square(image: Image.Image) -> Image.Image:
    width, height = image.size
    side = min(width, height)
    if width == height:
        return image
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _resized(square: Image.Image, resolution: int) -> NDArray[np.uint8]:
    if square.size != (resolution, resolution):
        size = (resolution, resolution)
        # A box reduction goes before the filter where it cannot be seen: large pictures take less.
        square = square.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(square)


def _too_large(found: str) -> Fault:
    return Fault(
        expected=f"a picture of at most {MAX_PIXELS:,} pixels",
        found=found,
        fix="Scale it down or remove it and its line.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no such picture format"
    return printable(str(error) or type(error).__name__, 120)
