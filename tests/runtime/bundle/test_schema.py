"""Tests of the images of a manifest, in schema 2 and schema 1."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.bundle.manifest import Image, Manifest
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.images.format import ImageFormat

JSON = json.loads((Path(__file__).parents[1] / "data/tiny.ganport/manifest.json").read_bytes())
SPRITE = ImageFormat((12, 20), "rgba", True, ("#000000", "#ff8800"), 2)
FORMATS = [
    ImageFormat((8, 8)),
    ImageFormat((1, 8192), "gray"),
    ImageFormat((12, 20), "rgba"),
    ImageFormat((12, 20), "rgb", True, ("#abcdef",)),
    SPRITE,
]


def manifest_of(image: dict[str, Any], shape: list[int], dtype: str) -> dict[str, Any]:
    """Return the JSON of a manifest of schema 2 with these images."""
    value: dict[str, Any] = json.loads(json.dumps(JSON))
    value |= {"schema_version": 2, "image": image}
    value["graphs"][0]["output"] |= {"shape": ["batch", *shape], "dtype": dtype}
    return value


@pytest.mark.parametrize("image", FORMATS)
@pytest.mark.parametrize("value_range", ["uint8", "signed", "unit"])
def test_image_round_trips_through_the_manifest(image: ImageFormat, value_range: str) -> None:
    entry = Image(image, value_range)
    value = manifest_of(entry.to_json(), list(entry.shape), entry.dtype)
    manifest = Manifest.from_json(value)
    assert manifest.image == entry
    assert manifest.to_json() == value


def test_image_states_its_tensor() -> None:
    assert Image(SPRITE).shape == (12, 20, 4)
    assert Image(SPRITE, "unit").shape == (4, 12, 20)
    assert [Image(SPRITE, x).dtype for x in ("uint8", "signed")] == ["uint8", "float32"]
    assert Image(SPRITE).to_json() == {
        "size": [12, 20],
        "mode": "rgba",
        "range": "uint8",
        "layout": "NHWC",
        "pixelated": True,
        "palette": ["#000000", "#ff8800"],
        "alpha": "straight",
        "alpha_levels": 2,
    }


@pytest.mark.parametrize(
    ("image", "value_range", "discrete"),
    [
        (ImageFormat((4, 4)), "uint8", False),
        (ImageFormat((4, 4), palette=("#000000",)), "uint8", True),
        (ImageFormat((4, 4), "rgba"), "unit", True),
        (SPRITE, "signed", False),
    ],
)
def test_image_is_discrete_where_its_graph_chooses(
    image: ImageFormat, value_range: str, discrete: bool
) -> None:
    assert Image(image, value_range).is_discrete is discrete


def test_image_of_an_unknown_range_is_a_request_error() -> None:
    with pytest.raises(RequestError, match="one of uint8, signed, unit; found 'float'"):
        Image(SPRITE, "float")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"range": "float"}, "image: range: expected one of uint8, signed, unit"),
        ({"range": [0, 255]}, "image: range: expected text"),
        ({"layout": "NCHW"}, "image: layout: expected one of NHWC"),
        ({"mode": "cmyk"}, "mode"),
        ({"mode": "gray"}, "palette"),
        ({"alpha": "premultiplied"}, "image: alpha: expected one of straight"),
        ({"alpha_levels": 3}, "alpha_levels"),
        ({"palette": ["#000000"] * 2}, "palette"),
        ({"palette": "#000000"}, "palette: expected a list"),
        ({"pixelated": "yes"}, "pixelated: expected true or false"),
        ({"size": [12, 20, 4]}, "size"),
    ],
)
def test_invalid_image_of_schema_2_is_a_bundle_error(change: dict[str, Any], message: str) -> None:
    value = manifest_of(Image(SPRITE).to_json() | change, [12, 20, 4], "uint8")
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(value)


@pytest.mark.parametrize("key", ["size", "mode", "range", "layout", "alpha"])
def test_missing_key_of_an_image_is_named(key: str) -> None:
    image = Image(SPRITE).to_json()
    del image[key]
    with pytest.raises(BundleError, match=f"expected the required key '{key}'"):
        Manifest.from_json(manifest_of(image, [12, 20, 4], "uint8"))


GARBAGE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.sampled_from(sorted(Image(SPRITE).to_json())), GARBAGE)
def test_garbage_in_any_key_of_an_image_is_a_bundle_error(key: str, garbage: object) -> None:
    value = manifest_of(Image(SPRITE).to_json() | {key: garbage}, [12, 20, 4], "uint8")
    try:
        Manifest.from_json(value)
    except BundleError as error:
        assert "image" in str(error)


def test_embedded_interface_may_state_defaults() -> None:
    image = Image(ImageFormat((8, 8), "gray"))
    manifest = Manifest.from_json(manifest_of(image.to_json(), [8, 8, 1], "uint8"))
    (graph,) = manifest.graphs
    interface = manifest.interface_json(graph)
    assert manifest.states(interface, graph)
    assert manifest.states(interface | {"image": image.to_json() | {"pixelated": False}}, graph)
    assert not manifest.states(interface | {"image": image.to_json() | {"pixelated": True}}, graph)
    assert not manifest.states(interface | {"image": None}, graph)


@pytest.mark.parametrize("channels", [1, 3])
def test_graph_of_another_mode_is_a_bundle_error(channels: int) -> None:
    value = manifest_of(Image(SPRITE).to_json(), [12, 20, channels], "uint8")
    with pytest.raises(BundleError, match=r"image: expected uint8 \[batch, 12, 20, 4\]"):
        Manifest.from_json(value)


@pytest.mark.parametrize("entry", [Image(SPRITE), Image(ImageFormat((8, 8)), "unit")])
def test_image_beyond_schema_1_is_not_written_as_schema_1(entry: Image) -> None:
    with pytest.raises(BundleError, match="plain rgb, uint8 or signed, for schema 1"):
        entry.to_json(1)
