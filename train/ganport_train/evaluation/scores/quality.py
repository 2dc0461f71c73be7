"""How near drawn pictures come to real ones: distances, and what part of which covers the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.metrics import diversity
from ganport_train.evaluation.metrics.distances import frechet, kernel
from ganport_train.evaluation.metrics.grain import energies, ratios
from ganport_train.evaluation.metrics.manifolds import density_coverage, precision_recall
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import rows_with, spaced

Features = NDArray[np.float32]
Rows = NDArray[np.int64]
SMALLEST = 20
"""Pictures below which a label gets no distances of its own."""
MOST = 1000
"""Pictures of a label that are looked at, on either side."""
SUBSETS = 20
"""Over which a kernel distance is averaged."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What drawn pictures are compared with.

    `features` (N, F) are those of all real pictures that may be asked for; `baseline` are rows of
    them as many as are drawn in a round, set apart to be judged like drawn ones; `others` the rest.
    """

    features: Features
    vectors: NDArray[np.float32]
    baseline: Rows
    others: Rows

    @classmethod
    def of(
        cls, features: Features, vectors: NDArray[np.float32], count: int, seed: int
    ) -> Reference:
        """Set `count` of the pictures apart, chosen by `seed`, or half of them if there are few."""
        order = np.random.Generator(np.random.Philox(seed)).permutation(len(features))
        size = min(count, len(features) // 2)
        return cls(features, vectors, np.sort(order[:size]), np.sort(order[size:]))

    @property
    def fellows(self) -> Rows:
        """As many of the others as there are in the baseline: coverage compares equal numbers."""
        return self.others[spaced(len(self.others), len(self.baseline))]

    def counts(self) -> dict[str, int]:
        """How many pictures a figure compares: those drawn in a round with `real` ones, for
        coverage with `fellows`."""
        compared = len(self.baseline)
        return {"drawn": compared, "real": len(self.others), "fellows": compared}


def figures(name: str, rounds: Sequence[Features], reference: Reference) -> dict[str, Figure]:
    """Every figure on the features of one extractor: those of the drawn pictures, one array a
    round, against those of real pictures."""
    titles = _Titles.of(name)
    measured = [_measure(features, reference) for features in rounds]
    real = _measure(reference.features[reference.baseline], reference)
    return {
        f"{name}_{key}": Figure.over_rounds(
            title,
            f"Like real pictures ({titles.space})",
            [values[key] for values in measured],
            better=better,
            real=real[key],
            unit=unit,
        )
        for key, title, better, unit in titles.rows
    }


def fineness(rounds: Sequence[NDArray[np.uint8]], real: NDArray[np.uint8]) -> dict[str, Figure]:
    """Both measures of grain of images uint8 (N, H, W, 3), one array a round, as shares of those of
    real ones: grain is as wrong as blur."""
    truth = energies(real)
    found = [ratios(images, truth) for images in rounds]
    titles = {"checker": "grain of 2x2 blocks", "octave": "energy of the top octave"}
    return {
        f"grain_{name}": Figure.over_rounds(
            title, "Fineness", [ratio[name] for ratio in found], real=1.0, unit="%"
        )
        for name, title in titles.items()
    }


def by_label(
    conditions: Conditions,
    vectors: NDArray[np.float32],
    rounds: Sequence[Features],
    reference: Reference,
) -> list[dict[str, Any]]:
    """The figures of each label alone, over all rounds; `vectors` are those of one round.

    A total hides the label that fails. Those with fewer than 20 pictures on a side get nulls.
    """
    drawn, asked = np.concatenate(rounds), np.tile(vectors, (len(rounds), 1))
    ours = rows_with(conditions, asked)
    theirs = rows_with(conditions, reference.vectors)
    return [
        {
            "group": group,
            "label": label,
            "generated": len(rows),
            "real": len(theirs[group, label]),
            "figures": _label(drawn[rows], reference.features[theirs[group, label]]),
        }
        for (group, label), rows in ours.items()
    ]


def _measure(drawn: Features, reference: Reference) -> dict[str, float]:
    # Every figure changes with the number of pictures: drawn ones are as many as the baseline.
    drawn = drawn[spaced(len(drawn), len(reference.baseline))]
    others = reference.features[reference.others]
    fellows = reference.features[reference.fellows]
    precision, recall = precision_recall(drawn, fellows)
    density, coverage = density_coverage(drawn, fellows)
    return {
        "kernel": kernel(drawn, others, subsets=SUBSETS)[0] * 1000,
        "frechet": frechet(drawn, others),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }


def _label(drawn: Features, real: Features) -> dict[str, float | None]:
    names = ("kernel", "density", "coverage", "spread")
    if min(len(drawn), len(real)) < SMALLEST:
        return dict.fromkeys(names)
    count = min(len(drawn), len(real), MOST)
    drawn, real = drawn[spaced(len(drawn), count)], real[spaced(len(real), count)]
    density, coverage = density_coverage(drawn, real)
    everything = [np.arange(count)]
    values = (
        kernel(drawn, real, subsets=1, size=count)[0] * 1000,
        density,
        coverage,
        diversity.share(drawn, everything, real, everything),
    )
    return dict(zip(names, values, strict=True))


@dataclass(frozen=True)
class _Titles:
    space: str
    rows: tuple[tuple[str, str, str, str], ...]

    @classmethod
    def of(cls, name: str) -> _Titles:
        # Only Inception's distances may be called by the names that papers compare.
        inception = name == "inception"
        kid, fid = (
            ("KID x 1000", "FID") if inception else ("kernel distance x 1000", "feature distance")
        )
        return cls(
            "Inception features" if inception else "the judge's features",
            (
                ("kernel", kid, "lower", ""),
                ("frechet", fid, "lower", ""),
                ("precision", "precision", "higher", "%"),
                ("recall", "recall", "higher", "%"),
                ("density", "density", "higher", ""),
                ("coverage", "coverage", "higher", "%"),
            ),
        )
