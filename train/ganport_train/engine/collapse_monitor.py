"""Scores the checkpoints of a run, and detects a collapse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ganport_models import Generator
from ganport_train.config.sections import LoggingOptions
from ganport_train.engine.validation import MIN_IMAGES, CheckpointEvaluator
from ganport_train.runs.metrics import SCORES, MetricsWriter, Record, format_score, read_log

SPREAD_LIMIT = 0.5
"""Smallest spread within a condition, as a ratio to the spread of real images."""
COVERAGE_LIMIT = 0.5
"""Smallest coverage, as a ratio to the best coverage of the run."""
_MIN_BEST_COVERAGE = 0.1
"""A lower best coverage says nothing about a collapse."""
_STOP_AFTER = 2


class CollapseMonitor:
    """Scores checkpoints and warns about a collapse; `collapsed` says that the run must stop."""

    def __init__(
        self,
        run: Path,
        options: LoggingOptions,
        evaluator: CheckpointEvaluator | None,
        log: Callable[[str], None],
    ) -> None:
        self.run, self.options, self.evaluator, self.log = run, options, evaluator, log
        self.collapsed = False
        if evaluator is None and options.eval_images:
            log(
                f"checkpoints get no score: scores need {2 * MIN_IMAGES} training images, and a "
                "--judge for a translation method"
            )

    def score(self, generator: Generator, position: Record, writer: MetricsWriter) -> Record | None:
        """Score a generator in eval mode, write the record to the logs, and return it.

        Return None without an evaluator and at step 0: an untrained generator must never be the
        best checkpoint.
        """
        if self.evaluator is None or not position["step"]:
            return None
        score = {**position, **self.evaluator.score(generator)}
        previous = read_log(self.run, SCORES)
        symptom = detect_collapse(score, previous, self.options.collapse_grace_images)
        score["collapsed"] = symptom is not None
        writer.write_score(score)
        self.log(format_score(score))
        if symptom:
            self.log(_format_warning(symptom, self.run))
        stops = self.options.stop_when_collapsed
        self.collapsed = stops and should_stop([*previous, score])
        return score


def detect_collapse(score: Record, previous: Sequence[Record], grace_images: int) -> str | None:
    """Return the symptom of a collapse with its value and limit, or None.

    `score` and `previous` are records of scores.jsonl. Nothing is a symptom in the first
    `grace_images` training images: an untrained generator gives similar images for all seeds.
    """
    if score["images"] <= grace_images:
        return None
    if score["spread"] < SPREAD_LIMIT:
        return (
            f"the spread within a condition is {score['spread']:.2f} of that of real images; "
            f"the limit is {SPREAD_LIMIT:.2f}"
        )
    best = max(_comparable_coverages(score, previous), default=0.0)
    limit = COVERAGE_LIMIT * best
    if best >= _MIN_BEST_COVERAGE and score["coverage"] < limit:
        return (
            f"the coverage of real images is {score['coverage']:.2f} after {best:.2f}; "
            f"the limit is {limit:.2f}"
        )
    return None


def should_stop(scores: Sequence[Record]) -> bool:
    """Return whether the last scores stop the run: every second collapsed score in a row does.

    A run that is resumed after such a stop gets two more scores.
    """
    count = 0
    for score in reversed(scores):
        if score.get("collapsed") is not True:
            break
        count += 1
    return count > 0 and count % _STOP_AFTER == 0


def _comparable_coverages(score: Record, previous: Sequence[Record]) -> list[float]:
    """Return the coverages of the same extractor and number of images."""
    keys = ("extractor", "eval_images")
    return [
        float(other["coverage"])
        for other in previous
        if all(other.get(key) == score[key] for key in keys)
        and isinstance(other.get("coverage"), float)
    ]


def _format_warning(symptom: str, run: Path) -> str:
    return (
        f"warning: collapsed: {symptom}. Look at the newest sample grid. If it shows the collapse, "
        f"use the best checkpoint (export-gan {run}), and start a new run with another "
        "training.seed or lower learning rates (--set optimizer.generator_lr=1e-4 --set "
        "optimizer.discriminator_lr=1e-4)"
    )
