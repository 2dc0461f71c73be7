"""The i-CLEVR lab's own test lists, drawn many times over: one draw of 72 objects says little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_runtime.generator import Generator
from ganport_train.data.progress import progress_bar
from ganport_train.evaluation.judge.accuracy import Tally, accuracy
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.metrics.intervals import of_mean
from ganport_train.evaluation.scores.condition_accuracy import SECTION
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import Drawn, Rounds, sayable

DRAWS = 50


@dataclass(frozen=True)
class Trial:
    """A test list, drawn: the share of the conditions met in each draw, and the first draw.

    `objects` counts the conditions of one draw; `left_out` the requests that the generator cannot
    be asked for.
    """

    shares: Sequence[float]
    objects: int
    first: Drawn
    left_out: int

    def figure(self, name: str, real: float | None) -> Figure:
        """Its mean share as a figure; `real` is the judge's share of real pictures."""
        title = f"test list {name} as asked"
        more = {"better": "higher", "real": real, "unit": "%"}
        return Figure.over_rounds(title, SECTION, self.shares, **more)

    def to_json(self) -> dict[str, Any]:
        """The report's entry: Student's 95 % interval of the mean share over the draws."""
        mean, low, high = of_mean(self.shares)
        count = self.objects * len(self.shares)
        return {
            "share": {"value": mean, "low": low, "high": high, "count": count},
            "requests": len(self.first),
            "left_out": self.left_out,
            "objects": self.objects,
            "draws": len(self.shares),
        }


def run(
    generator: Generator,
    judge: Judge,
    lists: Mapping[str, Sequence[Mapping[str, Any]]],
    seed: int,
    *,
    draws: int = DRAWS,
    progress: bool = False,
) -> dict[str, Trial]:
    """Draw every request of every list `draws` times and judge each draw by itself.

    A list of which the generator can be asked for nothing is left out.
    """
    found: dict[str, Trial] = {}
    for name, asked in lists.items():
        vectors = judge.conditions.encode_many(list(asked))
        good = vectors[sayable(generator, judge.conditions, vectors)]
        if not len(good):
            continue
        rounds = Rounds(good, seed, draws)
        with progress_bar(f"drawing {name}", draws, "draws", shown=progress) as done:
            tallies: list[Tally] = []
            for number in range(draws):
                drawn = rounds.draw(generator, judge.conditions, number)
                if number == 0:
                    first = drawn
                tallies.append(_tally(judge, drawn))
                done.update()
        left_out = len(vectors) - len(good)
        found[name] = Trial([tally.share for tally in tallies], tallies[0].total, first, left_out)
        seed = rounds.next_seed
    return found


def _tally(judge: Judge, drawn: Drawn) -> Tally:
    """All groups together."""
    outputs = judge.look(drawn.images).outputs
    tallies = accuracy(judge.conditions, outputs, drawn.vectors).values()
    return Tally(sum(tally.hits for tally in tallies), sum(tally.total for tally in tallies))
