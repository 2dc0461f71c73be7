"""The validation score of a generator in training: a few images, compared with real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganport_models import Generator
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError, GanportError
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_float
from ganport_runtime.noise import normals, seed_range
from ganport_train.config.recipe import decode_labels
from ganport_train.data import Dataset
from ganport_train.data.dataset import Features, Images, Rows, Vectors
from ganport_train.engine.sample_grids import render_images
from ganport_train.evaluation.judge.accuracy import group_counts
from ganport_train.evaluation.metrics import grain
from ganport_train.evaluation.metrics.diversity import DiversityPlan, relative_spread
from ganport_train.evaluation.metrics.memorization import thumbnails
from ganport_train.evaluation.metrics.quality import density_coverage, kernel_distance

if TYPE_CHECKING:  # imports torchvision, which takes a second; few runs have a judge
    from ganport_train.evaluation.judge.judge import Judge

SEED = 2**40
"""First seed of the generated images; sample grids and eval-gan use other seeds."""
MIN_IMAGES = 8
"""Smallest number of images for a score."""
NEIGHBOR = 2
"""Radius of a real image: the distance to this neighbor. Real images have a coverage of 0.75.

The second neighbor detects errors better than the fifth, the default of eval-gan: on anime faces
weights with noise of 0.3 standard deviations had 0.89 of the real coverage instead of 0.98.
"""
GRAIN_TOLERANCE = 1.25
"""Largest factor between the grain of generated and real images that does not lower the score."""

_NO_JUDGE = Path("none")


@dataclass(frozen=True, eq=False)
class CheckpointEvaluator:
    """Generates images for the conditions of N real images, and compares them with N others.

    `conditions` (N, K) are those conditions, and `targets` the same in the layout of the judge.
    `real` (N, F) are the features of the other images, `real_coverage` is the coverage of the N
    images, and `real_grain` is the grain of the others. `plan` holds the conditions for the spread
    within a condition, `real_small` the thumbnails of real images for it. `sources`, uint8
    (N, H, W, C), are the inputs of an image-to-image generator: the N images in another order.
    """

    judge: Judge | None
    image: ImageFormat
    conditions: Vectors
    targets: Vectors
    real: Features
    real_coverage: float
    plan: DiversityPlan
    real_small: Features
    real_grain: Mapping[str, float]
    sources: Images | None = None

    @classmethod
    def build(
        cls,
        dataset: Dataset,
        rows: Rows,
        count: int,
        judge: Judge | None,
        *,
        translates: bool = False,
    ) -> CheckpointEvaluator | None:
        """Return the evaluator of a run with the training `rows`, with at most `count` images.

        Return None for too few images, and for a method that `translates` without a judge: pixels
        alone would prefer an unchanged image. Validation images are reserved for eval-gan, because
        they must not select a checkpoint. Raise JudgeError for a judge of other conditions.
        """
        count = min(count, len(rows) // 2)
        if count < MIN_IMAGES or (translates and judge is None):
            return None
        order = np.random.Generator(np.random.Philox(0)).permutation(rows)
        first, second = np.sort(order[:count]), np.sort(order[count : 2 * count])
        conditions = dataset.vectors[first]
        plan = DiversityPlan.of(dataset.conditions, dataset.vectors[rows])
        real = _extract_features(judge, dataset.images[second])
        return cls(
            judge=judge,
            image=dataset.image,
            conditions=conditions,
            targets=convert_conditions(conditions, dataset.conditions, judge.conditions)
            if judge
            else conditions,
            real=real,
            real_coverage=_coverage(_extract_features(judge, dataset.images[first]), real),
            plan=plan,
            real_small=thumbnails(dataset.images[rows[plan.real_rows]]),
            real_grain=grain.energies(dataset.images[second]),
            sources=dataset.images[order[:count]] if translates else None,
        )

    @property
    def extractor(self) -> str:
        """The feature extractor; only scores of one extractor are comparable."""
        return f"judge {self.judge.digest[:16]}" if self.judge else "pixels"

    def score(self, generator: Generator) -> dict[str, Any]:
        """Return the metrics of a generator in eval mode as JSON values.

        `score` is 0 to 1. `accuracy` by group and `coverage` are fractions, with the values of
        real images under `real`. `spread` and `grain` are ratios to real images. `kernel`, if
        torch-fidelity is installed, is the kernel distance times 1000.
        """
        images = self._generate(generator, self.conditions, SEED)
        features = _extract_features(self.judge, images)
        grain_ratios = grain.ratios(images, self.real_grain)
        accuracies = self._accuracy(features)
        real = {}
        if self.judge:
            real = {name: self.judge.metadata.accuracy[name] for name in accuracies}
        coverage = _coverage(features, self.real)
        score = combined_score(accuracies, real, coverage, self.real_coverage, grain_ratios)
        return {
            "score": round(score, 4),
            "extractor": self.extractor,
            "eval_images": len(self.conditions),
            "accuracy": _round_values(accuracies),
            "coverage": round(coverage, 4),
            **self._kernel_distance(features),
            "spread": round(self._spread(generator), 4),
            "grain": _round_values(grain_ratios),
            "real": {"accuracy": _round_values(real), "coverage": round(self.real_coverage, 4)},
        }

    def _generate(self, generator: Generator, vectors: Vectors, seed: int) -> Images:
        if self.sources is None:
            inputs = normals(seed_range(seed, len(vectors)), generator.z_shape)
        else:
            inputs = to_float(self.sources[np.arange(len(vectors)) % len(self.sources)])
        return render_images(generator, inputs, vectors, self.image)

    def _accuracy(self, features: Features) -> dict[str, float]:
        if self.judge is None or not self.targets.shape[1]:
            return {}
        outputs = self.judge.outputs(features)
        counts = group_counts(self.judge.conditions, outputs, self.targets)
        return {name: count.fraction for name, count in counts.items()}

    def _spread(self, generator: Generator) -> float:
        seed = SEED + len(self.conditions)
        small = thumbnails(self._generate(generator, self.plan.vectors, seed))
        plan = self.plan
        return relative_spread(small, plan.generated, self.real_small, plan.real_groups)

    def _kernel_distance(self, features: Features) -> dict[str, float]:
        if find_spec("torch_fidelity") is None:  # part of the extra eval, optional in training
            return {}
        distance = kernel_distance(features, self.real, subsets=1, size=len(features))
        return {"kernel": round(distance * 1000, 4)}


def load_judge(path: Path | None, device: torch.device) -> Judge | None:
    """Return the judge at a path; None without a path, and for the path `none`."""
    if path is None or path == _NO_JUDGE:
        return None
    # Imports torchvision, which takes a second.
    from ganport_train.evaluation.judge.judge import Judge

    return Judge.load(path, device)


def combined_score(
    accuracies: Mapping[str, float],
    real: Mapping[str, float],
    coverage: float,
    real_coverage: float,
    grain_ratios: Mapping[str, float],
) -> float:
    """Return the validation score, 0 to 1.

    The score is the geometric mean of the groups' accuracies times the coverage, each relative to
    real images and at most 1. Grain outside `GRAIN_TOLERANCE` lowers the score in proportion.
    """
    ratios = [_relative(accuracies[name], real[name]) for name in accuracies]
    accuracy_score = prod(ratios) ** (1 / len(ratios)) if ratios else 1.0
    grain_score = min(map(_grain_score, grain_ratios.values()), default=1.0)
    return accuracy_score * _relative(coverage, real_coverage) * grain_score


def _grain_score(ratio: float) -> float:
    return min(1.0, GRAIN_TOLERANCE * min(ratio, 1 / ratio)) if ratio else 0.0


def _relative(value: float, real: float) -> float:
    return min(1.0, value / real) if real else 1.0


def _coverage(generated: Features, real: Features) -> float:
    return density_coverage(generated, real, k=NEIGHBOR)[1]


def _round_values(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _extract_features(judge: Judge | None, images: Images) -> Features:
    return judge.features(images) if judge else thumbnails(images)


def convert_conditions(vectors: Vectors, run: Conditions, judge: Conditions) -> Vectors:
    """Return condition vectors in the layout of the judge, which may differ in order or encoding.

    The vectors of an unconditional generator stay empty. Raises JudgeError for a judge of other
    conditions.
    """
    if not run.groups:
        return vectors
    # Encoding would give a missing group its default without an error.
    if run.fields.keys() != judge.fields.keys():
        raise _judge_error(run, ", ".join(judge.fields) or "no condition")
    distinct, indices = np.unique(vectors, axis=0, return_inverse=True)
    try:
        converted = judge.encode_many([decode_labels(run, vector) for vector in distinct])
    except ConditionError as error:
        raise _judge_error(run, f"a {error.place} without {error.found}") from None
    return converted[indices.reshape(-1)]


def _judge_error(run: Conditions, found: str) -> GanportError:
    from ganport_train.evaluation.judge.storage import JudgeError

    return JudgeError(
        "--judge",
        expected=f"a judge of the run's conditions: {', '.join(run.fields) or 'none'}",
        found=found,
        fix="Train one on the run's data set: eval-gan judge --data PATH --out JUDGE.",
    )
