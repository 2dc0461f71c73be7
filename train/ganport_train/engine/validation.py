"""The light score of a generator in training: the same few pictures each time, beside real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganport_models import Generator
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError, GanportError
from ganport_runtime.images.encode import to_float
from ganport_runtime.noise import normals, seed_range
from ganport_train.config.condition_encoding import in_labels
from ganport_train.data import Dataset
from ganport_train.engine.sample_grids import render
from ganport_train.evaluation.judge.accuracy import group_counts
from ganport_train.evaluation.metrics import grain
from ganport_train.evaluation.metrics.diversity import DiversityPlan, relative_spread
from ganport_train.evaluation.metrics.memorization import thumbnails
from ganport_train.evaluation.metrics.quality import density_coverage, kernel_distance

if TYPE_CHECKING:  # it brings torchvision, which takes a second; few runs have a judge
    from ganport_train.evaluation.judge.judge import Judge

SEED = 2**40
"""The first seed drawn with: no sheet has it, nor eval-gan by default."""
LEAST = 8
"""Pictures below which nothing can be measured."""
NEIGHBOUR = 2
"""A real picture's ball reaches to this neighbour, and coverage is 0.75 at best on average.

With eval-gan's fifth it is 0.97: on anime faces weights disturbed by 0.3 of their deviation got
0.98 of that, and 0.89 of this.
"""

GRAIN = 1.25
"""How many times more, or less, grain than real pictures is no fault yet."""

Images = NDArray[np.uint8]
Features = NDArray[np.float32]
Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scorer:
    """Draws for the conditions of N real pictures, set apart, and measures against N others.

    `asked` (N, C) are those conditions and `wanted` the same in the judge's layout; `real` (N, F)
    the others' features and `real_coverage` how much of them the N set apart cover; `plan` says
    what is drawn for the spread within a condition, beside the thumbnails `real_small`;
    `real_grain` is how fine the details of the others are.
    `sources`, uint8 (N, H, W, 3), are what an image-to-image generator starts from: the pictures
    set apart, in another order than their conditions; others start from noise.
    """

    judge: Judge | None
    device: torch.device
    asked: Vectors
    wanted: Vectors
    real: Features
    real_coverage: float
    plan: DiversityPlan
    real_small: Features
    real_grain: Mapping[str, float]
    sources: Images | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        rows: Rows,
        count: int,
        judge: Judge | None,
        device: torch.device,
        *,
        translates: bool = False,
    ) -> Scorer | None:
        """The scorer of a run that trains on `rows`, with at most `count` pictures of each kind.

        None when there are too few, and for one that `translates` without a judge: by its pixels
        alone the best translation would be none at all. Held-out pictures are left to `eval-gan`,
        since what chooses a checkpoint must not have seen them. Raises JudgeError for a judge of
        other conditions.
        """
        count = min(count, len(rows) // 2)
        if count < LEAST or (translates and judge is None):
            return None
        order = np.random.Generator(np.random.Philox(0)).permutation(rows)
        apart, others = np.sort(order[:count]), np.sort(order[count : 2 * count])
        asked = dataset.vectors[apart]
        wanted = _translated(asked, dataset.conditions, judge.conditions) if judge else asked
        plan = DiversityPlan.of(dataset.conditions, dataset.vectors[rows])
        real = _features(judge, dataset.images[others])
        return cls(
            judge=judge,
            device=device,
            asked=asked,
            wanted=wanted,
            real=real,
            real_coverage=_coverage(_features(judge, dataset.images[apart]), real),
            plan=plan,
            real_small=thumbnails(dataset.images[rows[plan.real_rows]]),
            real_grain=grain.energies(dataset.images[others]),
            sources=dataset.images[order[:count]] if translates else None,
        )

    @property
    def extractor(self) -> str:
        """What the pictures are seen with; scores of another one cannot be compared."""
        return f"judge {self.judge.digest[:16]}" if self.judge else "pixels"

    def score(self, generator: Generator) -> dict[str, Any]:
        """The figures of a generator that is ready to draw, as plain JSON.

        `score` is 0 to 1; `accuracy` by group and `coverage` are shares, with those of `real`
        pictures beside them; `spread` and `grain` are shares of the real ones; `kernel`, where
        torch-fidelity is installed, is the kernel distance x 1000.
        """
        images = self._draw(generator, self.asked, SEED)
        features, fine = _features(self.judge, images), grain.ratios(images, self.real_grain)
        found = self._accuracy(features)
        real = {name: self.judge.metadata.accuracy[name] for name in found} if self.judge else {}
        coverage = _coverage(features, self.real)
        return {
            "score": round(light(found, real, coverage, self.real_coverage, fine), 4),
            "extractor": self.extractor,
            "eval_images": len(self.asked),
            "accuracy": _rounded(found),
            "coverage": round(coverage, 4),
            **self._kernel(features),
            "spread": round(self._spread(generator), 4),
            "grain": _rounded(fine),
            "real": {"accuracy": _rounded(real), "coverage": round(self.real_coverage, 4)},
        }

    def _draw(self, generator: Generator, vectors: Vectors, seed: int) -> Images:
        if self.sources is None:
            start = normals(seed_range(seed, len(vectors)), generator.z_shape)
        else:
            start = to_float(self.sources[np.arange(len(vectors)) % len(self.sources)])
        return render(generator, start, vectors, self.device)

    def _accuracy(self, features: Features) -> dict[str, float]:
        if self.judge is None or not self.wanted.shape[1]:
            return {}
        outputs = self.judge.outputs(features)
        counts = group_counts(self.judge.conditions, outputs, self.wanted)
        return {name: count.fraction for name, count in counts.items()}

    def _spread(self, generator: Generator) -> float:
        small = thumbnails(self._draw(generator, self.plan.vectors, SEED + len(self.asked)))
        plan = self.plan
        return relative_spread(small, plan.generated, self.real_small, plan.real_groups)

    def _kernel(self, features: Features) -> dict[str, float]:
        if find_spec("torch_fidelity") is None:  # of the extra eval; training does without
            return {}
        distance, _ = kernel_distance(features, self.real, subsets=1, size=len(features))
        return {"kernel": round(distance * 1000, 4)}


def light(
    found: Mapping[str, float],
    real: Mapping[str, float],
    coverage: float,
    real_coverage: float,
    fine: Mapping[str, float],
) -> float:
    """The light score, 0 to 1: the geometric mean of the groups' accuracies times the coverage,
    each as a share, at most 1, of what real pictures get.

    Where the grain, `fine`, as a share of the real one, is more than `GRAIN` times too much or too
    little, the score falls by as much as it is beyond that.
    """
    shares = [_share(found[name], real[name]) for name in found]
    followed = prod(shares) ** (1 / len(shares)) if shares else 1.0
    fitting = min(map(_fineness, fine.values()), default=1.0)
    return followed * _share(coverage, real_coverage) * fitting


def _fineness(ratio: float) -> float:
    return min(1.0, GRAIN * min(ratio, 1 / ratio)) if ratio else 0.0


def _share(value: float, real: float) -> float:
    return min(1.0, value / real) if real else 1.0


def _coverage(drawn: Features, real: Features) -> float:
    return density_coverage(drawn, real, k=NEIGHBOUR)[1]


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in shares.items()}


def _features(judge: Judge | None, images: Images) -> Features:
    return judge.features(images) if judge else thumbnails(images)


def _translated(vectors: Vectors, ours: Conditions, theirs: Conditions) -> Vectors:
    """Condition vectors in the layout of a judge, which may list or code the same labels otherwise.

    Nothing was asked of an unconditional generator: its vectors stay empty.
    """
    if not ours.groups:
        return vectors
    # One left out would silently take its default.
    if ours.fields.keys() != theirs.fields.keys():
        raise _another(ours, ", ".join(theirs.fields) or "no condition")
    distinct, places = np.unique(vectors, axis=0, return_inverse=True)
    try:
        known = theirs.encode_many([in_labels(ours, vector) for vector in distinct])
    except ConditionError as error:
        raise _another(ours, f"another {error.place}: {error.found} is unknown to it") from None
    return known[places.reshape(-1)]


def _another(ours: Conditions, found: str) -> GanportError:
    from ganport_train.evaluation.judge.storage import JudgeError

    return JudgeError(
        "--judge",
        expected=f"a judge of the run's conditions: {', '.join(ours.fields) or 'none'}",
        found=found,
        fix="Train one: eval-gan judge --data PATH --out JUDGE, with the run's own data set.",
    )
