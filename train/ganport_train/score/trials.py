"""The i-CLEVR lab's own test lists, drawn many times over: one draw of 72 objects says little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.judge.judge import Judge
from ganport_train.judge.verdict import accuracy
from ganport_train.score.drawing import Drawn, draw
from ganport_train.score.metrics.intervals import of_mean

DRAWS = 50


def run(
    generator: Generator,
    judge: Judge,
    lists: Mapping[str, Sequence[Mapping[str, Any]]],
    seed: int,
    *,
    draws: int = DRAWS,
    progress: bool = False,
) -> tuple[dict[str, dict[str, Any]], dict[str, Drawn]]:
    """Draw every request of every list `draws` times and judge each draw by itself.

    Returns the report's `trials`, a share with Student's 95 % interval of its mean for each list,
    and the pictures of each list's first draw.
    """
    found: dict[str, dict[str, Any]] = {}
    first: dict[str, Drawn] = {}
    for name, asked in lists.items():
        vectors = judge.conditions.encode_many(list(asked))
        many = np.tile(vectors, (draws, 1))
        drawn = draw(
            generator, judge.conditions, many, seed, title=f"drawing {name}", progress=progress
        )
        outputs = judge.look(drawn.images, progress=progress).outputs
        found[name] = _trial(judge.conditions, drawn, outputs, len(vectors))
        first[name] = Drawn(drawn.images[: len(vectors)], vectors, drawn.seeds[: len(vectors)])
        seed = (seed + len(many)) % 2**64
    return found, first


def _trial(
    conditions: Conditions, drawn: Drawn, outputs: np.ndarray[Any, Any], size: int
) -> dict[str, Any]:
    shares: list[float] = []
    objects = 0
    for start in range(0, len(drawn), size):
        part = slice(start, start + size)
        tallies = accuracy(conditions, outputs[part], drawn.vectors[part]).values()
        objects = sum(tally.total for tally in tallies)
        shares.append(sum(tally.hits for tally in tallies) / max(objects, 1))
    mean, low, high = of_mean(shares)
    return {
        "share": {"value": mean, "low": low, "high": high, "count": objects * len(shares)},
        "requests": size,
        "objects": objects,
        "draws": len(shares),
    }
