"""Tests of image formats: their rules and their JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.images.format import CHANNELS, MAX_PALETTE, ImageFormat

COLORS = st.lists(
    st.integers(0, 2**24 - 1).map("#{:06x}".format), unique=True, max_size=MAX_PALETTE
)


@st.composite
def formats(draw: st.DrawFn) -> ImageFormat:
    """Draw any valid image format."""
    mode = draw(st.sampled_from(sorted(CHANNELS)))
    size = draw(st.tuples(st.integers(1, 8192), st.integers(1, 8192)))
    palette = tuple(draw(COLORS)) if mode != "gray" else ()
    levels = draw(st.sampled_from((2, 256))) if mode == "rgba" else 256
    return ImageFormat(size, mode, draw(st.booleans()), palette, levels)


@given(formats())
def test_format_survives_its_json(image: ImageFormat) -> None:
    assert ImageFormat.from_json(image.to_json(), "image") == image


@pytest.mark.parametrize(("mode", "channels"), [("gray", 1), ("rgb", 3), ("rgba", 4)])
def test_mode_sets_the_channels(mode: str, channels: int) -> None:
    assert ImageFormat((2, 3), mode).channels == channels


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"size": (0, 4)}, "image size"),
        ({"size": (4, 8193)}, "image size"),
        ({"mode": "cmyk"}, "image mode"),
        ({"palette": ("red",)}, "image palette"),
        ({"palette": ("#ff0000", "#FF0000")}, "image palette"),
        ({"mode": "gray", "palette": ("#ff0000",)}, "image palette"),
        ({"alpha_levels": 2}, "image alpha_levels"),
        ({"mode": "rgba", "alpha_levels": 16}, "image alpha_levels"),
    ],
)
def test_impossible_format_is_refused_with_its_place(values: dict[str, Any], place: str) -> None:
    with pytest.raises(RequestError) as caught:
        ImageFormat(**{"size": (4, 4), **values})
    assert caught.value.place == place


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"mode": "rgb"}, "size"),
        ({"size": [4], "mode": "rgb"}, "size"),
        ({"size": [4, 4], "mode": "cmyk"}, "mode"),
        ({"size": [4, 4], "mode": "rgb", "pixelated": 1}, "pixelated"),
        ({"size": [4, 4], "mode": "rgb", "palette": [7]}, "palette"),
        ({"size": [4, 4], "mode": "rgba"}, "alpha"),
        ({"size": [4, 4], "mode": "rgb", "alpha_levels": 2}, "alpha_levels"),
    ],
)
def test_json_of_no_format_is_refused(entry: dict[str, Any], key: str) -> None:
    with pytest.raises(BundleError, match=key):
        ImageFormat.from_json(entry, "manifest.json: image")
