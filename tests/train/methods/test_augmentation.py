from dataclasses import replace

import numpy as np
import pytest
import torch

from ganport_runtime.conditions import Conditions
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import AugmentOptions
from ganport_train.methods.augmentation import (
    Augmentation,
    change_color,
    cut_out,
    translate,
)
from ganport_train.methods.method import Batch

CONDITIONS = Conditions.one_hots({"digit": ["one", "two"]})
MOVING = AugmentOptions(translation=0.25, cutout=0.5)


def batch(count: int = 4, side: int = 8) -> Batch:
    torch.manual_seed(0)
    vectors = np.zeros((count, 2), np.float32)
    return Batch(torch.rand(count, 3, side, side) + 0.1, vectors, np.random.default_rng(0))


def test_translate_shifts_by_whole_pixels_and_fills_with_gray() -> None:
    images = batch(3).real
    random = torch.tensor([[0.0, 0.999], [0.5, 0.5], [0.999, 0.0]])  # -2 and 2, 0 and 0, 2 and -2
    shifted = translate(images, random, 0.25)
    torch.testing.assert_close(shifted[1], images[1])
    torch.testing.assert_close(shifted[0, :, :6, 2:], images[0, :, 2:, :6])
    assert not shifted[0, :, 6:].any()
    assert not shifted[0, :, :, :2].any()
    torch.testing.assert_close(shifted[2, :, 2:, :6], images[2, :, :6, 2:])


def test_cut_out_fills_a_square_around_its_center() -> None:
    images = torch.ones(2, 3, 8, 8)
    cut = cut_out(images, torch.tensor([[0.5, 0.5], [0.0, 0.0]]), 0.5)
    assert (cut[0] == 0).sum() == 3 * 4 * 4
    assert not cut[0, :, 2:6, 2:6].any()
    assert (cut[1] == 0).sum() == 3 * 2 * 2  # the square extends beyond the image
    assert cut.unique().tolist() == [0, 1]


def test_change_color_with_middle_values_changes_nothing() -> None:
    images = batch().real
    torch.testing.assert_close(change_color(images, torch.full((4, 3), 0.5)), images)
    brighter = change_color(images, torch.tensor([[1.0, 0.5, 0.5]] * 4))
    torch.testing.assert_close(brighter, images + 0.5)
    gray = change_color(images, torch.tensor([[0.5, 0.0, 0.5]] * 4))
    torch.testing.assert_close(gray, images.mean(1, keepdim=True).expand_as(images))
    flat = change_color(images, torch.tensor([[0.5, 0.5, 0.0]] * 4))
    torch.testing.assert_close(flat.flatten(1).std(1), images.flatten(1).std(1) / 2)


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_augmentation_changes_a_fraction_of_the_images(probability: float) -> None:
    data = batch(2000, 4)
    augmentation = Augmentation(AugmentOptions(cutout=1.0, probability=probability), CONDITIONS)
    same = (augmentation(data.real, data) == data.real).all(dim=(1, 2, 3))
    assert 1 - same.float().mean().item() == pytest.approx(probability, abs=0.04)


def test_augmentation_has_second_derivatives() -> None:
    augmentation = Augmentation(replace(MOVING, color=True), CONDITIONS)
    images = batch(2, 4).real.double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: augmentation(x, batch(2, 4)).square(), images)


def test_growing_probability_follows_the_images_seen() -> None:
    options = replace(MOVING, policy="growing", probability=0.4, ada_images=1000)
    augmentation = Augmentation(options, CONDITIONS)
    probabilities = []
    for images in (0, 500, 1000, 9000):
        augmentation.adapt(torch.zeros(4), images)
        probabilities.append(augmentation.probability.item())
    assert probabilities == pytest.approx([0.0, 0.2, 0.4, 0.4])


def test_adaptive_probability_follows_the_logits_up_to_its_limit() -> None:
    augmentation = Augmentation(replace(MOVING, policy="adaptive"), CONDITIONS)
    augmentation.adapt(torch.ones(1000), 0)
    assert augmentation.probability.item() == pytest.approx(1000 / 500_000)
    augmentation.adapt(-torch.ones(500), 0)
    assert augmentation.probability.item() == pytest.approx(500 / 500_000)
    augmentation.adapt(torch.ones(1_000_000), 0)
    assert augmentation.probability.item() == pytest.approx(0.8)


def test_probability_is_part_of_the_state() -> None:
    augmentation = Augmentation(replace(MOVING, policy="adaptive"), CONDITIONS)
    augmentation.adapt(torch.ones(1000), 0)
    other = Augmentation(replace(MOVING, policy="adaptive"), CONDITIONS)
    other.load_state_dict(augmentation.state_dict())
    assert torch.equal(other.probability, augmentation.probability)


@pytest.mark.parametrize("labels", [["red", "blue"], ["gray cube", "cyan sphere"]])
def test_color_with_conditions_that_name_colors_raises(labels: list[str]) -> None:
    conditions = Conditions.one_hots({"hair": labels})
    with pytest.raises(RecipeError, match=r"augment.color: .*hair"):
        Augmentation(AugmentOptions(color=True), conditions)
    Augmentation(MOVING, conditions)
