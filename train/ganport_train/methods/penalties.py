"""What holds a critic's slope down: penalties on its gradient, or bounds on its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor
) -> Tensor:
    """The mean of (|gradient of the critic| - 1)^2 between real and drawn pictures.

    real, fake: (N, 3, H, W); share: (N,) in [0, 1], how much of each mixture is real. The critic
    gives (N,) and must treat each picture alone (Gulrajani et al. 2017, algorithm 1).
    """
    share = share.view(-1, *(1,) * (real.ndim - 1))
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    apart: Tensor = _slope(critic, between).flatten(1).norm(dim=1) - 1
    return apart.square().mean()


def centred_penalty(critic: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Half the mean of |gradient of the critic|^2 at pictures (N, 3, H, W).

    At real pictures it is R1 (Mescheder et al. 2018, equation 9), at drawn ones R2 (equation 10).
    The critic gives (N,) and must treat each picture alone.
    """
    at = images.detach().requires_grad_()
    penalty: Tensor = _slope(critic, at).square().sum(dim=(1, 2, 3)).mean() / 2
    return penalty


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Bring every parameter into [-limit, limit] (Arjovsky et al. 2017, algorithm 1)."""
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)


def _slope(critic: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    with _Masked():
        score = critic(at).sum()
    (gradient,) = torch.autograd.grad(score, at, create_graph=True)
    return gradient


class _Masked(TorchFunctionMode):
    """Takes the second derivative of a leaky ReLU for what it is: nothing.

    Torch has a tensor of zeros there, and then takes that back through every layer below, which was
    a third of a penalty.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is F.leaky_relu:
            function = _leaky_relu
        return function(*args, **(kwargs or {}))


def _leaky_relu(images: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    changed: Tensor = _LeakyRelu.apply(images, negative_slope)
    return changed


class _LeakyRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(images)
        ctx.slope = slope
        # Torch's own layers pass on that there is no gradient; zeros would have to be worked out.
        ctx.set_materialize_grads(False)
        return F.leaky_relu(images, slope)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        if gradient is None:
            return None, None
        (images,) = ctx.saved_tensors
        # Detached: where the slope changes from one side to the other has no derivative.
        below = torch.ops.aten.leaky_relu_backward(gradient, images.detach(), ctx.slope, False)
        return below, None
