"""Toy data sets in memory: a colored square on noise, labeled with its color."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.data import Dataset

SHADES = {"red": (220, 30, 30), "blue": (30, 30, 220)}


@pytest.fixture
def toy() -> Callable[..., Dataset]:
    """Make a data set of alternately red and blue squares; `request` maps a color to a request."""

    def make(
        count: int = 48,
        side: int = 16,
        conditions: Conditions | None = None,
        request: Callable[[str], dict[str, Any]] = lambda shade: {"shade": shade},
    ) -> Dataset:
        random = np.random.default_rng(0)
        conditions = conditions or Conditions.one_hots({"shade": list(SHADES)})
        shades = [list(SHADES)[row % 2] for row in range(count)]
        images = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        for image, shade in zip(images, shades, strict=True):
            image[4:12, 4:12] = SHADES[shade]
        images.setflags(write=False)
        return Dataset(
            images=images,
            image=ImageFormat(images.shape[1:3]),
            format="toy",
            conditions=conditions,
            vectors=conditions.encode_many([request(shade) for shade in shades]),
            ids=[str(row) for row in range(count)],
            duplicate_groups=np.arange(count),
            split_keys=random.integers(0, 2**64, count, dtype=np.uint64),
            digest="00" * 32,
            issues=(),
            notes=(),
            test_prompts={},
        )

    return make
