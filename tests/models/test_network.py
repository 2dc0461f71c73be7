"""The numbers that shape a network."""

import pytest

from ganport_models import NetworkError, Shape


def shape(**changes: int) -> Shape:
    numbers = {
        "resolution": 64,
        "condition_size": 22,
        "features": 64,
        "latent": 100,
        "embedding": 256,
    }
    return Shape(**(numbers | changes))


@pytest.mark.parametrize(("resolution", "stages"), [(16, 2), (32, 3), (64, 4), (128, 5), (256, 6)])
def test_stages_double_from_four_pixels(resolution: int, stages: int) -> None:
    assert shape(resolution=resolution).stages == stages


def test_widths_double_as_the_map_halves_up_to_eight_times() -> None:
    assert shape().widths() == [512, 256, 128, 64]
    assert shape(resolution=256, features=16).widths() == [128, 128, 128, 64, 32, 16]


@pytest.mark.parametrize("resolution", [0, 8, 48, 63, 65, 2048, -64])
def test_resolution_is_a_power_of_two(resolution: int) -> None:
    with pytest.raises(NetworkError, match=r"resolution: expected a power of two from 16 to 1024"):
        shape(resolution=resolution)


@pytest.mark.parametrize("name", ["features", "latent", "embedding"])
def test_no_width_is_zero(name: str) -> None:
    with pytest.raises(NetworkError, match=f"{name}: expected a number of at least 1; found 0"):
        shape(**{name: 0})


def test_shape_is_plain_json() -> None:
    assert Shape(**shape().to_json()) == shape()
