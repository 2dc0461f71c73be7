"""The domains that a picture is shown in: its own, and every label of every group switched."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from ganport_runtime.conditions import ConditionGroup, Conditions, MultiHot, OneHot
from ganport_train.evaluation.scores.sampling import Vectors

MOST = 24
"""Labels, beside the picture's own condition."""


def domains(conditions: Conditions, own: Vectors) -> dict[str, Vectors]:
    """Conditions (N, C) for pictures whose own are (N, C), each under its name.

    One label of many takes the place of the picture's; one of several is switched on or, where it
    is on, off. The rest of the condition stays.
    """
    found = {"its own": own}
    for group in conditions.groups:
        part = conditions.slices[group.name]
        for name, switched in _switched(group, own[:, part]):
            found[name] = own.copy()
            found[name][:, part] = switched
    return dict(islice(found.items(), 1 + MOST))


def _switched(group: ConditionGroup, own: Vectors) -> Iterator[tuple[str, Vectors]]:
    if len(group.labels) != group.size:  # a colour or a number
        return
    for place, label in enumerate(group.labels):
        if isinstance(group, MultiHot):
            vectors = own.copy()
            vectors[:, place] = group.inactive_value + 1 - own[:, place]
        else:
            vectors = np.zeros_like(own)
            vectors[:, place] = 1
        # Hair and eyes may both be red.
        yield f"{label} {group.name}" if isinstance(group, OneHot) else label, vectors
