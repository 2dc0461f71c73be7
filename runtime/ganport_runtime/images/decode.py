"""Image files from outside to pixels: checked, upright, RGB, cropped or squeezed to a size."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError, require_packages
from ganport_runtime.images.encode import describe_decode_error

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 64 << 20
"""The size limit of an image file."""
MAX_PIXELS = 1 << 26
"""The default pixel limit of an image (8192 x 8192), checked before it is decoded."""
FORMATS = ("JPEG", "PNG", "WEBP")

_GRAY16 = ("I;16", "I;16B", "I;16L", "I")


def read_image_file(path: Path) -> bytes:
    """Return the bytes of an image file; raise `RequestError` if it is not a file or too large."""
    try:
        # Checked before it is opened: opening a pipe would block.
        is_regular = S_ISREG(path.stat().st_mode)
        data = _read_limited(path) if is_regular else b""
    except OSError as error:
        found = error.strerror or str(error)
        raise RequestError(str(path), "an image file", found, "Check the path.") from error
    if not is_regular:
        found = "a folder or a device"
        raise RequestError(str(path), "an image file", found, "Name an image file.")
    if len(data) > MAX_BYTES:
        expected = f"at most {MAX_BYTES >> 20} MiB"
        raise RequestError(str(path), expected, "more", "Scale the image down.")
    return data


def decode_image(
    data: bytes,
    path: Path,
    size: tuple[int, int],
    *,
    crop: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Return the uint8 (height, width, 3) pixels of a JPEG, PNG or WebP; of several frames, one.

    The image is turned upright by its EXIF data, transparency is composed over white, and it is
    resized to `size` (height, width) with an antialiasing Lanczos filter: after a center crop to
    the aspect ratio of `size`, or whole with `crop` False. Raises `RequestError`, which names
    `path`, for a damaged or other file and, before decoding, for more than `max_pixels`.
    """
    require_packages("tools", ("PIL",))
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata, and sizes that are checked here
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_pixels(image.size, max_pixels, path)
                upright = to_rgb(ImageOps.exif_transpose(image))
                return resize(center_crop(upright, size) if crop else upright, size)
    except (RequestError, MemoryError):
        raise
    except Exception as error:  # a decoder may raise any exception for hostile bytes
        raise RequestError(
            str(path),
            "a complete JPEG, PNG or WebP image",
            f"one that cannot be decoded ({describe_decode_error(error)})",
            "Use another image.",
        ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Return any image as 8-bit RGB, with transparency composed over white."""
    from PIL import Image

    if image.mode in _GRAY16:
        # Pillow would clip 16-bit gray at 255.
        gray = np.asarray(image, dtype=np.float32) / 257
        return Image.fromarray(np.clip(gray + 0.5, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def center_crop(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the largest centered part with the aspect ratio of `size` (height, width)."""
    height, width = size
    crop_width = min(image.width, max(1, image.height * width // height))
    crop_height = min(image.height, max(1, image.width * height // width))
    left, top = (image.width - crop_width) // 2, (image.height - crop_height) // 2
    return image.crop((left, top, left + crop_width, top + crop_height))


def resize(image: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the uint8 (height, width, 3) pixels of an RGB image at `size` (height, width)."""
    from PIL import Image

    if image.size != size[::-1]:
        # A box reduction before the filter, too small to be visible, speeds up large images.
        image = image.resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(image)


def _read_limited(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _check_pixels(size: tuple[int, int], max_pixels: int, path: Path) -> None:
    if size[0] * size[1] > max_pixels:
        expected = f"an image of at most {max_pixels:,} pixels"
        raise RequestError(str(path), expected, f"{size[0]} x {size[1]}", "Scale it down.")
