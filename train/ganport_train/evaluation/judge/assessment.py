"""How right a judge's outputs are, as plain JSON: by group, by label, by pair of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.judge.accuracy import (
    Tally,
    accuracy,
    by_label,
    confusion,
)
from ganport_train.evaluation.metrics.intervals import wilson


def share(tally: Tally) -> dict[str, Any]:
    """A share with its 95 % interval: `value`, `low`, `high` in 0..1, and the `count` it is of."""
    low, high = wilson(tally.hits, tally.total)
    return {"value": tally.share, "low": low, "high": high, "count": tally.total}


def assess(
    conditions: Conditions, outputs: NDArray[np.float32], vectors: NDArray[np.float32]
) -> dict[str, dict[str, Any]]:
    """The accuracy of outputs (N, C) against vectors (N, C): for each group a share, that of each
    of its `labels`, and the `confusion` counts (asked by judged, or None)."""
    tallies = accuracy(conditions, outputs, vectors)
    found: dict[str, dict[str, Any]] = {}
    for group in conditions.groups:
        part = conditions.slices[group.name]
        labels = by_label(group, outputs[:, part], vectors[:, part])
        found[group.name] = {
            "kind": group.kind,
            **share(tallies[group.name]),
            "labels": {label: share(tally) for label, tally in labels.items()},
            "confusion": confusion(group, outputs[:, part], vectors[:, part]),
        }
    return found
