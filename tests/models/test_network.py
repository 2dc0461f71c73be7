"""The numbers that shape a network."""

import pytest

from ganport_models import NetworkConfig, NetworkError


def shape(**changes: int) -> NetworkConfig:
    numbers = {
        "resolution": 64,
        "condition_size": 22,
        "base_channels": 64,
        "z_dim": 100,
        "embed_dim": 256,
    }
    return NetworkConfig(**(numbers | changes))


@pytest.mark.parametrize(("resolution", "stages"), [(16, 2), (32, 3), (64, 4), (128, 5), (256, 6)])
def test_stages_double_from_four_pixels(resolution: int, stages: int) -> None:
    assert shape(resolution=resolution).stages == stages


def test_widths_double_as_the_map_halves_up_to_eight_times() -> None:
    assert shape().widths() == [512, 256, 128, 64]
    assert shape(resolution=256, base_channels=16).widths() == [128, 128, 128, 64, 32, 16]


@pytest.mark.parametrize("resolution", [0, 8, 48, 63, 65, 2048, -64])
def test_resolution_is_a_power_of_two(resolution: int) -> None:
    with pytest.raises(NetworkError, match=r"resolution: expected a power of two from 16 to 1024"):
        shape(resolution=resolution)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("base_channels", 1, 1024),
        ("z_dim", 1, 65536),
        ("embed_dim", 1, 65536),
        ("condition_size", 0, 65536),
    ],
)
def test_every_width_has_its_bounds(name: str, least: int, most: int) -> None:
    for number in (least, most):
        assert getattr(shape(**{name: number}), name) == number
    for number, words in ((least - 1, str(least - 1)), (most + 1, str(most + 1))):
        with pytest.raises(NetworkError, match=f"{name}: .* from {least} to {most}; found {words}"):
            shape(**{name: number})


def test_a_huge_number_is_named_without_its_digits() -> None:
    with pytest.raises(NetworkError, match=r"base_channels: .*found a huge int"):
        shape(base_channels=10**5000)
    with pytest.raises(NetworkError, match=r"resolution: .*found a huge int"):
        shape(resolution=2**20000)


def test_shape_is_plain_json() -> None:
    assert NetworkConfig(**shape().to_json()) == shape()
