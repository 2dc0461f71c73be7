"""Tests of atlases: their shape, their pixels and their index."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import RequestError
from ganport_runtime.images.atlas import atlas_index, atlas_shape, check_atlas, pack_atlas


@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [
        (1, None, (1, 1)),
        (2, None, (1, 2)),
        (5, None, (2, 3)),
        (9, None, (3, 3)),
        (10, None, (3, 4)),
        (5, 2, (3, 2)),
        (5, 9, (1, 5)),
    ],
)
def test_atlas_shape_is_nearly_square_or_has_the_columns(
    count: int, columns: int | None, shape: tuple[int, int]
) -> None:
    assert atlas_shape(count, columns) == shape


@given(st.integers(1, 7), st.none() | st.integers(1, 9), st.sampled_from([1, 3, 4]))
def test_frames_of_the_index_are_the_images_of_the_atlas(
    count: int, columns: int | None, channels: int
) -> None:
    images = np.random.default_rng(0).integers(1, 256, (count, 3, 5, channels), np.uint8)
    recipes = [{"seed": f"{index}"} for index in range(count)]
    atlas = pack_atlas(images, columns)
    index = atlas_index("a.png", images.shape, recipes, {"bundle": "b"}, columns)
    meta = index["meta"]
    assert atlas.shape == (meta["size"]["h"], meta["size"]["w"], channels)
    assert (meta["image"], meta["bundle"]) == ("a.png", "b")
    assert meta["format"] == {1: "GRAY8", 3: "RGB888", 4: "RGBA8888"}[channels]
    for number, (frame, image) in enumerate(zip(index["frames"], images, strict=True)):
        x, y, w, h = (frame["frame"][key] for key in "xywh")
        assert np.array_equal(atlas[y : y + h, x : x + w], image)
        assert (frame["filename"], frame["seed"]) == (f"{number}", f"{number}")
    assert np.count_nonzero(atlas) == images.size  # unused cells are empty


@pytest.mark.parametrize(("columns", "place"), [(None, "count"), (300, "columns")])
def test_atlas_that_is_too_large_is_a_request_error(columns: int | None, place: str) -> None:
    check_atlas(16384, (128, 128))
    with pytest.raises(RequestError, match="at most 16384 pixels per side") as caught:
        check_atlas(16385 if columns is None else 300, (128, 128), columns)
    assert caught.value.place == place
