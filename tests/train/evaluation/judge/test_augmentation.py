import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.backend.device import random_stream
from ganport_train.evaluation.judge.augmentation import mirrored, moved


def pictures(count: int, side: int) -> torch.Tensor:
    return torch.arange(count * 3 * side * side, dtype=torch.float32).view(count, 3, side, side)


def test_half_of_the_pictures_are_mirrored_and_the_rest_left_alone() -> None:
    images = pictures(200, 3)
    found = mirrored(images, random_stream(0, 0, 0))
    turned = [bool((one == other.flip(-1)).all()) for one, other in zip(found, images, strict=True)]
    kept = [bool((one == other).all()) for one, other in zip(found, images, strict=True)]
    assert [a != b for a, b in zip(turned, kept, strict=True)] == [True] * 200
    assert 70 < sum(turned) < 130


@given(st.integers(0, 3), st.integers(1, 5), st.integers(0, 2**31))
def test_a_moved_picture_is_a_window_on_itself_with_its_edges_repeated(
    reach: int, side: int, seed: int
) -> None:
    images = pictures(3, side)
    found = moved(images, reach, random_stream(seed, 1, 0))
    moves = random_stream(seed, 1, 0).integers(0, 2 * reach + 1, (3, 2))
    for image, result, (down, right) in zip(images, found, moves, strict=True):
        padded = np.pad(image.numpy(), ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        expected = padded[:, down : down + side, right : right + side]
        np.testing.assert_array_equal(result.numpy(), expected)


def test_every_move_within_reach_happens() -> None:
    # A lone bright pixel in the middle of 5 x 5 shows where its picture went.
    images = torch.zeros(400, 3, 5, 5)
    images[:, :, 2, 2] = 1
    found = moved(images, 1, random_stream(0, 0, 0))
    places = {tuple(place) for place in torch.nonzero(found[:, 0])[:, 1:].tolist()}
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}


@pytest.mark.parametrize("step", [0, 7])
def test_the_same_stream_gives_the_same_pictures(step: int) -> None:
    images = pictures(8, 6)
    once, again, other = (
        moved(mirrored(images, random), 2, random)
        for random in (random_stream(0, 1, step), random_stream(0, 1, step), random_stream(0, 1, 9))
    )
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
