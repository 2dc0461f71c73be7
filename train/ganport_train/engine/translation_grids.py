"""Sample sheets of an image-to-image run: the same pictures at every tick, in every domain."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Translator
from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
)
from ganport_runtime.images.encode import to_uint8
from ganport_train.engine.sample_grids import Page, render

ROWS = 8
LABELS = 16
"""Labels that have a column, beside the picture and its translation as it is."""

Vectors = NDArray[np.float32]


def page(
    generator: Translator,
    conditions: Conditions,
    images: Tensor,
    vectors: Vectors,
    device: torch.device,
) -> Page:
    """Pictures (N, 3, H, W) in [-1, 1] a row each: as they came, brought to their own conditions
    (N, C), and with each label switched alone."""
    domains = {"as it is": vectors, **dict(switched(conditions, vectors))}
    sources = images.cpu().numpy()
    columns = [to_uint8(sources)]
    columns += [render(generator, sources, target, device) for target in domains.values()]
    asked = [conditions.decode(vector) for vector in vectors]
    return Page(
        np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:]),
        rows=[conditions.caption(request) for request in asked],
        columns=["picture", *domains],
        facts={"requests": json.dumps(asked), "domains": json.dumps(list(domains))},
        footer="Under a label: that label alone switched, on where it was off and off where it was "
        "on; of one-of-many labels, that one in place of the picture's own.",
    )


def switched(conditions: Conditions, vectors: Vectors) -> Iterator[tuple[str, Vectors]]:
    """Each label, up to `LABELS` of them, and copies of vectors (N, C) in which it is switched."""
    labels = (
        (group, place, label)
        for group in conditions.groups
        if isinstance(group, OneHot | JointOneHot | MultiHot)
        for place, label in enumerate(group.labels)
    )
    for _, (group, place, label) in zip(range(LABELS), labels, strict=False):
        changed = vectors.copy()
        _switch(group, place, changed[:, conditions.slices[group.name]])
        yield label, changed


def _switch(group: ConditionGroup, place: int, part: Vectors) -> None:
    if isinstance(group, MultiHot):
        part[:, place] = 1 + group.inactive_value - part[:, place]
    else:
        part[:] = np.eye(group.size, dtype=np.float32)[place]
