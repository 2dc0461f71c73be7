import math

import pytest
import torch

from ganport_runtime.conditions import (
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_train.methods.losses import classification_loss

SMOOTHING = 0.05
HAIR = OneHot("hair", ("red", "blue", "pink"))
OBJECTS = MultiHot("objects", ("cube", "ball"))
FACE = SignedMultiHot("face", ("smiling", "bald"))
AGE = Scalar("age", 20, 0, 100)
SKIN = Rgb("skin", "#000000", (-1.0, 1.0))


def loss_of(group: object, outputs: list[float], vector: list[float]) -> float:
    conditions = Conditions((group,))  # type: ignore[arg-type]
    loss = classification_loss(
        conditions,
        torch.tensor([outputs]),
        torch.tensor([vector]),
        smoothing=SMOOTHING,
        per_label=False,
    )
    return float(loss)


def test_one_hot_loss_is_smoothed_cross_entropy() -> None:
    # Equal outputs give every label probability 1/3, so the loss is log 3 at any smoothing.
    assert loss_of(HAIR, [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]) == pytest.approx(math.log(3), rel=1e-5)
    right = math.exp(2) / (math.exp(2) + 2)
    wrong = 1 / (math.exp(2) + 2)
    expected = -(1 - SMOOTHING) * math.log(right) - SMOOTHING / 3 * (
        math.log(right) + 2 * math.log(wrong)
    )
    assert loss_of(HAIR, [0.0, 2.0, 0.0], [0.0, 1.0, 0.0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("group", "off"), [(OBJECTS, 0.0), (FACE, -1.0)])
def test_multi_hot_loss_sums_the_labels(group: object, off: float) -> None:
    def softplus(x: float) -> float:
        return math.log(1 + math.exp(x))

    assert loss_of(group, [1.5, -0.5], [1.0, off]) == pytest.approx(softplus(-1.5) + softplus(-0.5))


def test_number_loss_is_scaled_to_its_range() -> None:
    # 0.7 against 0.5: the error 0.2 exceeds beta 0.1, so the loss is 0.2 - 0.05.
    assert loss_of(AGE, [0.5], [70.0]) == pytest.approx(0.15)
    assert loss_of(SKIN, [0.5, 0.5, 1.0], [0.0, 0.0, 1.0]) == pytest.approx(0)


def test_classification_loss_sums_the_groups() -> None:
    both = Conditions((HAIR, AGE))
    outputs, vectors = torch.tensor([[0.0, 0, 0, 0.5]]), torch.tensor([[1.0, 0, 0, 70]])
    assert float(classification_loss(both, outputs, vectors)) == pytest.approx(math.log(3) + 0.15)


def test_per_label_averages_the_labels() -> None:
    outputs, vectors = torch.tensor([[1.5, -0.5]]), torch.tensor([[1.0, 0.0]])
    many = Conditions((OBJECTS,))
    total = classification_loss(many, outputs, vectors, per_label=False)
    torch.testing.assert_close(classification_loss(many, outputs, vectors), total / 2)
