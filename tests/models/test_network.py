"""Limits and derived sizes of the network config."""

import pytest

from ganport_models import NetworkConfig, NetworkError


def make_config(**changes: int) -> NetworkConfig:
    numbers = {
        "resolution": 64,
        "condition_size": 22,
        "base_channels": 64,
        "z_dim": 100,
        "embed_dim": 256,
    }
    return NetworkConfig(**(numbers | changes))


@pytest.mark.parametrize(
    ("resolution", "num_upsamples"), [(16, 2), (32, 3), (64, 4), (128, 5), (256, 6)]
)
def test_num_upsamples_doubles_from_four_pixels(resolution: int, num_upsamples: int) -> None:
    assert make_config(resolution=resolution).num_upsamples == num_upsamples


def test_channels_double_up_to_eight_times() -> None:
    assert make_config().channels() == [512, 256, 128, 64]
    assert make_config(resolution=256, base_channels=16).channels() == [128, 128, 128, 64, 32, 16]


@pytest.mark.parametrize("resolution", [0, 8, 48, 63, 65, 2048, -64])
def test_config_invalid_resolution_raises(resolution: int) -> None:
    with pytest.raises(NetworkError, match=r"resolution: expected a power of two from 16 to 1024"):
        make_config(resolution=resolution)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("base_channels", 1, 1024),
        ("z_dim", 1, 65536),
        ("embed_dim", 1, 65536),
        ("condition_size", 0, 65536),
    ],
)
def test_config_size_out_of_range_raises(name: str, low: int, high: int) -> None:
    for number in (low, high):
        assert getattr(make_config(**{name: number}), name) == number
    for number, text in ((low - 1, str(low - 1)), (high + 1, str(high + 1))):
        with pytest.raises(NetworkError, match=f"{name}: .* from {low} to {high}; found {text}"):
            make_config(**{name: number})


def test_config_huge_number_is_shortened() -> None:
    with pytest.raises(NetworkError, match=r"base_channels: .*found a huge int"):
        make_config(base_channels=10**5000)
    with pytest.raises(NetworkError, match=r"resolution: .*found a huge int"):
        make_config(resolution=2**20000)


def test_config_json_round_trip() -> None:
    assert NetworkConfig(**make_config().to_json()) == make_config()
