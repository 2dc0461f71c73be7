"""Color profiles of image files: the colors of any RGB profile, as sRGB."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ganport_runtime.images.file_parts import limit_error

if TYPE_CHECKING:
    from PIL import Image

MAX_PROFILE_BYTES = 4 << 20
"""Bytes of a color profile."""


def to_srgb(image: Image.Image) -> Image.Image:
    """Return an RGB, RGBA or palette image in the colors that its profile gives, as sRGB.

    Another image is unchanged: one without a profile or with sRGB's, gray, CMYK. So is one whose
    profile is corrupt or of another color space, as in web browsers. Raises `RequestError` for a
    profile above the limit.
    """
    from PIL import ImageCms

    data = image.info.get("icc_profile")
    if not data or image.mode not in ("RGB", "RGBA", "P"):
        return image
    if len(data) > MAX_PROFILE_BYTES:
        raise limit_error(MAX_PROFILE_BYTES, "bytes of a color profile")
    if image.mode == "P":
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        if "sRGB" in (profile.profile.profile_description or ""):
            return image
        standard = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, profile, standard, outputMode=image.mode)
    except (ImageCms.PyCMSError, ImportError, OSError):  # a build of Pillow may have no profiles
        return image
    return image if converted is None else converted
