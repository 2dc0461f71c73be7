"""Adversarial losses as functions of logits: one home for each, none knows a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

Term = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """Three terms over logits (N,), each a mean; `readout` turns a logit into D(x) for the log.

    With `paired` each term is of a margin: how far a logit lies above that of its pair.
    """

    real: Term
    """The discriminator's, for real pictures under their own condition."""
    fake: Term
    """The discriminator's, for generated pictures and for mismatched pairs."""
    generator: Term
    """The generator's, for its own pictures."""
    readout: Term = torch.clone
    relative: bool = False
    """Whether only differences of logits count, so that both sides must weigh the same."""
    paired: bool = False
    """Whether a picture is held against another under the same condition, not against zero."""

    def of_discriminator(self, real: Tensor, drawn: Tensor) -> Tensor:
        """The discriminator's loss for logits (N,) of real and drawn pictures."""
        if self.paired:
            return self.real(real - drawn)
        return self.real(real) + self.fake(drawn)

    def of_mismatch(self, real: Tensor, wrong: Tensor) -> Tensor:
        """Its loss for real pictures under a wrong condition, where `real` has the right one."""
        if self.paired:
            return self.real(real - wrong)
        # A critic could win for ever by giving everything less, were its negatives to weigh more.
        return self.fake(wrong) + self.real(real) if self.relative else self.fake(wrong)

    def of_generator(self, drawn: Tensor, real: Tensor | None = None) -> Tensor:
        """The generator's loss; `real`, logits of the pairs, where the loss is of pairs."""
        return self.generator(drawn - real if self.paired and real is not None else drawn)


def bce_real(logits: Tensor) -> Tensor:
    """-log sigmoid(x) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(-logits).mean()


def bce_fake(logits: Tensor) -> Tensor:
    """-log(1 - sigmoid(x)) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(logits).mean()


def saturating_generator(logits: Tensor) -> Tensor:
    """log(1 - sigmoid(x)), whose slope vanishes where x is low (Goodfellow et al. 2014, eq. 1)."""
    return -F.softplus(logits).mean()


def least_squares_real(logits: Tensor) -> Tensor:
    """(x - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return (logits - 1).square().mean() / 2


def least_squares_fake(logits: Tensor) -> Tensor:
    """x^2 / 2 (Mao et al. 2017, equation 9)."""
    return logits.square().mean() / 2


def hinge_real(logits: Tensor) -> Tensor:
    """max(0, 1 - x) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return F.relu(1 - logits).mean()


def hinge_fake(logits: Tensor) -> Tensor:
    """max(0, 1 + x) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return F.relu(1 + logits).mean()


def negative(logits: Tensor) -> Tensor:
    """-x: a critic's for real pictures, and the generator's (Arjovsky et al. 2017, algorithm 1;
    Miyato et al. 2018, equation 17).
    """
    return -logits.mean()


def smoothed(loss: Loss, share: float) -> Loss:
    """The loss with a target of 1 - share for real pictures (Salimans et al. 2016, section 3.4).

    Cross-entropy with a soft target is the mixture of its two hard ones.
    """

    def real(logits: Tensor) -> Tensor:
        return (1 - share) * loss.real(logits) + share * loss.fake(logits)

    return replace(loss, real=real) if share else loss


LOSSES = {
    # The generator's BCE term is the non-saturating one (Goodfellow et al. 2014, section 3).
    "bce": Loss(bce_real, bce_fake, bce_real, torch.sigmoid),
    "saturating": Loss(bce_real, bce_fake, saturating_generator, torch.sigmoid),
    "least_squares": Loss(least_squares_real, least_squares_fake, least_squares_real),
    "hinge": Loss(hinge_real, hinge_fake, negative),
    # Jolicoeur-Martineau 2019, section 3.2; with one real picture for each drawn one, under the
    # same condition: Huang et al. 2024 (R3GAN), section 2.
    "relativistic": Loss(bce_real, bce_fake, bce_real, paired=True),
    "wasserstein": Loss(negative, torch.mean, negative, relative=True),
}
