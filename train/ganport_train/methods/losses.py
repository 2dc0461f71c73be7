"""Adversarial losses as functions of logits: one home for each, none knows a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Term = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """Three terms over logits (N,), each a mean; `readout` turns a logit into D(x) for the log."""

    real: Term
    """The discriminator's, for real pictures under their own condition."""
    fake: Term
    """The discriminator's, for generated pictures and for mismatched pairs."""
    generator: Term
    """The generator's, for its own pictures."""
    readout: Term


def bce_real(logits: Tensor) -> Tensor:
    """-log sigmoid(x) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(-logits).mean()


def bce_fake(logits: Tensor) -> Tensor:
    """-log(1 - sigmoid(x)) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(logits).mean()


def hinge_real(logits: Tensor) -> Tensor:
    """max(0, 1 - x) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return F.relu(1 - logits).mean()


def hinge_fake(logits: Tensor) -> Tensor:
    """max(0, 1 + x) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return F.relu(1 + logits).mean()


def hinge_generator(logits: Tensor) -> Tensor:
    """-x (Miyato et al. 2018, equation 17)."""
    return -logits.mean()


LOSSES = {
    # The generator's BCE term is the non-saturating one (Goodfellow et al. 2014, section 3).
    "bce": Loss(bce_real, bce_fake, bce_real, torch.sigmoid),
    "hinge": Loss(hinge_real, hinge_fake, hinge_generator, torch.clone),
}
