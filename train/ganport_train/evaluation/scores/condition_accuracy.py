"""Whether pictures show what was asked for, by group and label, beside real pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.judge.accuracy import accuracy, joint
from ganport_train.evaluation.judge.assessment import assess
from ganport_train.evaluation.judge.judge import Look
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import Drawn

SECTION = "Follows its condition"


def figures(
    conditions: Conditions,
    rounds: Sequence[Drawn],
    looks: Sequence[Look],
    real: Mapping[str, Any],
) -> dict[str, Figure]:
    """The accuracy of each group over the rounds; `real` is the assessment of real pictures."""
    tallies = [
        accuracy(conditions, look.outputs, drawn.vectors)
        for drawn, look in zip(rounds, looks, strict=True)
    ]
    return {
        f"accuracy_{name}": Figure.over_rounds(
            f"{name} as asked",
            SECTION,
            [tally[name].share for tally in tallies],
            better="higher",
            real=part["value"],
            unit="%",
        )
        for name, part in real.items()
    }


def whole(
    conditions: Conditions, rounds: Sequence[Drawn], looks: Sequence[Look], real: float
) -> dict[str, Figure]:
    """How many pictures meet all groups at once, where there are several; `real` is what real
    pictures get."""
    if len(conditions.groups) < 2:
        return {}
    shares = [
        joint(conditions, look.outputs, drawn.vectors).share
        for drawn, look in zip(rounds, looks, strict=True)
    ]
    figure = Figure.over_rounds(
        "all of it as asked", SECTION, shares, better="higher", real=real, unit="%"
    )
    return {"joint": figure}


def section(
    conditions: Conditions,
    rounds: Sequence[Drawn],
    looks: Sequence[Look],
    real: Mapping[str, Any],
) -> dict[str, Any]:
    """The report's `accuracy`: each group, its labels and confusions, drawn beside real."""
    vectors = np.concatenate([drawn.vectors for drawn in rounds])
    outputs = np.concatenate([look.outputs for look in looks])
    drawn = assess(conditions, outputs, vectors)
    return {name: _beside(conditions, name, drawn[name], real[name]) for name in drawn}


def _beside(
    conditions: Conditions, name: str, drawn: Mapping[str, Any], real: Mapping[str, Any]
) -> dict[str, Any]:
    labels = {
        label: {"generated": _share(drawn["labels"][label]), "real": _share(part)}
        for label, part in real["labels"].items()
    }
    confusion = drawn["confusion"] and {
        "labels": list(conditions[name].labels),
        "generated": drawn["confusion"],
        "real": real["confusion"],
    }
    return {
        "kind": drawn["kind"],
        "generated": _share(drawn),
        "real": _share(real),
        "labels": labels,
        "confusion": confusion,
    }


def _share(assessed: Mapping[str, Any]) -> dict[str, Any]:
    return {key: assessed[key] for key in ("value", "low", "high", "count")}
