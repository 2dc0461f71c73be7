"""Pictures: float NCHW in [-1, 1] to uint8 NHWC, and PNG files that say how they were made."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import BundleError
from ganport_runtime.files import check_output, write_whole
from ganport_runtime.launch import require

if TYPE_CHECKING:
    from PIL import Image


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


def save_png(
    image: NDArray[np.uint8] | Image.Image, path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a uint8 (H, W, 3) array or a Pillow image as PNG, whole or not at all.

    `metadata` goes into text chunks: tEXt where Latin-1 holds the text, else iTXt. Raises
    `RequestError` for a path that cannot take a PNG file.
    """
    check_output(path, (".png",))
    write_whole(path, png_bytes(image, metadata))


def png_bytes(
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
