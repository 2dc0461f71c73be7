"""The optimisers of a method's networks, by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from ganport_train.config.sections import OptimizerOptions


def build_optimizers(
    networks: Mapping[str, nn.Module], options: OptimizerOptions
) -> dict[str, torch.optim.Optimizer]:
    """An optimiser for each network, the generator and the discriminator.

    Adam takes both betas, RMSprop the second as its smoothing, SGD the first as its momentum.
    """
    return {name: _build(name, network, options) for name, network in networks.items()}


def _build(name: str, network: nn.Module, options: OptimizerOptions) -> torch.optim.Optimizer:
    parameters = network.parameters()
    kind: str = getattr(options, name)
    rate: float = getattr(options, f"{name}_lr")
    if kind == "adam":
        betas = (options.beta1, options.beta2)
        return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=True)
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, alpha=options.beta2)
    return torch.optim.SGD(parameters, lr=rate, momentum=options.beta1)
