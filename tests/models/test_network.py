"""Limits and derived sizes of the network config."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_models import NetworkConfig, NetworkError
from ganport_models.resolution import MAX_BASE, Resolution, base_size, is_resolution


def make_config(**changes: Any) -> NetworkConfig:
    numbers: dict[str, Any] = {
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


@pytest.mark.parametrize(
    ("resolution", "base", "doublings"),
    [
        (48, (6, 6), 3),
        ((96, 64), (6, 4), 4),
        (28, (7, 7), 2),
        (96, (6, 6), 4),
        (100, (25, 25), 2),
    ],
)
def test_base_size_of_any_resolution_is_what_doublings_leave(
    resolution: Resolution, base: tuple[int, int], doublings: int
) -> None:
    config = make_config(resolution=resolution)
    assert (config.base_size, config.num_upsamples) == (base, doublings)
    assert tuple(side << doublings for side in base) == config.size


@given(st.tuples(st.integers(-8, 1100), st.integers(-8, 1100)))
def test_is_resolution_accepts_multiples_of_4_with_a_small_base_map(size: tuple[int, int]) -> None:
    within = all(16 <= side <= 1024 and side % 4 == 0 for side in size)
    assert is_resolution(size) == (within and max(base_size(size)) <= MAX_BASE)
    if is_resolution(size):
        assert min(base_size(size)) >= 4


def test_config_square_of_two_equal_sides_equals_its_number() -> None:
    assert make_config(resolution=(64, 64)) == make_config()


@pytest.mark.parametrize("resolution", [0, 8, 30, 63, 65, 2048, -64, (96, 62), 1020, (16, 1024)])
def test_config_invalid_resolution_raises(resolution: Resolution) -> None:
    with pytest.raises(NetworkError, match=r"resolution: expected multiples of 4 from 16 to 1024"):
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
    for config in (make_config(), make_config(resolution=(96, 64), image_channels=4)):
        assert NetworkConfig(**json.loads(json.dumps(config.to_json()))) == config
