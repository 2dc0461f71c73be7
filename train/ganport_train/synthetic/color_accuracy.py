"""How often pictures show the hair and eye colours that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions, OneHot
from ganport_runtime.errors import BundleError
from ganport_runtime.generator import Generator
from ganport_train.synthetic.color_measurement import measure
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR
from ganport_train.synthetic.writer import SIZES, balanced_labels, face_seed

Batch = tuple[NDArray[np.uint8], list[dict[str, str]]]  # pictures (N, S, S, 3) and what was asked

_LABELS = {"hair": list(HAIR), "eyes": list(EYES)}
_UNSEEN = -1  # `ganport dataset draw` takes no seed below 0, so no training set has these faces
_DRAWN_AT_ONCE = 120


@dataclass(frozen=True)
class Agreement:
    """How the colours measured in pictures agree with those asked for, in one group."""

    pairs: Counter[tuple[str, str]]  # (asked, measured)

    @property
    def share(self) -> float:
        """The share of pictures that show the label asked for."""
        right = sum(n for (asked, measured), n in self.pairs.items() if asked == measured)
        return right / self.pairs.total()

    def labels(self) -> dict[str, float]:
        """Return the share of each label that was asked for, the worst first."""
        asked: Counter[str] = Counter()
        for (label, _), count in self.pairs.items():
            asked[label] += count
        shares = {label: self.pairs[label, label] / count for label, count in asked.items()}
        return dict(sorted(shares.items(), key=lambda item: item[1]))

    def mistaken_for(self, label: str) -> str:
        """Return what `label` was most often measured as when it was not measured as itself."""
        wrong = {m: n for (a, m), n in self.pairs.items() if a == label != m}
        return max(wrong, key=lambda name: wrong[name], default=label)

    def to_json(self) -> dict[str, Any]:
        """Return shares and confusions as plain JSON."""
        confusions = [
            {"asked": a, "measured": m, "pictures": n}
            for (a, m), n in self.pairs.most_common()
            if a != m
        ]
        return {"share": self.share, "labels": self.labels(), "confusions": confusions}


def agreement(batches: Iterable[Batch]) -> dict[str, Agreement]:
    """Measure pictures and compare with what was asked; returns one Agreement for each group."""
    pairs: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in _LABELS}
    for images, requests in batches:
        for name, labels in measure(images).items():
            asked = (request[name] for request in requests)
            pairs[name].update(zip(asked, labels, strict=True))
    return {name: Agreement(counts) for name, counts in pairs.items()}


def generated(generator: Generator, seeds: int) -> Iterator[Batch]:
    """Let a bundle draw every pair of hair and eye colour, once with each of the first `seeds`."""
    requests = [{"hair": hair, "eyes": eyes} for hair, eyes in product(HAIR, EYES)]
    for seed in range(seeds):
        yield generator.generate(requests, seeds=[seed] * len(requests)), requests


def drawn(count: int, size: int) -> Iterator[Batch]:
    """Draw `count` faces that no training set holds."""
    for start in range(0, count, _DRAWN_AT_ONCE):
        indices = range(start, min(start + _DRAWN_AT_ONCE, count))
        pairs = [balanced_labels(_UNSEEN, index) for index in indices]
        faces = [
            np.asarray(draw_face(face_seed(_UNSEEN, index), *pair, size))
            for index, pair in zip(indices, pairs, strict=True)
        ]
        yield np.stack(faces), [{"hair": hair, "eyes": eyes} for hair, eyes in pairs]


def check_measurable(generator: Generator, place: str) -> int:
    """Return the side of a bundle's pictures, in pixels.

    Raises BundleError unless it draws square faces of a size that can be drawn for comparison,
    with the groups hair and eyes of exactly the measured labels.
    """
    height, width = generator.manifest.image.size
    if height != width or height not in SIZES:
        raise BundleError(
            place,
            expected=f"square pictures of {SIZES[0]} to {SIZES[-1]} pixels",
            found=f"{width} x {height}",
            fix="Only bundles trained on faces of that size can be measured.",
        )
    for name, labels in _LABELS.items():
        _check_group(generator.conditions, name, labels, place)
    return height


def _check_group(conditions: Conditions, name: str, labels: list[str], place: str) -> None:
    group = next((group for group in conditions.groups if group.name == name), None)
    if isinstance(group, OneHot) and set(group.labels) == set(labels):
        return
    if group is None:
        found = f"the groups {_listed(g.name for g in conditions.groups)}"
    else:
        found = f"kind {group.kind}, labels {_listed(getattr(group, 'labels', ()))}"
    raise BundleError(
        place,
        expected=f"a one_hot group {name!r} of the labels {_listed(labels)}",
        found=found,
        fix="Measure a bundle that was trained on tagged faces.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"


def report(
    shown: Mapping[str, Agreement], reference: Mapping[str, Agreement], **about: Any
) -> dict[str, Any]:
    """Return the whole comparison as plain JSON."""
    return {
        **about,
        "generated": {name: part.to_json() for name, part in shown.items()},
        "freshly_drawn": {name: part.to_json() for name, part in reference.items()},
    }
