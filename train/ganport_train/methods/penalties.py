"""What holds a critic's slope down: penalties on its gradient, or bounds on its weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor
) -> Tensor:
    """The mean of (|gradient of the critic| - 1)^2 between real and drawn pictures.

    real, fake: (N, 3, H, W); share: (N,) in [0, 1], how much of each mixture is real. The critic
    gives (N,) and must treat each picture alone (Gulrajani et al. 2017, algorithm 1).
    """
    share = share.view(-1, *(1,) * (real.ndim - 1))
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    apart: Tensor = gradient.flatten(1).norm(dim=1) - 1
    return apart.square().mean()


def centred_penalty(critic: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Half the mean of |gradient of the critic|^2 at pictures (N, 3, H, W).

    At real pictures it is R1 (Mescheder et al. 2018, equation 9), at drawn ones R2 (equation 10).
    The critic gives (N,) and must treat each picture alone.
    """
    at = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    penalty: Tensor = gradient.square().sum(dim=(1, 2, 3)).mean() / 2
    return penalty


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Bring every parameter into [-limit, limit] (Arjovsky et al. 2017, algorithm 1)."""
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)
