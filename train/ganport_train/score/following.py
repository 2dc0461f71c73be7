"""Whether pictures show what was asked for, by group and label, beside real pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ganport_runtime.conditions import Conditions
from ganport_runtime.groups import OneHot
from ganport_train.judge.assessment import assess
from ganport_train.judge.judge import Look
from ganport_train.judge.verdict import accuracy
from ganport_train.score.drawing import Drawn
from ganport_train.score.figure import Figure

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


def worst(
    conditions: Conditions, drawn: Drawn, look: Look, count: int
) -> list[tuple[int, dict[str, Any]]]:
    """The pictures that most surely show another label than asked for: row, and what to say."""
    found: list[tuple[float, int, dict[str, Any]]] = []
    for group in conditions.groups:
        if not isinstance(group, OneHot):
            continue
        part = conditions.slices[group.name]
        shares = _softmax(look.outputs[:, part])
        asked, judged = drawn.vectors[:, part].argmax(axis=1), shares.argmax(axis=1)
        for row in np.flatnonzero(asked != judged):
            confidence = float(shares[row, judged[row]])
            words = {
                "asked": f"{group.labels[asked[row]]} {group.name}",
                "judged": f"{group.labels[judged[row]]} {group.name}",
                "seed": str(drawn.seeds[row]),
                "confidence": round(confidence, 4),
            }
            found.append((confidence, int(row), words))
    found.sort(key=lambda item: (-item[0], item[1]))
    return [(row, words) for _, row, words in found[:count]]


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


def _softmax(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    shares: NDArray[np.float32] = softmax(outputs, axis=1)
    return shares
