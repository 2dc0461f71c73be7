"""Image files: PNG and WebP with metadata."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import BundleError, RequestError, require_packages
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.images.pixels import index_colors
from ganport_runtime.strictjson import parse
from ganport_runtime.values import sanitize

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES = (".png", ".webp")
MAX_WEBP_SIDE = 16383
_MAX_BYTES = 1 << 28
_KEY_PREFIX = "ganport."
_EXIF_DESCRIPTION = 0x010E  # ImageDescription


def to_image(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return uint8 (H, W, C) pixels, gray, RGB or RGBA, as a Pillow image."""
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def encode_png(
    image: NDArray[np.uint8] | Image.Image,
    metadata: Mapping[str, str] | None = None,
    palette: Sequence[str] = (),
) -> bytes:
    """Return the PNG file of a uint8 (H, W, C) array or a Pillow image.

    If all its pixels are colors of the `palette` of "#rrggbb" or invisible, it is stored by index.
    """
    require_packages("tools", ("PIL",))
    from PIL import PngImagePlugin

    texts = PngImagePlugin.PngInfo()
    for key, value in (metadata or {}).items():
        texts.add_text(key, value)
    options: dict[str, Any] = {"pnginfo": texts}
    pixels = np.asarray(image)
    page = to_image(image) if isinstance(image, np.ndarray) else image
    if palette and (indices := index_colors(pixels, palette)) is not None:
        page = to_image(indices[..., None])
        entries = bytes.fromhex("".join(color[1:] for color in palette))
        if pixels.shape[2] == 4:
            entries += bytes(3)  # of invisible pixels
            options["transparency"] = len(palette)
        page.putpalette(entries)
    buffer = io.BytesIO()
    page.save(buffer, "PNG", **options)
    return buffer.getvalue()


def save_image(
    image: NDArray[np.uint8] | Image.Image,
    path: Path,
    metadata: Mapping[str, str] | None = None,
    quality: int | None = None,
    palette: Sequence[str] = (),
) -> None:
    """Write a uint8 (H, W, C) array or a Pillow image atomically as PNG or WebP.

    `palette` is that of `encode_png`. A WebP is lossless, or lossy with `quality` 1 to 100. The
    metadata goes into text chunks of a PNG: tEXt if Latin-1 holds the text, else iTXt. In a WebP it
    is a JSON object in the EXIF description. Raises `RequestError` for another suffix and for an
    image too large for WebP.
    """
    check_output(path, IMAGE_SUFFIXES)
    if path.suffix.lower() == ".png":
        atomic_write(path, encode_png(image, metadata, palette))
    else:
        atomic_write(path, encode_webp([image], metadata, quality))


def encode_webp(
    frames: Sequence[NDArray[np.uint8] | Image.Image],
    metadata: Mapping[str, str] | None = None,
    quality: int | None = None,
    milliseconds: Sequence[int] = (),
    *,
    fast: bool = False,
) -> bytes:
    """Return the WebP file of one image, or of frames of one size shown for `milliseconds` each."""
    require_packages("tools", ("PIL",))
    from PIL import Image

    pages = [to_image(frame) if isinstance(frame, np.ndarray) else frame for frame in frames]
    _check_webp_side(pages[0])
    exif = Image.Exif()
    exif[_EXIF_DESCRIPTION] = json.dumps(dict(metadata or {}))
    options: dict[str, Any] = {"lossless": quality is None, "quality": quality or 75}
    options["exact"] = True  # else the colors of invisible pixels would change
    if fast:  # the quality of a lossless file is the effort of its compression
        options |= {"quality": quality or 0, "method": 0}
    if milliseconds:
        options |= {"save_all": True, "append_images": pages[1:], "loop": 0}
        options |= {"duration": list(milliseconds)}
    buffer = io.BytesIO()
    pages[0].save(buffer, "WEBP", exif=exif.tobytes(), **options)
    return buffer.getvalue()


def read_metadata(path: Path) -> dict[str, str]:
    """Return what `sample-gan` wrote into a PNG, WebP or GIF: bundle, digest, how to reproduce it.

    The file is untrusted: the returned text must be checked. Raises `RequestError` for other files
    and for files without metadata of ganport.
    """
    require_packages("tools", ("PIL",))
    from PIL import Image

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _no_metadata(path, f"more than {_MAX_BYTES >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "WEBP", "GIF")) as image:
                texts = _read_texts(image, path)
    except (RequestError, MemoryError):
        raise
    except Exception as error:  # a decoder may raise any exception for hostile bytes
        raise _no_metadata(path, describe_decode_error(error)) from error
    metadata = {
        key: text
        for key, text in texts.items()
        if key.startswith(_KEY_PREFIX) and isinstance(text, str)
    }
    if not metadata:
        raise _no_metadata(path, "an image without metadata of ganport")
    return metadata


def describe_decode_error(error: Exception) -> str:
    """Return the message of a decoder's error without the path, safe to show."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image of that kind"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = error.found if isinstance(error, BundleError) else str(error)
    return sanitize(found) or type(error).__name__


def _read_texts(image: Image.Image, path: Path) -> dict[str, Any]:
    from PIL import GifImagePlugin, PngImagePlugin

    if isinstance(image, PngImagePlugin.PngImageFile):
        return dict(image.text)
    if isinstance(image, GifImagePlugin.GifImageFile):
        text = image.info.get("comment", b"")
    else:
        text = str(image.getexif().get(_EXIF_DESCRIPTION, "")).encode()
    value = parse(text, str(path)) if text else {}
    return value if isinstance(value, dict) else {}


def _check_webp_side(page: Image.Image) -> None:
    if max(page.size) > MAX_WEBP_SIDE:
        raise RequestError(
            "sheet",
            f"at most {MAX_WEBP_SIDE} pixels a side, the limit of WebP",
            f"{page.width} x {page.height}",
            "Use fewer images, a smaller scale, or a PNG.",
        )


def _no_metadata(path: Path, found: str) -> RequestError:
    return RequestError(
        str(path),
        "a PNG, WebP or GIF that sample-gan wrote",
        found,
        "Check the path; copies made by other programs often lose their metadata.",
    )
