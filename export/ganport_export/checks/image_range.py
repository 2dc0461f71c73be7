"""Check 5, the range of images: some ranges pass every other check and give washed-out images."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ganport_export.errors import ContractError
from ganport_export.execution import Outputs, run
from ganport_export.interface import Interface
from ganport_export.test_inputs import make_batch
from ganport_runtime.errors import GanportWarning

_SAMPLES, _BATCH, _FIRST_SEED = 64, 8, 100
_OVERSHOOT, _MAX_OVERSHOOT = -0.05, -0.3
"""Values to which 99 % and all of images in [0, 1] overshoot at most, as by a bicubic resize."""
_RARE = 0.01
"""Fraction of values below the overshoot that does not show the range."""


@dataclass
class _Values:
    """Counts of the values of images; the images themselves would take much memory."""

    count: int = 0
    negative: int = 0
    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def of(cls, images: Iterable[NDArray[Any]]) -> _Values:
        """Count the values of images of any shape."""
        values = cls()
        for image in images:
            values.count += image.size
            values.negative += int((image < _OVERSHOOT).sum())
            values.low = min(values.low, float(image.min()))
            values.high = max(values.high, float(image.max()))
        return values

    @property
    def are_unit(self) -> bool:
        """Whether the values are in [0, 1], except for an overshoot of few of them."""
        return self.negative < _RARE * self.count and self.low > _MAX_OVERSHOOT


def check_usual_range(network: nn.Module, interface: Interface, reference: Outputs) -> None:
    """Check for images in [0, 1].

    Raise ContractError if no value is negative. Warn if fewer than 1 % are below -0.05: bright
    images are legal, but rare. If the reference shows such a range, 64 new images decide.
    """
    values = _Values.of(reference)
    if not values.are_unit:
        return
    rows = range(_FIRST_SEED, _FIRST_SEED + _SAMPLES, _BATCH)
    batches = (make_batch(interface, _BATCH, seed) for seed in rows)
    values = _Values.of(run(network, interface, [batch])[0] for batch in batches)
    if values.low >= 0 and min(float(exact.min()) for exact in reference) >= 0:
        raise ContractError(
            "image",
            "numbers in [-1, 1]",
            f"no negative number in {_SAMPLES} images, as from a sigmoid",
            "If the images are in [0, 1], give the Interface image_range='unit'.",
        )
    if values.are_unit:
        warnings.warn(
            f"{_SAMPLES} images have numbers from {values.low:.2g} to {values.high:.2g}, at least "
            f"99 % of them above {_OVERSHOOT:g}. If the images are in [0, 1], give the Interface "
            "image_range='unit'. If they are bright, this is correct.",
            GanportWarning,
            stacklevel=3,
        )
