import math

import pytest
import torch

from ganport_train.config.sections import LOSS_NAMES
from ganport_train.methods.losses import LOSSES, with_label_smoothing

LOGITS = torch.tensor([-2.0, 0.0, 0.5, 3.0])


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_bce_equals_the_log_of_the_sigmoid() -> None:
    loss = LOSSES["bce"]
    values = LOGITS.tolist()
    real = -sum(math.log(sigmoid(x)) for x in values) / 4
    fake = -sum(math.log(1 - sigmoid(x)) for x in values) / 4
    assert loss.real(LOGITS).item() == pytest.approx(real, abs=1e-6)
    assert loss.fake(LOGITS).item() == pytest.approx(fake, abs=1e-6)
    assert loss.generator(LOGITS).item() == pytest.approx(real, abs=1e-6)
    assert loss.readout(LOGITS).tolist() == pytest.approx([sigmoid(x) for x in values], abs=1e-6)


def test_bce_equals_torch_without_overflow() -> None:
    ones, zeros = torch.ones(4), torch.zeros(4)
    reference = torch.nn.functional.binary_cross_entropy_with_logits
    loss = LOSSES["bce"]
    torch.testing.assert_close(loss.real(LOGITS), reference(LOGITS, ones))
    torch.testing.assert_close(loss.fake(LOGITS), reference(LOGITS, zeros))
    assert loss.real(torch.tensor([-1e4])).item() == pytest.approx(1e4)


def test_hinge_is_0_beyond_the_margin() -> None:
    loss = LOSSES["hinge"]
    assert loss.real(LOGITS).item() == pytest.approx((3 + 1 + 0.5 + 0) / 4)
    assert loss.fake(LOGITS).item() == pytest.approx((0 + 1 + 1.5 + 4) / 4)
    assert loss.generator(LOGITS).item() == pytest.approx(-(-2 + 0 + 0.5 + 3) / 4)


def test_saturating_generator_equals_its_formula() -> None:
    expected = sum(math.log(1 - sigmoid(x)) for x in LOGITS.tolist()) / 4
    assert LOSSES["saturating"].generator(LOGITS).item() == pytest.approx(expected, abs=1e-6)


def test_least_squares_has_targets_1_and_0() -> None:
    loss = LOSSES["least_squares"]
    assert loss.real(LOGITS).item() == pytest.approx((9 + 1 + 0.25 + 4) / 8)
    assert loss.fake(LOGITS).item() == pytest.approx((4 + 0 + 0.25 + 9) / 8)
    assert loss.generator(LOGITS).item() == pytest.approx((9 + 1 + 0.25 + 4) / 8)


def test_wasserstein_terms_are_means() -> None:
    loss = LOSSES["wasserstein"]
    assert loss.real(LOGITS).item() == pytest.approx(-1.5 / 4)
    assert loss.fake(LOGITS).item() == pytest.approx(1.5 / 4)
    assert loss.generator(LOGITS).item() == pytest.approx(-1.5 / 4)


def test_relativistic_loss_is_the_cross_entropy_of_differences() -> None:
    loss, real = LOSSES["relativistic"], torch.tensor([1.0, 0.0])
    fake, wrong = torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 0.0])
    above = -(math.log(sigmoid(1)) + math.log(sigmoid(-2))) / 2
    below = -(math.log(sigmoid(-1)) + math.log(sigmoid(2))) / 2
    fits = -(math.log(sigmoid(2)) + math.log(sigmoid(0))) / 2
    assert loss.of_discriminator(real, fake).item() == pytest.approx(above, abs=1e-6)
    assert loss.of_generator(fake, real).item() == pytest.approx(below, abs=1e-6)
    assert loss.of_mismatch(real, wrong).item() == pytest.approx(fits, abs=1e-6)


def test_unpaired_losses_ignore_the_pair() -> None:
    loss, real, fake = LOSSES["hinge"], LOGITS, LOGITS - 1
    expected = loss.real(real) + loss.fake(fake)
    torch.testing.assert_close(loss.of_discriminator(real, fake), expected)
    torch.testing.assert_close(loss.of_mismatch(real, fake), loss.fake(fake))
    torch.testing.assert_close(loss.of_generator(fake, real), loss.generator(fake))


def test_label_smoothing_equals_a_soft_target() -> None:
    loss = with_label_smoothing(LOSSES["bce"], 0.1)
    soft = torch.full((4,), 0.9)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(LOGITS, soft)
    torch.testing.assert_close(loss.real(LOGITS), expected)
    torch.testing.assert_close(loss.fake(LOGITS), LOSSES["bce"].fake(LOGITS))
    assert with_label_smoothing(LOSSES["bce"], 0.0) is LOSSES["bce"]


@pytest.mark.parametrize("name", list(LOSSES))
def test_term_gradients_have_the_right_sign(name: str) -> None:
    loss = LOSSES[name]
    for term, sign in ((loss.real, -1), (loss.fake, 1), (loss.generator, -1)):
        logits = torch.full((3,), 0.5, requires_grad=True)
        (gradient,) = torch.autograd.grad(term(logits), logits)
        assert torch.equal(gradient.sign(), torch.full((3,), float(sign)))


def test_losses_are_the_choices_of_the_recipe() -> None:
    assert tuple(LOSSES) == LOSS_NAMES
