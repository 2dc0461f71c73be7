import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganport_runtime.errors import RequestError
from ganport_runtime.images import color_profiles
from ganport_runtime.images.color_profiles import to_srgb
from ganport_runtime.images.decode import load_image

# Columns of the matrix from Display P3 to XYZ under D50, as Apple's profile states them.
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
STANDARD = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def matrix_profile(columns: tuple[tuple[float, ...], ...], name: bytes = b"P3 of a test") -> bytes:
    """Return an RGB profile of version 2 with these primaries and the gamma curve 2.2."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(number, (0.9642, 1.0, 0.8249))),
    }
    for channel, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[channel + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(number, column))
        tags[channel + b"TRC"] = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + b"".join(map(number, (0.9642, 1.0, 0.8249)))
    data = header.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(data)) + data[4:]


def png(image: Image.Image, profile: bytes | None) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", icc_profile=profile)
    return buffer.getvalue()


def swatches() -> Image.Image:
    """Return colors that both spaces hold."""
    colors = np.random.default_rng(0).integers(60, 200, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(colors)


def test_display_p3_copy_decodes_as_its_srgb_original() -> None:
    profile = matrix_profile(P3)
    copy = ImageCms.profileToProfile(
        swatches(), io.BytesIO(STANDARD), io.BytesIO(profile), outputMode="RGB"
    )
    assert copy is not None
    assert np.abs(np.asarray(copy, int) - np.asarray(swatches(), int)).max() > 8
    decoded = np.asarray(load_image(png(copy, profile)).pixels, int)
    assert np.abs(decoded - np.asarray(swatches(), int)).max() <= 2


# A profile contains the second in which it was made, so it cannot be the ID of a test.
@pytest.mark.parametrize(
    "profile",
    [None, STANDARD, b"no profile", STANDARD[:200]],
    ids=["none", "standard", "text", "truncated"],
)
def test_image_with_srgb_or_no_valid_profile_keeps_its_pixels(profile: bytes | None) -> None:
    decoded = load_image(png(swatches(), profile)).pixels
    assert np.array_equal(np.asarray(decoded), np.asarray(swatches()))


def test_transparent_and_palette_images_are_converted() -> None:
    profile = matrix_profile(P3)
    expected = np.asarray(load_image(png(swatches(), profile)).pixels)
    clear = swatches().convert("RGBA")
    clear.putalpha(Image.new("L", clear.size, 255))
    assert np.array_equal(np.asarray(load_image(png(clear, profile)).pixels), expected)
    few = Image.new("RGB", (4, 4), (60, 200, 90))
    plain = np.asarray(load_image(png(few, profile)).pixels)
    palette = np.asarray(load_image(png(few.quantize(2), profile)).pixels)
    assert np.abs(plain.astype(int) - palette).max() <= 1
    assert plain[0, 0].tolist() != [60, 200, 90]


def test_gray_and_cmyk_images_are_unchanged() -> None:
    for mode in ("L", "CMYK"):
        image = swatches().convert(mode)
        image.info["icc_profile"] = matrix_profile(P3)
        assert to_srgb(image) is image


def test_profile_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(color_profiles, "MAX_PROFILE_BYTES", 100)
    with pytest.raises(RequestError, match="at most 100 bytes of a color profile"):
        load_image(png(swatches(), matrix_profile(P3)))
