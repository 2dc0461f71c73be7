"""Image files from outside to pixels: checked, upright, sRGB, cropped or squeezed to a size."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError, require_packages
from ganport_runtime.images.color_profiles import to_srgb
from ganport_runtime.images.encode import describe_decode_error
from ganport_runtime.images.file_parts import count_frames, limit_error
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixel_art import scale_pixels
from ganport_runtime.images.pixels import apply_format

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 64 << 20
"""The size limit of an image file."""
MAX_PIXELS = 1 << 26
"""The default pixel limit of an image (8192 x 8192), checked before it is decoded."""
FORMATS = ("JPEG", "PNG", "WEBP")
"""The formats that every command and the service read, by their names in Pillow."""
MAX_EXIF_BYTES = 1 << 16
"""Bytes of EXIF data, the most that a segment of a JPEG holds; its entries may overlap."""
MIN_OPAQUE = 250
"""Lowest level of alpha in an image without transparency: some programs write 254 for 255."""
_PILLOW_MODES = {"gray": "L", "rgb": "RGB", "rgba": "RGBA"}
_GRAY16 = ("I;16", "I;16B", "I;16L", "I")


def read_image_file(path: Path) -> bytes:
    """Return the bytes of an image file; raise `RequestError` if it is not a file or too large."""
    try:
        # Checked before it is opened: opening a pipe would block.
        if not S_ISREG(path.stat().st_mode):
            found = "a folder or a device"
            raise RequestError(str(path), "an image file", found, "Name an image file.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        found = error.strerror or str(error)
        raise RequestError(str(path), "an image file", found, "Check the path.") from error
    if len(data) > MAX_BYTES:
        expected = f"at most {MAX_BYTES >> 20} MiB"
        raise RequestError(str(path), expected, "more", "Scale the image down.")
    return data


def decode_image(
    data: bytes,
    path: Path,
    form: tuple[int, int] | ImageFormat,
    *,
    crop: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Return the uint8 (height, width, C) pixels of a JPEG, PNG or WebP; of several frames, one.

    `form` is the format of the result, or the (height, width) of an RGB image. The image is turned
    upright by its EXIF data, and resized after a center crop to the aspect ratio of `form`, or
    whole with `crop` False; pixel art as `scale_pixels` does. Gray and RGB images have their
    transparency composed over white. With a palette or two levels of alpha, pixels become the
    nearest allowed ones. Training prepares its images alike. Raises `RequestError`, which names
    `path`, for a damaged or other file, for pixel art that does not fit and, before decoding, for
    more than `max_pixels`.
    """
    require_packages("tools", ("PIL",))
    if not isinstance(form, ImageFormat):
        form = ImageFormat(form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata, and sizes that are checked here
        try:
            mode = "rgba" if form.mode == "rgba" else "rgb"
            image = drop_alpha(load_image(data, max_pixels, mode=mode).pixels)
            pixels = _fit(image, form, crop=crop)
        except RequestError as error:
            raise RequestError(str(path), error.expected, error.found, error.fix) from error
    return apply_format(pixels, form)


def _fit(image: Image.Image, form: ImageFormat, *, crop: bool) -> NDArray[np.uint8]:
    """Return the pixels of an RGB or RGBA image in the size and mode of a format."""
    from PIL import Image

    if form.pixelated:
        pixels = scale_pixels(np.asarray(image), form.size, is_centered=crop)
    else:
        pixels = resize(center_crop(image, form.size) if crop else image, form.size)
    return np.array(to_mode(Image.fromarray(pixels), form.mode)).reshape(*form.size, -1)


def drop_alpha(image: Image.Image) -> Image.Image:
    """Return an RGB or RGBA image, as RGB if no pixel is transparent."""
    if image.mode == "RGBA" and np.asarray(image.getchannel("A")).min() >= MIN_OPAQUE:
        return image.convert("RGB")
    return image


@dataclass(frozen=True)
class LoadedImage:
    """An upright image, and the (width, height), format and number of frames of its file."""

    pixels: Image.Image
    size: tuple[int, int]
    format: str
    frames: int


def load_image(
    data: bytes,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] = FORMATS,
    mode: str = "rgb",
) -> LoadedImage:
    """Decode the first frame of a file as sRGB in the `mode` "gray", "rgb" or "rgba".

    Raises `RequestError` for a damaged file, one that has none of the `formats` and, before
    decoding, for a file above a limit of this module or of `file_parts`. Emits warnings of Pillow.
    """
    from PIL import Image, ImageOps

    try:
        frames = count_frames(data)
        with Image.open(io.BytesIO(data), formats=formats) as image:
            _check_pixels(image.size, max_pixels)
            if len(image.info.get("exif") or b"") > MAX_EXIF_BYTES:
                raise limit_error(MAX_EXIF_BYTES, "bytes of EXIF data")
            frames = max(frames, 1, getattr(image, "n_frames", 1) if frames == 0 else 1)
            upright = to_mode(to_srgb(ImageOps.exif_transpose(image)), mode)
            return LoadedImage(upright, image.size, str(image.format), frames)
    except (RequestError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _pixel_error(max_pixels, "more") from error
    except Exception as error:  # a decoder may raise any exception for hostile bytes
        found = f"one that cannot be decoded ({describe_decode_error(error)})"
        raise RequestError("image", _complete(formats), found, "Use another image.") from error


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return any image as 8-bit "gray" (Pillow's L), "rgb" or "rgba".

    The first two have transparency composed over white.
    """
    from PIL import Image

    if image.mode in _GRAY16:
        # Pillow would clip 16-bit gray at 255.
        gray = np.asarray(image, dtype=np.float32) / 257
        image = Image.fromarray(np.clip(gray + 0.5, 0, 255).astype(np.uint8))
    if mode != "rgba" and image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert(_PILLOW_MODES[mode])


def center_crop(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the largest centered part with the aspect ratio of `size` (height, width)."""
    height, width = size
    crop_width = min(image.width, max(1, image.height * width // height))
    crop_height = min(image.height, max(1, image.width * height // width))
    left, top = (image.width - crop_width) // 2, (image.height - crop_height) // 2
    return image.crop((left, top, left + crop_width, top + crop_height))


def resize(image: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the uint8 (height, width, C) pixels of an RGB or RGBA image at `size`.

    The filter is an antialiasing Lanczos filter, Hamming for premultiplied colors.
    """
    from PIL import Image

    mode, resized = image.mode, size[::-1]
    if image.size != resized:
        kernel = Image.Resampling.LANCZOS
        if mode == "RGBA":
            # Lanczos overshoots: alpha would be clipped and its color not, a bright border.
            image, kernel = image.convert("RGBa"), Image.Resampling.HAMMING
        # A box reduction before the filter, too small to be visible, speeds up large images.
        image = image.resize(resized, kernel, reducing_gap=3.0).convert(mode)
    return np.asarray(image).reshape(*size, -1)


def _complete(formats: tuple[str, ...]) -> str:
    names = ["WebP" if name == "WEBP" else name for name in formats]
    return f"a complete {', '.join(names[:-1])} or {names[-1]} image"


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise _pixel_error(max_pixels, f"{size[0]} x {size[1]}")


def _pixel_error(max_pixels: int, found: str) -> RequestError:
    expected = f"an image of at most {max_pixels:,} pixels"
    return RequestError("image", expected, found, "Scale it down.")
