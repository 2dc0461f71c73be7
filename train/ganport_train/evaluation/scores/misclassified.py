"""The pictures that most surely show something else than was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    SignedMultiHot,
)
from ganport_train.evaluation.judge.accuracy import asked, met
from ganport_train.evaluation.judge.judge import Look
from ganport_train.evaluation.scores.sampling import Drawn

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mistake:
    """A picture, by its row, that the judge takes for another than was `asked`.

    `origin` says what it was made of, `confidence` in 0..1 how sure the judge is.
    """

    row: int
    asked: str
    judged: str
    origin: str
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """The mistake as plain JSON."""
        return {
            "asked": self.asked,
            "judged": self.judged,
            "origin": self.origin,
            "confidence": round(self.confidence, 4),
        }


def worst(conditions: Conditions, drawn: Drawn, look: Look, count: int) -> list[Mistake]:
    """The surest mistakes among pictures, one a picture and group, the surest first.

    Numbers and colours have no other label to be taken for: they are not among them.
    """
    found = [
        Mistake(row, wanted, seen, drawn.origins[row], sure)
        for group in conditions.groups
        for row, wanted, seen, sure in _mistakes(
            group,
            look.outputs[:, conditions.slices[group.name]],
            drawn.vectors[:, conditions.slices[group.name]],
        )
    ]
    found.sort(key=lambda mistake: (-mistake.confidence, mistake.row))
    return found[:count]


_Found = Iterator[tuple[int, str, str, float]]


def _mistakes(group: ConditionGroup, outputs: Floats, vectors: Floats) -> _Found:
    if isinstance(group, SignedMultiHot):
        return _wrong_signs(group, outputs, vectors)
    if isinstance(group, MultiHot):
        return _missed(group, outputs, vectors)
    if isinstance(group, OneHot | JointOneHot):
        return _confused(group, outputs, vectors)
    return iter(())


def _confused(group: OneHot | JointOneHot, outputs: Floats, vectors: Floats) -> _Found:
    shares = softmax(outputs, axis=1)
    wanted, seen = vectors.argmax(axis=1), shares.argmax(axis=1)
    for row in np.flatnonzero(wanted != seen):
        words = _name(group, wanted[row]), _name(group, seen[row])
        yield int(row), *words, float(shares[row, seen[row]])


def _missed(group: MultiHot, outputs: Floats, vectors: Floats) -> _Found:
    """Of the labels that were asked for and missed the least likely, and what is there instead."""
    on = asked(group, vectors)
    missed = on & ~met(group, outputs, vectors)
    for row in np.flatnonzero(missed.any(axis=1)):
        label = int(np.where(missed[row], outputs[row], np.inf).argmin())
        other = int(np.where(on[row], -np.inf, outputs[row]).argmax())
        yield int(row), group.labels[label], group.labels[other], float(expit(-outputs[row, label]))


def _wrong_signs(group: SignedMultiHot, outputs: Floats, vectors: Floats) -> _Found:
    sureness = np.where(met(group, outputs, vectors), 0, expit(np.abs(outputs)))
    for row in np.flatnonzero(sureness.any(axis=1)):
        label = int(sureness[row].argmax())
        words = [group.labels[label], f"no {group.labels[label]}"]
        wanted, seen = words if vectors[row, label] > 0 else words[::-1]
        yield int(row), wanted, seen, float(sureness[row, label])


def _name(group: OneHot | JointOneHot, place: int) -> str:
    # The labels of a joint group name its members' groups themselves.
    label = group.labels[place]
    return f"{label} {group.name}" if isinstance(group, OneHot) else label
