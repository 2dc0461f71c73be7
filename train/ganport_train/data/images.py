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

from ganport_runtime.images.decode import (
    FORMATS,
    MAX_PIXELS,
    center_crop,
    resize,
    to_rgb,
)
from ganport_runtime.values import sanitize
from ganport_train.data.issues import EntryError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
THUMBNAIL_SIZE = 13
"""Height and width of the thumbnail that `hashing` compares."""

Framing = Literal["centre", "whole"]
"""How a picture becomes square: its centre is cut out, or the whole frame is squeezed."""


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
    resized with an antialiasing Lanczos filter. Raises `EntryError` for any other
    file and for one that is damaged or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image.size)
            size = (resolution, resolution)
            square = to_rgb(ImageOps.exif_transpose(image))
            if framing == "centre":
                square = center_crop(square, size)
            return Picture(
                resize(square, size),
                np.asarray(square.resize((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.BOX)),
                image.size,
                str(image.format),
            )
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large("more") from error
    except (EntryError, MemoryError):
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        raise EntryError(
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


def _too_large(found: str) -> EntryError:
    return EntryError(
        expected=f"a picture of at most {MAX_PIXELS:,} pixels",
        found=found,
        fix="Scale it down or remove it and its line.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no such picture format"
    return sanitize(str(error) or type(error).__name__, 120)
