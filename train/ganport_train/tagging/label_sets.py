"""A classifier of groups whose images may have several labels: a sigmoid for each label.

The score of a label is kernel ridge regression, as for groups of one label. The sigmoid turns it
into a probability (Platt 1999); binary cross-entropy on left-out images trains it, so that a
classifier that only remembers its images gives no high probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_train.tagging.classifier import (
    KERNELS,
    Features,
    FeatureSpace,
    Floats,
    fit_ridges,
    is_clearly_better,
)

_STEPS = 30
"""Steps of Newton's method at most; some ten are usual."""
_HALVINGS = 12
_DAMPING = 1e-9

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sigmoids:
    """The sigmoids of L labels: score x has the probability 1 / (1 + exp(-slope x - offset))."""

    slopes: Floats
    offsets: Floats

    @classmethod
    def train(cls, scores: Floats, has: Bools) -> Sigmoids:
        """Minimize the binary cross-entropy of scores (N, L) and labels (N, L).

        The targets are Platt's: they keep the probabilities of few images away from 0 and 1.
        """
        targets = _soft_targets(has)
        center, scale = scores.mean(axis=0), scores.std(axis=0) + 1e-12
        inputs = (scores - center) / scale
        sigmoids = constant = cls.constant(has)
        for _ in range(_STEPS):
            before, sigmoids = sigmoids, sigmoids._improve(inputs, targets)
            if np.allclose(before.slopes, sigmoids.slopes, rtol=1e-4, atol=1e-5):
                break
        slopes = sigmoids.slopes / scale
        sigmoids = cls(slopes, sigmoids.offsets - slopes * center)
        # The mean of the other images falls with the label of the image that is left out. A falling
        # sigmoid would learn that and nothing of the image.
        return sigmoids.where(slopes > 0, constant)

    @classmethod
    def constant(cls, has: Bools) -> Sigmoids:
        """Return the sigmoids whose probability is the frequency of each label."""
        rates = _soft_targets(has).mean(axis=0)
        return cls(np.zeros(len(rates)), np.log(rates / (1 - rates)))

    def where(self, chosen: Bools, others: Sigmoids) -> Sigmoids:
        """Return these sigmoids for the chosen labels (L,), and others for the rest."""
        slopes = np.where(chosen, self.slopes, others.slopes)
        return Sigmoids(slopes, np.where(chosen, self.offsets, others.offsets))

    def probabilities(self, scores: Floats) -> Floats:
        """Return the probabilities (N, L) of scores (N, L)."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self._logits(scores), -60, 60))))

    def losses(self, scores: Floats, targets: Floats) -> Floats:
        """Return the mean binary cross-entropy (L,) of targets (N, L) between 0 and 1."""
        logits = self._logits(scores)
        return np.asarray((np.logaddexp(0, logits) - targets * logits).mean(axis=0))

    def _logits(self, scores: Floats) -> Floats:
        return self.slopes * scores + self.offsets

    def _improve(self, inputs: Floats, targets: Floats) -> Sigmoids:
        """Return the sigmoids after a step of Newton's method that raises no loss."""
        found = self.probabilities(inputs)
        errors, curvature = found - targets, found * (1 - found) + _DAMPING
        slope, offset = (inputs * errors).mean(axis=0), errors.mean(axis=0)
        a, b, c = ((inputs**power * curvature).mean(axis=0) for power in (2, 1, 0))
        determinant = a * c - b * b + _DAMPING**2
        step = np.stack([(c * slope - b * offset), (a * offset - b * slope)]) / determinant
        before = self.losses(inputs, targets)
        for _ in range(_HALVINGS):
            stepped = Sigmoids(self.slopes - step[0], self.offsets - step[1])
            worse = stepped.losses(inputs, targets) > before
            if not worse.any():
                return stepped
            step = np.where(worse, step / 2, step)
        step = np.where(worse, 0, step)
        return Sigmoids(self.slopes - step[0], self.offsets - step[1])


@dataclass(frozen=True, eq=False)
class LabelSetClassifier:
    """A trained classifier of one group of L labels, of which an image may have several.

    `accuracy` is the fraction of the training images all of whose labels it finds when it has not
    learned from them. `known` (L,) tells which labels it knows clearly better than their frequency;
    the probability of another label is its frequency. `weights` holds the weights of features for
    each label; `coefficients` (N, L) are those of the regressions.
    """

    space: FeatureSpace
    support: Features
    weights: Sequence[Mapping[str, float]]
    coefficients: Floats
    sigmoids: Sigmoids
    known: Bools
    accuracy: float

    @classmethod
    def train(cls, space: FeatureSpace, features: Features, has: Bools) -> LabelSetClassifier:
        """Train on features (N, F) and on whether each image has each label (N, L)."""
        targets = has.astype(np.float64)
        fits = [fit for weights in KERNELS for fit in fit_ridges(space, features, targets, weights)]
        trained = [Sigmoids.train(fit.left_out, has) for fit in fits]
        losses = [
            sigmoids.losses(fit.left_out, targets)
            for fit, sigmoids in zip(fits, trained, strict=True)
        ]
        best = np.argmin(losses, axis=0)
        scores = _pick([fit.left_out for fit in fits], best)
        sigmoids = Sigmoids.train(scores, has)
        answers = sigmoids.probabilities(scores) >= 0.5
        known = _known_labels(answers, has)
        return cls(
            space,
            features,
            [fits[fit].weights for fit in best.tolist()],
            _pick([fit.coefficients for fit in fits], best),
            sigmoids.where(known, Sigmoids.constant(has)),
            known,
            accuracy=float(((answers & known) == has).all(axis=1).mean()),
        )

    def predict(self, features: Features) -> Floats:
        """Return the probability (M, L) of each label for images with features (M, F)."""
        scores = np.zeros((len(features), len(self.known)))
        for weights in KERNELS:
            labels = [label for label, used in enumerate(self.weights) if used is weights]
            if labels:
                kernel = self.space.kernel(features, self.support, weights)
                scores[:, labels] = kernel @ self.coefficients[:, labels]
        return self.sigmoids.probabilities(scores)


def _soft_targets(has: Bools) -> Floats:
    count = has.sum(axis=0)
    low, high = 1 / (len(has) - count + 2), (count + 1) / (count + 2)
    return np.asarray(np.where(has, high, low))


def _known_labels(answers: Bools, has: Bools) -> Bools:
    accuracies, rates = (answers == has).mean(axis=0), has.mean(axis=0)
    baselines = np.maximum(rates, 1 - rates)
    pairs = zip(accuracies.tolist(), baselines.tolist(), strict=True)
    # A label that all images have, or none, teaches nothing.
    return np.array(
        [baseline < 1 and is_clearly_better(found, baseline) for found, baseline in pairs]
    )


def _pick(arrays: Sequence[Floats], best: NDArray[np.int64]) -> Floats:
    """Return the columns of an array (N, L) that come from the best of several arrays each."""
    return np.stack([arrays[fit][:, label] for label, fit in enumerate(best.tolist())], axis=1)
