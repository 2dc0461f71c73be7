"""Pictures: float NCHW in [-1, 1] to uint8 NHWC, and files that say how they were made."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.launch import require
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.strictjson import parse
from ganport_runtime.values import sanitize

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES = (".png", ".webp")
MAX_WEBP_SIDE = 16383
_MAX_BYTES = 1 << 28
_KEYS = "ganport."
_DESCRIPTION = 0x010E  # EXIF ImageDescription


def to_uint8(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """uint8 (N, H, W, 3) of float (N, 3, H, W) in [-1, 1]: floor(clamp(x * 127.5 + 128, 0, 255)).

    Computed in float32, so every language agrees. Raises `BundleError` for NaN and infinities.
    """
    levels = images.astype(np.float32) * np.float32(127.5) + np.float32(128.0)
    if not np.isfinite(levels).all():
        raise BundleError(
            "image",
            expected="finite numbers in [-1, 1]",
            found="NaN or infinity",
            fix="The network is broken: train or export it again.",
        )
    # The cast floors: no level is below 0 here.
    pixels = np.clip(levels, 0.0, 255.0).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


def to_float(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 (N, 3, H, W) in [-1, 1] of uint8 (N, H, W, 3): 2 * u8 / 255 - 1.

    `to_uint8` gives every level back.
    """
    planes = images.transpose(0, 3, 1, 2).astype(np.float32)
    return np.ascontiguousarray(planes * np.float32(2 / 255) - np.float32(1.0))


def save_png(
    image: NDArray[np.uint8] | Image.Image,
    path: Path,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a uint8 (H, W, 3) array or a Pillow image as PNG, whole or not at all.

    `metadata` goes into text chunks: tEXt where Latin-1 holds the text, else iTXt. Raises
    `RequestError` for a path that cannot take a PNG file.
    """
    check_output(path, (".png",))
    atomic_write(path, encode_png(image, metadata))


def encode_png(
    image: NDArray[np.uint8] | Image.Image, metadata: Mapping[str, str] | None = None
) -> bytes:
    """The PNG file of a uint8 (H, W, 3) array or a Pillow image."""
    require("tools", ("PIL",))
    from PIL import Image, PngImagePlugin

    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    texts = PngImagePlugin.PngInfo()
    for key, value in (metadata or {}).items():
        texts.add_text(key, value)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=texts)
    return buffer.getvalue()


def save_image(
    image: NDArray[np.uint8] | Image.Image,
    path: Path,
    metadata: Mapping[str, str] | None = None,
    quality: int | None = None,
) -> None:
    """Write a uint8 (H, W, 3) array or a Pillow image as PNG or WebP, whole or not at all.

    A WebP is lossless, or lossy of `quality` 1 to 100, and its metadata is a JSON object in the
    EXIF description. Raises `RequestError` for another suffix and a page too large for WebP.
    """
    check_output(path, IMAGE_SUFFIXES)
    if path.suffix.lower() == ".png":
        atomic_write(path, encode_png(image, metadata))
    else:
        atomic_write(path, encode_webp([image], metadata, quality))


def encode_webp(
    frames: Sequence[NDArray[np.uint8] | Image.Image],
    metadata: Mapping[str, str] | None = None,
    quality: int | None = None,
    milliseconds: Sequence[int] = (),
) -> bytes:
    """The WebP file of one picture, or of frames of one size shown for `milliseconds` each."""
    require("tools", ("PIL",))
    from PIL import Image

    pages = [Image.fromarray(f) if isinstance(f, np.ndarray) else f for f in frames]
    _check_side(pages[0])
    exif = Image.Exif()
    exif[_DESCRIPTION] = json.dumps(dict(metadata or {}))
    options: dict[str, Any] = {"lossless": quality is None, "quality": quality or 75}
    if milliseconds:
        options |= {"save_all": True, "append_images": pages[1:], "loop": 0}
        options |= {"duration": list(milliseconds)}
    buffer = io.BytesIO()
    pages[0].save(buffer, "WEBP", exif=exif.tobytes(), **options)
    return buffer.getvalue()


def read_metadata(path: Path) -> dict[str, str]:
    """What `sample-gan` wrote into a PNG, WebP or GIF: bundle, digest, how to draw it again.

    The file may be anybody's: nothing is drawn from it, and what is returned is text to check.
    Raises `RequestError` for a file that is none of these or says nothing.
    """
    require("tools", ("PIL",))
    from PIL import Image

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _mute(path, f"more than {_MAX_BYTES >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "WEBP", "GIF")) as image:
                texts = _texts(image, path)
    except (RequestError, MemoryError):
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        raise _mute(path, describe_decode_error(error)) from error
    found = {
        key: text for key, text in texts.items() if key.startswith(_KEYS) and isinstance(text, str)
    }
    if not found:
        raise _mute(path, "a picture that says nothing")
    return found


def describe_decode_error(error: Exception) -> str:
    """What a decoder's error says, without the path, safe to show."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "no picture of that kind"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = error.found if isinstance(error, BundleError) else str(error)
    return sanitize(found) or type(error).__name__


def _texts(image: Image.Image, path: Path) -> dict[str, Any]:
    from PIL import GifImagePlugin, PngImagePlugin

    if isinstance(image, PngImagePlugin.PngImageFile):
        return dict(image.text)
    if isinstance(image, GifImagePlugin.GifImageFile):
        described = image.info.get("comment", b"")
    else:
        described = str(image.getexif().get(_DESCRIPTION, "")).encode()
    value = parse(described, str(path)) if described else {}
    return value if isinstance(value, dict) else {}


def _check_side(page: Image.Image) -> None:
    if max(page.size) > MAX_WEBP_SIDE:
        raise RequestError(
            "sheet",
            expected=f"a page of at most {MAX_WEBP_SIDE} pixels a side, the most WebP holds",
            found=f"{page.width} x {page.height}",
            fix="Draw fewer pictures, a smaller scale, or a PNG.",
        )


def _mute(path: Path, found: str) -> RequestError:
    return RequestError(
        str(path),
        expected="a PNG, WebP or GIF that sample-gan wrote",
        found=found,
        fix="Check the path; copies made by other programs often lose what the file says.",
    )
