"""Images that a page shows: decoded, checked and encoded again."""

from __future__ import annotations

import io

from PIL import Image
from starlette.responses import Response

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import load_image
from ganport_train.data.file_formats import readable_formats

SIDES = {"thumbnail": 160, "frame": 400, "full": 1024, "exact": 8192}
"""Longest side in pixels, by the size that a page names."""
_LOSSLESS = 256
"""Images up to this side are sent without loss: pixel art must stay exact."""


def check_size(size: str) -> str:
    """Return a size that a page may name; raises `RequestError` for another."""
    if size not in SIDES:
        expected = f"one of {', '.join(SIDES)}"
        raise RequestError("size", expected, "another size", "Reload the page.")
    return size


def encode_preview(data: bytes, size: str) -> Response:
    """Return an image file of a size of `SIDES` as a response that the browser may keep.

    The file is decoded and encoded again, so a browser never gets its bytes. Raises `RequestError`
    for a file that is not an image.
    """
    image = load_image(data, formats=readable_formats(), mode="rgba").pixels
    side = SIDES[size]
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    lossless = size == "exact" or max(image.size) <= _LOSSLESS
    file = io.BytesIO()
    image.save(file, "PNG" if lossless else "WEBP", quality=88, compress_level=1)
    media_type = "image/png" if lossless else "image/webp"
    headers = {"cache-control": "max-age=600"}
    return Response(file.getvalue(), media_type=media_type, headers=headers)
