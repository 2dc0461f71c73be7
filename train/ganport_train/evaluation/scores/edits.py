"""What a translation changed of a picture, and what it left: the judge's word on either side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
)
from ganport_train.evaluation.judge.accuracy import (
    TOLERANCE,
    Flags,
    Tally,
    asked,
    met,
)
from ganport_train.evaluation.scores.metric import Figure

SECTION = "Changes what was asked for, and no more"

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Edits:
    """Pictures before and after: what they were and what was asked for, and what the judge sees.

    All are float32 (N, C): `own` and `target` vectors, the judge's outputs `before` and `after`.
    """

    conditions: Conditions
    own: Floats
    target: Floats
    before: Floats
    after: Floats

    def changed(self) -> Tally:
        """Of what was asked for and was not there: how much the judge sees afterwards."""
        return self._all(lambda edit: _done(edit, edit.after))

    def untouched(self) -> Tally:
        """The same for the pictures as they came: what the judge sees there is its own mistake."""
        return self._all(lambda edit: _done(edit, edit.before))

    def kept(self) -> Tally:
        """Of what was not to change: how much the judge takes for the same as before."""
        return self._all(_kept)

    def _all(self, count: Callable[[_Edit], Tally]) -> Tally:
        """All groups together."""
        tallies = [count(self._edit(group)) for group in self.conditions.groups]
        return Tally(sum(tally.hits for tally in tallies), sum(tally.total for tally in tallies))

    def _edit(self, group: ConditionGroup) -> _Edit:
        part = self.conditions.slices[group.name]
        sides = (self.own, self.target, self.before, self.after)
        return _Edit(group, *(side[:, part] for side in sides))


def figures(rounds: Sequence[Edits], real: float) -> dict[str, Figure]:
    """What changed and what stayed, over the rounds; `real` is the judge's share of real pictures.

    What no round asked for has no figure.
    """
    before = float(np.mean([edits.untouched().share for edits in rounds]))
    plans = {
        "changed": (
            "labels that were to change, and did",
            [edits.changed() for edits in rounds],
            real,
            f"in the pictures as they came the judge sees {before:.1%} of them",
        ),
        "kept": (
            "labels that were to stay, and did",
            [edits.kept() for edits in rounds],
            1.0,
            "by what the judge sees in the picture before and after",
        ),
    }
    return {
        key: Figure.over_rounds(
            title,
            SECTION,
            [tally.share for tally in tallies],
            better="higher",
            real=reference,
            unit="%",
            note=note,
        )
        for key, (title, tallies, reference, note) in plans.items()
        if all(tally.total for tally in tallies)
    }


@dataclass(frozen=True, eq=False)
class _Edit:
    """The part of one group; its flags are bool (N, L), for each label where several may be on,
    else for the one value."""

    group: ConditionGroup
    own: Floats
    target: Floats
    before: Floats
    after: Floats

    @property
    def differs(self) -> Flags:
        """Whether something else is asked for than there was."""
        return self._joined(self.own != self.target)

    @property
    def wanted(self) -> Flags:
        """Whether the picture is held to it: of a list, only to the labels that are on it."""
        return self._joined(asked(self.group, self.target))

    def shows(self, outputs: Floats) -> Flags:
        """Whether the judge's outputs show what is asked for."""
        wanted = asked(self.group, self.target)
        return self._joined(met(self.group, outputs, self.target) & wanted)

    @property
    def alike(self) -> Flags:
        """Whether the judge says the same of both pictures."""
        if isinstance(self.group, OneHot | JointOneHot):
            same: Flags = self.before.argmax(axis=1) == self.after.argmax(axis=1)
            return same[:, None]
        if isinstance(self.group, MultiHot):
            was = met(self.group, self.before, self.own)
            return np.asarray(was == met(self.group, self.after, self.target))
        apart = np.abs(self.before - self.after).max(axis=1, keepdims=True)
        return np.asarray(apart <= TOLERANCE)

    def _joined(self, flags: Flags) -> Flags:
        if isinstance(self.group, MultiHot):
            return flags
        return np.asarray(flags.any(axis=1, keepdims=True))


def _done(edit: _Edit, outputs: Floats) -> Tally:
    return Tally.of(edit.shows(outputs), edit.differs & edit.wanted)


def _kept(edit: _Edit) -> Tally:
    return Tally.of(edit.alike, ~edit.differs)
