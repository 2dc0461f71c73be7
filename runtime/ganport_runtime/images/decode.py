"""Picture files of other people to pixels: checked, upright, RGB, cut or squeezed to a size."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.launch import require
from ganport_runtime.errors import RequestError
from ganport_runtime.images.encode import describe_decode_error

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 64 << 20
"""Of a picture file."""
MAX_PIXELS = 1 << 26
"""Of a picture, before it is decoded (8192 x 8192)."""
FORMATS = ("JPEG", "PNG", "WEBP")

_WIDE_GREY = ("I;16", "I;16B", "I;16L", "I")


def read_image_file(path: Path) -> bytes:
    """The bytes of a picture file; raises `RequestError` for what is no file or too large."""
    try:
        # Looked at before it is opened: opening a pipe waits for ever.
        regular = S_ISREG(path.stat().st_mode)
        data = _head(path) if regular else b""
    except OSError as error:
        found = error.strerror or str(error)
        raise _bad(path, "a picture file", found, "Check the path.") from error
    if not regular:
        raise _bad(path, "a picture file", "a folder or a device", "Name a picture.")
    if len(data) > MAX_BYTES:
        limit = f"at most {MAX_BYTES >> 20} MiB"
        raise _bad(path, limit, "more", "Scale the picture down.")
    return data


def decode_image(
    data: bytes,
    path: Path,
    size: tuple[int, int],
    *,
    whole: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """The uint8 (height, width, 3) pixels of a JPEG, PNG or WebP, the first frame of several.

    Turned upright as its EXIF says, transparency laid on white, its centre cut to the shape of
    `size` (height, width), or the `whole` frame squeezed, and resized with an antialiasing
    Lanczos filter. Raises `RequestError` naming `path` if it is none, damaged or, before any of it
    is decoded, larger than `max_pixels`.
    """
    require("tools", ("PIL",))
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata and of sizes, which are checked here
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_pixels(image.size, max_pixels, path)
                return _fitted(image, size, whole)
    except (RequestError, MemoryError):
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        found = f"one that cannot be decoded ({describe_decode_error(error)})"
        fix = "Give another picture."
        raise _bad(path, "a whole JPEG, PNG or WebP picture", found, fix) from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _fitted(image: Image.Image, size: tuple[int, int], whole: bool) -> NDArray[np.uint8]:
    from PIL import ImageOps

    picture = to_rgb(ImageOps.exif_transpose(image))
    return resize(picture if whole else center_crop(picture, size), size)


def to_rgb(image: Image.Image) -> Image.Image:
    """Any picture as 8-bit RGB, transparency laid on white."""
    from PIL import Image

    if image.mode in _WIDE_GREY:
        # Pillow would clip 16-bit grey at 255.
        grey = np.asarray(image, dtype=np.float32) / 257
        return Image.fromarray(np.clip(grey + 0.5, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def center_crop(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The largest part around the centre in the shape of `size` (height, width)."""
    height, width = size
    across = min(image.width, max(1, image.height * width // height))
    down = min(image.height, max(1, image.width * height // width))
    left, top = (image.width - across) // 2, (image.height - down) // 2
    return image.crop((left, top, left + across, top + down))


def resize(image: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The uint8 (height, width, 3) pixels of an RGB picture at `size` (height, width)."""
    from PIL import Image

    if image.size != size[::-1]:
        # A box reduction goes before the filter where it cannot be seen: large pictures take less.
        image = image.resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(image)


def _check_pixels(size: tuple[int, int], most: int, path: Path) -> None:
    if size[0] * size[1] > most:
        expected = f"a picture of at most {most:,} pixels"
        raise _bad(path, expected, f"{size[0]} x {size[1]}", "Scale it down.")


def _bad(path: Path, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(str(path), expected=expected, found=found, fix=fix)
