"""What the judge learns from: one loss for each kind of condition group."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from ganport_runtime.conditions import Conditions
from ganport_runtime.groups import Group, Rgb, Scalar

SMOOTHING = 0.05
"""Of one-of-many labels (Szegedy et al. 2016, section 7): tags are wrong now and then."""


def loss(conditions: Conditions, outputs: Tensor, vectors: Tensor) -> Tensor:
    """The sum over the groups of the mean loss of outputs (N, C) against vectors (N, C)."""
    total = outputs.new_zeros(())
    for group in conditions.groups:
        part = conditions.slices[group.name]
        total = total + _LOSSES[group.kind](group, outputs[:, part], vectors[:, part])
    return total


def _one_of_many(group: Group, outputs: Tensor, vectors: Tensor) -> Tensor:
    return F.cross_entropy(outputs, vectors, label_smoothing=SMOOTHING)


def _any_of_many(group: Group, outputs: Tensor, vectors: Tensor) -> Tensor:
    # Summed over the labels: with 24 of them, of which 2 are on, a mean would be all but zero.
    on = (vectors > 0).to(outputs.dtype)
    return F.binary_cross_entropy_with_logits(outputs, on, reduction="none").sum(dim=1).mean()


def _number(group: Group, outputs: Tensor, vectors: Tensor) -> Tensor:
    low, high = span(group)
    return F.smooth_l1_loss(outputs, (vectors - low) / (high - low), beta=0.1)


def span(group: Group) -> tuple[float, float]:
    """The numbers of the condition vector that the judge's outputs 0 and 1 stand for."""
    if isinstance(group, Scalar):
        return group.min, group.max
    assert isinstance(group, Rgb)
    return group.range


_LOSSES: dict[str, Callable[[Group, Tensor, Tensor], Tensor]] = {
    "one_hot": _one_of_many,
    "joint_one_hot": _one_of_many,
    "multi_hot": _any_of_many,
    "signed_multi_hot": _any_of_many,
    "rgb": _number,
    "scalar": _number,
}
