"""The optimisers of both networks, by name."""

from __future__ import annotations

import torch
from torch import nn

from ganport_train.recipe import OptimizerOptions


def build_optimizer(
    name: str, network: nn.Module, rate: float, options: OptimizerOptions
) -> torch.optim.Optimizer:
    """The optimiser called `name` (one of `recipe.OPTIMIZERS`) over a network's parameters.

    Adam takes both betas, RMSprop the second as its smoothing, SGD the first as its momentum.
    """
    parameters = network.parameters()
    if name == "adam":
        betas = (options.beta1, options.beta2)
        return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, alpha=options.beta2)
    return torch.optim.SGD(parameters, lr=rate, momentum=options.beta1)
