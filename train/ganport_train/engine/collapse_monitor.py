"""The watch over a run: each checkpoint scored and recorded, and a collapse noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganport_models import Generator
from ganport_train.config.sections import LoggingOptions
from ganport_train.engine.validation import LEAST, Scorer
from ganport_train.runs import jsonl_log
from ganport_train.runs.jsonl_log import SCORES, Records
from ganport_train.runs.tick_report import Board, collapse_line, score_line

SPREAD_LIMIT = 0.5
"""Pictures of one condition must differ by this share of what real ones do."""
COVERAGE_LIMIT = 0.5
"""Coverage must not fall below this share of the best of the run."""
_COVERED = 0.1
"""A best coverage below this is too small for a fall to mean anything."""
_IN_A_ROW = 2

Score = Mapping[str, Any]
Logs = Sequence[Records | Board]


class Watch:
    """Scores the checkpoints of a run, if it has a scorer, and says what it sees.

    `collapsed` is whether the scores have ended the run.
    """

    def __init__(
        self,
        folder: Path,
        options: LoggingOptions,
        scorer: Scorer | None,
        say: Callable[[str], None],
    ) -> None:
        self.folder, self.options, self.scorer, self.say = folder, options, scorer, say
        self.collapsed = False
        if scorer is None and options.eval_images:
            say(
                f"no checkpoint will be scored: that takes {2 * LEAST} pictures to train on, and "
                "a --judge where pictures are translated"
            )

    def score(self, generator: Generator, place: Score, logs: Logs) -> Score | None:
        """The record of a generator that is ready to draw, written to every log and told.

        `place` says how far the run has come. Without a scorer there is no record, nor of a
        generator that has learnt nothing yet: it must never be the best.
        """
        if self.scorer is None or not place["step"]:
            return None
        score = {**place, **self.scorer.score(generator)}
        earlier = jsonl_log.read(self.folder, SCORES)
        sign = symptom(score, earlier, self.options.collapse_grace_images)
        score["collapsed"] = sign is not None
        for log in logs:
            log.write(score)
        self.say(score_line(score))
        if sign:
            self.say(collapse_line(sign, self.folder))
        self.collapsed = self.options.stop_when_collapsed and to_be_stopped([*earlier, score])
        return score


def symptom(score: Score, earlier: Sequence[Score], warm_up: int) -> str | None:
    """What shows that a run has collapsed, in words with the figure and its limit, or None.

    `score` and those `earlier` are records of scores.jsonl. Up to `warm_up` pictures seen nothing
    is a symptom: an untrained generator draws much the same for every seed.
    """
    if score["images"] <= warm_up:
        return None
    if score["spread"] < SPREAD_LIMIT:
        return (
            f"the spread within a condition is {score['spread']:.2f} of that of real pictures; "
            f"the limit is {SPREAD_LIMIT:.2f}"
        )
    best = max(_coverages(score, earlier), default=0.0)
    limit = COVERAGE_LIMIT * best
    if best >= _COVERED and score["coverage"] < limit:
        return (
            f"the coverage of real pictures is {score['coverage']:.2f} after {best:.2f}; "
            f"the limit is {limit:.2f}"
        )
    return None


def to_be_stopped(scores: Sequence[Score]) -> bool:
    """Whether the last scores, in order, end a run: every second collapsed one in a row does.

    Every second, so that a run that somebody resumes after such an end gets two more.
    """
    row = 0
    for score in reversed(scores):
        if score.get("collapsed") is not True:
            break
        row += 1
    return row > 0 and row % _IN_A_ROW == 0


def _coverages(score: Score, earlier: Sequence[Score]) -> list[float]:
    """The coverages that can be compared with a score's: of one extractor and as many pictures."""
    scale = ("extractor", "eval_images")
    return [
        float(other["coverage"])
        for other in earlier
        if all(other.get(name) == score[name] for name in scale)
        and isinstance(other.get("coverage"), float)
    ]
