"""The scoring of bundles that draw from noise: test lists, repetition, copies, and flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganport_train.evaluation.scores import diversity, flow, memorization, prompt_lists, sheets
from ganport_train.evaluation.scores.diversity import Rows
from ganport_train.evaluation.scores.evaluation import Report, Scoring
from ganport_train.evaluation.scores.sampling import (
    Drawn,
    Images,
    Rounds,
    captions,
    rows_with,
    sample,
    spaced,
)

_FEW = 4  # pictures a condition needs to be shown
_NO_LIKELIHOOD = "a bundle holds no likelihood: score a flow's run for its bits per dimension"
_NONE_HELD = "no picture that the flow never saw: it is neither encoded nor measured in bits"


class Generation(Scoring):
    """A bundle that draws; a flow is asked for the way back as well."""

    @property
    def stages(self) -> int:
        """How many stages are announced."""
        return 7 if self._flows else 6

    def run(self) -> Report:
        """Measure everything; the order is that of the report."""
        self._begin(f"drawing {self.options.rounds} x {self.options.count:,} pictures")
        rounds = self._draw(self._rounds)
        looks = self._look(rounds)
        self._follow(rounds, looks)
        self._try_lists()
        self._compare(rounds, looks)
        self._begin("looking for repetition")
        self._vary(rounds)
        self._begin("looking for copies of training pictures")
        self._find_copies(rounds)
        if self._flows:
            self._begin("encoding real pictures")
            self._encode()
        return self.report

    @property
    def _flows(self) -> bool:
        return "encode" in self.generator.capabilities

    @property
    def _rounds(self) -> Rounds:
        vectors = sample(self.vectors, self.options.count)
        return Rounds(vectors, self.options.seed, self.options.rounds)

    def _draw(self, rounds: Rounds) -> list[Drawn]:
        return [
            rounds.draw(self.generator, self.conditions, number, progress=True)
            for number in range(rounds.count)
        ]

    def _try_lists(self) -> None:
        lists = self.dataset.test_prompts if self.conditions.groups else {}
        names = ", ".join(lists)
        self._begin(f"drawing {names} {self.options.draws} times" if lists else "no test lists")
        found = prompt_lists.run(
            self.generator,
            self.judge,
            lists,
            self._rounds.next_seed,
            draws=self.options.draws,
            progress=True,
        )
        self.report.fields["trials"] = {name: trial.to_json() for name, trial in found.items()}
        for name, trial in found.items():
            self.report.figures[f"trial_{name}"] = trial.figure(name, self._real_share())
            self.report.sheets.append(sheets.trial(self.conditions, name, trial.first))

    def _vary(self, rounds: Sequence[Drawn]) -> None:
        images = self.dataset.images
        plan = diversity.Plan.of(self.conditions, self.vectors)
        seed = (self._rounds.next_seed + 2**32) % 2**64  # past those of the test lists
        again = self._draw(Rounds(plan.vectors, seed, len(rounds)))
        pictures = [drawn.images for drawn in again]
        real = images[self.usable[plan.rows]]
        self.report.figures |= diversity.figures(plan, pictures, real, self.judge.features)
        count = min(self.options.count, len(self.usable))
        self.report.figures["near_duplicates"] = diversity.duplicates(
            [drawn.images[spaced(len(drawn), count)] for drawn in rounds],
            images[self.usable[spaced(len(self.usable), count)]],
        )
        if plan.shared:
            self._show(pictures[0], plan.drawn, plan.real, self._captions(plan))
        else:
            ours = rows_with(self.conditions, rounds[0].vectors)
            theirs = rows_with(self.conditions, self.vectors)
            names = [f"{label} {group}" for group, label in ours]
            self._show(rounds[0].images, list(ours.values()), list(theirs.values()), names)

    def _captions(self, plan: diversity.Plan) -> list[str]:
        if not self.conditions.groups:
            return [""]
        return captions(self.conditions, plan.vectors[[rows[0] for rows in plan.drawn]])

    def _show(
        self, drawn: Images, ours: Sequence[Rows], theirs: Sequence[Rows], names: Sequence[str]
    ) -> None:
        rows = [
            (list(mine), list(self.usable[real]), name)
            for mine, real, name in zip(ours, theirs, names, strict=True)
            if min(len(mine), len(real)) >= _FEW
        ]
        if rows:
            sheet = sheets.side_by_side(drawn, self.dataset.images, rows)
            self.report.sheets.insert(0, sheet)

    def _find_copies(self, rounds: Sequence[Drawn]) -> None:
        train, held = self.dataset.split(self.options.held_out)
        if not len(held):
            return
        images = self.dataset.images
        pictures = [drawn.images for drawn in rounds]
        found, nearest = memorization.figures(pictures, images, train, held)
        self.report.figures |= found
        self.report.sheets.append(sheets.neighbours(pictures[0], images, nearest))

    def _encode(self) -> None:
        held = self._held_out()
        if not len(held):
            self.report.notes.append(_NONE_HELD)
            return
        pictures = self._sample(held)
        back = flow.reconstruction(self.generator, self.conditions, pictures)
        self.report.figures["reconstruction"] = back
        if self.likelihood is None:
            self.report.notes.append(_NO_LIKELIHOOD)
            return
        known = self._sample(np.setdiff1d(self.usable, held))
        self.report.figures |= self.likelihood.figures(
            self.generator, self.conditions, pictures, known, self.options.seed
        )

    def _sample(self, rows: Rows) -> flow.Sample:
        chosen = rows[spaced(len(rows), min(len(rows), flow.MOST, self.options.count))]
        vectors = self.dataset.vectors[chosen][:, : self.conditions.size]
        return flow.Sample(self.dataset.images[chosen], vectors)
