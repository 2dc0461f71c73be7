"""How well outputs name a condition: one loss for each kind of group, its only home."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from ganport_runtime.conditions import ConditionGroup, Conditions, Rgb, Scalar


def classification_loss(
    conditions: Conditions,
    outputs: Tensor,
    vectors: Tensor,
    *,
    smoothing: float = 0.0,
    per_label: bool = True,
) -> Tensor:
    """The sum over the groups of the mean loss of outputs (N, C) against vectors (N, C).

    One of many: cross-entropy, its target `smoothing` spread over all labels (Szegedy et al. 2016,
    section 7). Any of many: binary cross-entropy, the mean over the labels, or without `per_label`
    their sum. A number: smooth L1 on a scale on which its bounds are 0 and 1.
    """
    total = outputs.new_zeros(())
    for group in conditions.groups:
        part = conditions.slices[group.name]
        found = _LOSSES[group.kind](group, outputs[:, part], vectors[:, part], smoothing)
        many = not per_label and group.kind in ANY_OF_MANY
        total = total + found * (group.size if many else 1)
    return total


def span(group: ConditionGroup) -> tuple[float, float]:
    """The numbers of the condition vector that the outputs 0 and 1 stand for."""
    if isinstance(group, Scalar):
        return group.min, group.max
    assert isinstance(group, Rgb)
    return group.range


def _one_of_many(
    group: ConditionGroup, outputs: Tensor, vectors: Tensor, smoothing: float
) -> Tensor:
    return F.cross_entropy(outputs, vectors, label_smoothing=smoothing)


def _any_of_many(
    group: ConditionGroup, outputs: Tensor, vectors: Tensor, smoothing: float
) -> Tensor:
    return F.binary_cross_entropy_with_logits(outputs, (vectors > 0).to(outputs.dtype))


def _number(group: ConditionGroup, outputs: Tensor, vectors: Tensor, smoothing: float) -> Tensor:
    low, high = span(group)
    return F.smooth_l1_loss(outputs, (vectors - low) / (high - low), beta=0.1)


ANY_OF_MANY = ("multi_hot", "signed_multi_hot")

_LOSSES: dict[str, Callable[[ConditionGroup, Tensor, Tensor, float], Tensor]] = {
    "one_hot": _one_of_many,
    "joint_one_hot": _one_of_many,
    "multi_hot": _any_of_many,
    "signed_multi_hot": _any_of_many,
    "rgb": _number,
    "scalar": _number,
}
