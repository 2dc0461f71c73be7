"""Latent directions: differences of mean noise, and nothing where there is nothing to compare."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ganport_models import Flow, NetworkConfig
from ganport_runtime.conditions import (
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    SignedMultiHot,
)
from ganport_train.methods import flow as flow_methods


class Doubling(Flow):
    """Its noise is twice the image, plus the first number of the condition."""

    def __init__(self) -> None:
        super().__init__(NetworkConfig(16, 2, 1, 1, 1))

    def encode(self, image: Tensor, condition: Tensor) -> Tensor:
        return 2 * image + condition[:, :1, None, None]


def pictures(*levels: float) -> Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 3, 4, 4)


@pytest.mark.parametrize(
    ("group", "off"),
    [(SignedMultiHot("face", ("old", "bald")), -1), (MultiHot("face", ("old", "bald")), 0)],
)
def test_measure_directions_returns_differences_of_means(group: MultiHot, off: int) -> None:
    conditions = Conditions((group,))
    asked = [["old"], ["old", "bald"], [], []]
    vectors = conditions.encode_many([{"face": labels} for labels in asked])
    found = flow_methods.measure_directions(
        Doubling(), conditions, pictures(0.5, 0.25, 0.0, -0.5), vectors
    )
    # old: 2 * 0.375 + 1 against 2 * -0.25 + off; bald: 2 * 0.25 + 1 against (1 + off + off - 1) / 3
    expected = {"face/old": 0.75 + 1 - (-0.5 + off), "face/bald": 0.5 + 1 - (1 + 2 * off) / 3}
    assert {name: value.shape for name, value in found.items()} == dict.fromkeys(
        expected, (3, 4, 4)
    )
    for name, value in found.items():
        torch.testing.assert_close(value, torch.full((3, 4, 4), expected[name]))


def test_measure_directions_omits_labels_of_all_or_no_images() -> None:
    conditions = Conditions((OneHot("hair", ("red", "blue", "pink")), Rgb("skin", "#804020")))
    vectors = conditions.encode_many([{"hair": hair} for hair in ("red", "blue", "red")])
    found = flow_methods.measure_directions(
        Doubling(), conditions, pictures(0.0, 0.5, 0.5), vectors
    )
    assert set(found) == {"hair/red", "hair/blue"}
    same = flow_methods.measure_directions(
        Doubling(), conditions, pictures(0.0, 0.5), vectors[[0, 2]]
    )
    assert same == {}
    none = np.zeros((2, 0), np.float32)
    plain = torch.zeros(1)  # an unconditional flow has no label
    assert (
        flow_methods.measure_directions(
            Unconditional(), Conditions(), plain.expand(2, 3, 4, 4), none
        )
        == {}
    )


class Unconditional(Flow):
    """Its noise is the image."""

    conditional = False

    def __init__(self) -> None:
        super().__init__(NetworkConfig(16, 0, 1, 1, 1))

    def encode(self, image: Tensor, condition: Tensor) -> Tensor:
        return image


def test_measure_directions_of_several_batches_counts_every_image() -> None:
    conditions = Conditions((SignedMultiHot("face", ("old",)),))
    levels = np.linspace(-1, 1, 101)
    vectors = np.where(levels > 0, 1, -1).astype(np.float32)[:, None]
    (found,) = flow_methods.measure_directions(
        Doubling(), conditions, pictures(*levels.tolist()), vectors
    ).values()
    expected = 2 * (levels[levels > 0].mean() - levels[levels <= 0].mean()) + 2
    torch.testing.assert_close(found, torch.full((3, 4, 4), float(expected)))
