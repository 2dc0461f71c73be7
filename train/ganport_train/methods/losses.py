"""Losses of logits, losses of condition outputs, and penalties on a discriminator's gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ganport_runtime.conditions import ConditionGroup, Conditions, Rgb, Scalar

Term = Callable[[Tensor], Tensor]
Critic = Callable[[Tensor], Tensor]
"""A function from images (N, C, H, W) to logits (N,) that treats each image separately."""
MULTI_LABEL_KINDS = ("multi_hot", "signed_multi_hot")


@dataclass(frozen=True)
class AdversarialLoss:
    """Three terms over logits (N,), each a mean.

    `readout` maps a logit to the value in the log. With `paired` each term takes the difference of
    a logit and that of its pair.
    """

    real: Term
    """The discriminator's term for real images under their own condition."""
    fake: Term
    """The discriminator's term for generated images and for mismatched conditions."""
    generator: Term
    """The generator's term for its own images."""
    readout: Term = torch.clone
    relative: bool = False
    """Whether only differences of logits count, so that both terms need equal weights."""
    paired: bool = False
    """Whether an image is compared with another one under the same condition."""

    def of_discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the discriminator's loss for logits (N,) of real and generated images."""
        if self.paired:
            return self.real(real - fake)
        return self.real(real) + self.fake(fake)

    def of_mismatch(self, real: Tensor, mismatched: Tensor) -> Tensor:
        """Return its loss for real images under wrong conditions; `real` has the right ones."""
        if self.paired:
            return self.real(real - mismatched)
        # A critic with heavier negatives could win without end by lowering all logits.
        return self.fake(mismatched) + self.real(real) if self.relative else self.fake(mismatched)

    def of_generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the generator's loss; a paired loss needs the logits `real` of the pairs."""
        return self.generator(fake - real if self.paired and real is not None else fake)


def bce_real(logits: Tensor) -> Tensor:
    """Return -log sigmoid(x) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(-logits).mean()


def bce_fake(logits: Tensor) -> Tensor:
    """Return -log(1 - sigmoid(x)) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(logits).mean()


def saturating_generator(logits: Tensor) -> Tensor:
    """Return log(1 - sigmoid(x)), whose gradient vanishes for low x (same equation)."""
    return -F.softplus(logits).mean()


def least_squares_real(logits: Tensor) -> Tensor:
    """Return (x - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return (logits - 1).square().mean() / 2


def least_squares_fake(logits: Tensor) -> Tensor:
    """Return x^2 / 2 (Mao et al. 2017, equation 9)."""
    return logits.square().mean() / 2


def hinge_real(logits: Tensor) -> Tensor:
    """Return max(0, 1 - x) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return F.relu(1 - logits).mean()


def hinge_fake(logits: Tensor) -> Tensor:
    """Return max(0, 1 + x) (Lim & Ye 2017; Miyato et al. 2018, equation 16)."""
    return F.relu(1 + logits).mean()


def negative(logits: Tensor) -> Tensor:
    """Return -x (Arjovsky et al. 2017, algorithm 1; Miyato et al. 2018, equation 17)."""
    return -logits.mean()


def with_label_smoothing(loss: AdversarialLoss, amount: float) -> AdversarialLoss:
    """Return the loss with a target of 1 - amount for real images (Salimans et al. 2016, 3.4).

    Cross-entropy with a soft target is the mixture of the terms of its two hard targets.
    """

    def real(logits: Tensor) -> Tensor:
        return (1 - amount) * loss.real(logits) + amount * loss.fake(logits)

    return replace(loss, real=real) if amount else loss


LOSSES = {
    # The generator's BCE term is the non-saturating one (Goodfellow et al. 2014, section 3).
    "bce": AdversarialLoss(bce_real, bce_fake, bce_real, torch.sigmoid),
    "saturating": AdversarialLoss(bce_real, bce_fake, saturating_generator, torch.sigmoid),
    "least_squares": AdversarialLoss(least_squares_real, least_squares_fake, least_squares_real),
    "hinge": AdversarialLoss(hinge_real, hinge_fake, negative),
    # Jolicoeur-Martineau 2019, section 3.2; pairs of one real and one generated image under the
    # same condition: Huang et al. 2024 (R3GAN), section 2.
    "relativistic": AdversarialLoss(bce_real, bce_fake, bce_real, paired=True),
    "wasserstein": AdversarialLoss(negative, torch.mean, negative, relative=True),
}


def classification_loss(
    conditions: Conditions,
    outputs: Tensor,
    vectors: Tensor,
    *,
    smoothing: float = 0.0,
    per_label: bool = True,
) -> Tensor:
    """Return the sum over groups of the mean loss of outputs (N, C) against vectors (N, C).

    One-hot groups: cross-entropy with label smoothing (Szegedy et al. 2016, section 7). Multi-hot
    groups: binary cross-entropy, the mean over the labels, or their sum without `per_label`.
    Numbers and colors: smooth L1, scaled so that the bounds are 0 and 1.
    """
    total = outputs.new_zeros(())
    for group in conditions.groups:
        columns = conditions.slices[group.name]
        part, target = outputs[:, columns], vectors[:, columns]
        if isinstance(group, Rgb | Scalar):
            low, high = span(group)
            total = total + F.smooth_l1_loss(part, (target - low) / (high - low), beta=0.1)
        elif group.kind in MULTI_LABEL_KINDS:
            loss = F.binary_cross_entropy_with_logits(part, (target > 0).to(part.dtype))
            total = total + loss * (1 if per_label else group.size)
        else:
            total = total + F.cross_entropy(part, target, label_smoothing=smoothing)
    return total


def span(group: ConditionGroup) -> tuple[float, float]:
    """Return the numbers of a condition vector that the outputs 0 and 1 stand for."""
    if isinstance(group, Scalar):
        return group.min, group.max
    assert isinstance(group, Rgb)
    return group.range


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of (|gradient of the critic| - 1)^2 between real and generated images.

    `weights` (N,) in [0, 1) are those of the real images in the mixtures (Gulrajani et al. 2017,
    algorithm 1).
    """
    weights = weights.view(-1, *(1,) * (real.ndim - 1))
    mixed = (weights * real + (1 - weights) * fake).detach().requires_grad_()
    excess: Tensor = _input_gradient(critic, mixed).flatten(1).norm(dim=1) - 1
    return excess.square().mean()


def r1_penalty(critic: Critic, images: Tensor) -> Tensor:
    """Return half the mean of |gradient of the critic|^2 at images (N, C, H, W).

    At real images it is R1, at generated ones R2 (Mescheder et al. 2018, equations 9 and 10).
    """
    inputs = images.detach().requires_grad_()
    penalty: Tensor = _input_gradient(critic, inputs).square().sum(dim=(1, 2, 3)).mean() / 2
    return penalty


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Clamp every parameter to [-limit, limit] (Arjovsky et al. 2017, algorithm 1)."""
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)


def _input_gradient(critic: Critic, inputs: Tensor) -> Tensor:
    with _LinearLeakyRelu():
        score = critic(inputs).sum()
    (gradient,) = torch.autograd.grad(score, inputs, create_graph=True)
    return gradient


class _LinearLeakyRelu(TorchFunctionMode):
    """Replace leaky ReLUs by ones without a second derivative, which is 0.

    Torch computes a tensor of zeros and propagates it through every layer below: a third of the
    time of a penalty.
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
    outputs: Tensor = _LeakyRelu.apply(images, negative_slope)
    return outputs


class _LeakyRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(images)
        ctx.slope = slope
        # Without this, autograd would materialize missing gradients as zeros.
        ctx.set_materialize_grads(False)
        return F.leaky_relu(images, slope)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        if gradient is None:
            return None, None
        (images,) = ctx.saved_tensors
        # Detached, because the slope is piecewise constant in the images.
        below = torch.ops.aten.leaky_relu_backward(gradient, images.detach(), ctx.slope, False)
        return below, None
