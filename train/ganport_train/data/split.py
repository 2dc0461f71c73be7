"""Which pictures training sees and which it never does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_train.data.issues import DataError

Indices = NDArray[np.int64]


def split(keys: NDArray[np.uint64], held_out: float) -> tuple[Indices, Indices]:
    """The (training, held-out) indices, both rising, for the families' uint64 (N,) `keys`.

    A family is held out when its key lies in the lowest `held_out` of all keys there could be,
    so a picture's side does not depend on what else is in the set. Only if one side would be
    empty is the nearest family moved there. Raises `DataError` for a share outside [0, 1).
    """
    if not 0 <= held_out < 1:
        raise DataError(
            "held_out",
            expected="a share of the pictures, at least 0 and below 1",
            found=f"{held_out}",
            fix="Write 0.05 for five in a hundred.",
        )
    held = keys.astype(np.float64) < held_out * 2.0**64
    if held_out > 0 and keys.min(initial=_TOP) != keys.max(initial=0):
        held |= keys == keys.min()
        held &= keys != keys.max()
    return np.flatnonzero(~held), np.flatnonzero(held)


_TOP = np.uint64(np.iinfo(np.uint64).max)
