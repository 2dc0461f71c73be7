"""The exam of `learning.py`: what an independent judge finds in the images of a generator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_models import Generator
from ganport_runtime.conditions import Conditions
from ganport_runtime.noise import normals, seed_range
from ganport_train.data import Dataset
from ganport_train.engine.sample_grids import render_images
from ganport_train.engine.validation import convert_conditions
from ganport_train.evaluation.judge.accuracy import group_counts, joint_count
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.metrics import grain
from ganport_train.evaluation.metrics.diversity import DiversityPlan, relative_spread
from ganport_train.evaluation.metrics.memorization import thumbnails
from ganport_train.evaluation.metrics.quality import (
    SUBSETS,
    Reference,
    density_coverage,
    kernel_distance,
)
from ganport_train.evaluation.scores.sampling import sample_vectors

ASKED, COMPARED = 1200, 2000
"""Images drawn for the accuracies, and for the distances."""
_SEED = 2**41

Record = dict[str, Any]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Exam:
    """What every variant is measured against: real images as an independent judge sees them.

    Labels of the accuracies are drawn evenly, each group by itself; the distances are between
    images of the conditions that the data set has and all its images.
    """

    judge: Judge
    dataset: Dataset

    @cached_property
    def reference(self) -> Reference:
        """The real images in the judge's features."""
        features = self.judge.features(self.dataset.images)
        return Reference.of(features, self.dataset.vectors, COMPARED, seed=0)

    @cached_property
    def plan(self) -> DiversityPlan:
        """Whose spread within a condition is measured."""
        return DiversityPlan.of(self.dataset.conditions, self.dataset.vectors)

    @cached_property
    def real_small(self) -> Vectors:
        """Thumbnails of the real images of the plan."""
        return thumbnails(self.dataset.images[self.plan.real_rows])

    @cached_property
    def real_grain(self) -> dict[str, float]:
        """The grain of the real images."""
        return grain.energies(self.dataset.images[self.reference.baseline])

    def measure(self, generator: Generator) -> Record:
        """Accuracies, distances, spread and grain of a generator that is ready to draw."""
        images = self._draw(generator, sample_vectors(self.dataset.vectors, COMPARED))
        features, reference = self.judge.features(images), self.reference
        return {
            **self.accuracies(generator),
            "spread": self._spread(generator),
            **grain.ratios(images, self.real_grain),
            "coverage": density_coverage(features, reference.features[reference.size_matched])[1],
            "kernel": 1000
            * kernel_distance(features, reference.features[reference.others], subsets=SUBSETS),
        }

    def accuracies(self, generator: Generator) -> Record:
        """Return the accuracy of each group and of all together; nothing without a condition.

        The judge may have the labels in another order.
        """
        asked = evenly(self.dataset.conditions, self.dataset.vectors, ASKED)
        if not asked.size:
            return {}
        judged = self.judge.conditions
        targets = convert_conditions(asked, self.dataset.conditions, judged)
        outputs = self.judge.predict(self._draw(generator, asked)).outputs
        counts = group_counts(judged, outputs, targets)
        accuracies: Record = {name: count.fraction for name, count in counts.items()}
        return {**accuracies, "joint": joint_count(judged, outputs, targets).fraction}

    def _spread(self, generator: Generator) -> float:
        small = thumbnails(self._draw(generator, self.plan.vectors))
        plan = self.plan
        return relative_spread(small, plan.generated, self.real_small, plan.real_groups)

    def _draw(self, generator: Generator, vectors: Vectors) -> NDArray[np.uint8]:
        noise = normals(seed_range(_SEED, len(vectors)), generator.z_shape)
        return render_images(generator, noise, vectors, self.dataset.image)


def evenly(conditions: Conditions, vectors: Vectors, count: int) -> Vectors:
    """Return conditions (count, C), the values of every group drawn evenly and independently."""
    random = np.random.Generator(np.random.Philox(_SEED))
    chosen = np.zeros((count, conditions.size), np.float32)
    for group in conditions.groups:
        part = conditions.slices[group.name]
        values = np.unique(vectors[:, part], axis=0)
        chosen[:, part] = values[random.integers(len(values), size=count)]
    return chosen
