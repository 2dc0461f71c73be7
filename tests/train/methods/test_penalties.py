import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ganport_models import NetworkConfig, build_discriminator
from ganport_train.methods.losses import clip_weights, gradient_penalty, r1_penalty

Critic = Callable[[torch.Tensor], torch.Tensor]

CONFIG = NetworkConfig(
    resolution=16, condition_size=3, base_channels=4, z_dim=4, embed_dim=4, num_blocks=1
)
IMAGES = torch.linspace(-1, 1, 4 * 3 * 256, dtype=torch.float64).sin().view(4, 3, 16, 16)
CONDITION = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0]]


def test_gradient_penalty_of_a_linear_critic_is_constant() -> None:
    # D(x) = w . x has the gradient w: (|w| - 1)^2 = (5 - 1)^2.
    slope = torch.zeros(3, 2, 2)
    slope[0, 0, 0], slope[1, 1, 1] = 3.0, 4.0

    def critic(images: torch.Tensor) -> torch.Tensor:
        return (images * slope).flatten(1).sum(dim=1)

    real, fake = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    assert gradient_penalty(critic, real, fake, torch.rand(4)).item() == pytest.approx(16.0)


def test_gradient_penalty_is_taken_at_mixtures() -> None:
    # D(x) = |x|^2 / 2 has the gradient x, so the penalty is (|mixture| - 1)^2.
    real, fake = torch.full((2, 1, 1, 1), 4.0), torch.full((2, 1, 1, 1), 2.0)
    weights = torch.tensor([0.25, 1.0])  # mixtures of 2.5 and 4
    penalty = gradient_penalty(lambda x: x.square().flatten(1).sum(1) / 2, real, fake, weights)
    assert penalty.item() == pytest.approx((1.5**2 + 3.0**2) / 2)


def test_gradient_penalty_has_a_gradient_for_the_critic() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    ones = torch.ones(1, 1, 1, 1)
    gradient_penalty(lambda x: weight * x.flatten(1).sum(1), ones, ones, torch.rand(1)).backward()
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(2 * (3 - 1))


def test_r1_penalty_is_half_the_squared_gradient() -> None:
    # D(x) = |x|^2 / 2 has the gradient x, so the penalty is half of 48 * 2^2.
    images = torch.full((3, 3, 4, 4), 2.0)
    penalty = r1_penalty(lambda x: x.square().flatten(1).sum(1) / 2, images)
    assert penalty.item() == pytest.approx(48 * 4 / 2)


def test_r1_penalty_has_a_gradient_only_for_the_critic() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    images = torch.ones(2, 3, 1, 1, requires_grad=True)
    r1_penalty(lambda x: weight * x.flatten(1).sum(1), images).backward()
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(3 * 3)  # d/dw of 3 w^2 / 2
    assert images.grad is None


class ConvolutionCounter(TorchDispatchMode):
    """A mode that counts the convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.count += "convolution" in str(function)
        return function(*args, **(kwargs or {}))


def plain_r1_penalty(critic: Critic, images: torch.Tensor) -> torch.Tensor:
    """Return the penalty without the replacement of leaky ReLUs."""
    inputs = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(inputs).sum(), inputs, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2


@pytest.mark.parametrize("architecture", ["residual", "dcgan", "projection_dcgan"])
def test_r1_penalty_equals_plain_torch_with_fewer_convolutions(architecture: str) -> None:
    torch.manual_seed(0)
    start = build_discriminator(architecture, CONFIG, "none").double()
    for value in start.parameters():
        torch.nn.init.normal_(value, std=0.3)
    gradients, counts = [], []
    for penalty in (r1_penalty, plain_r1_penalty):
        network = copy.deepcopy(start)
        with ConvolutionCounter() as counter:
            penalty(partial(network, condition=CONDITION), IMAGES).backward()
        # A bias may have no gradient: the critic is piecewise linear.
        gradients.append([gradient_of(value) for value in network.parameters()])
        counts.append(counter.count)
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)
    assert counts[0] < counts[1]


def gradient_of(value: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(value) if value.grad is None else value.grad


def test_clip_weights_bounds_every_parameter() -> None:
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-9.0, 0.005, 9.0], [0.01, -0.01, 0.0]]))
    clip_weights(layer, 0.01)
    expected = torch.tensor([[-0.01, 0.005, 0.01], [0.01, -0.01, 0.0]])
    torch.testing.assert_close(layer.weight.detach(), expected)
    assert layer.bias.abs().max() <= 0.01
