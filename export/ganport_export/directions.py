"""directions.safetensors: where in the noise of a flow each of its attributes lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from ganport_export.errors import OptionError
from ganport_export.interface import Interface, is_line

_MAX_NAME = 300


def write_directions(directions: Mapping[str, NDArray[Any]], interface: Interface) -> bytes:
    """The file of latent directions by name (`group/label`), each float32 of the shape of z.

    Raises OptionError for a name, type or shape that does not fit, and for NaN and infinities.
    """
    for name, direction in directions.items():
        _demand(is_line(name, _MAX_NAME), f"names of 1 to {_MAX_NAME} letters", repr(name))
        fits = direction.dtype == np.float32 and direction.shape == interface.z
        found = f"{direction.dtype} of shape {direction.shape} for {name}"
        _demand(fits, f"float32 of shape {interface.z}", found)
        _demand(np.isfinite(direction).all(), "finite numbers", f"NaN or infinity in {name}")
    data: bytes = safetensors.numpy.save(
        {name: np.ascontiguousarray(directions[name]) for name in sorted(directions)}
    )
    return data


def _demand(holds: object, expected: str, found: str) -> None:
    if not holds:
        raise OptionError(
            "directions",
            expected=expected,
            found=found,
            fix="Give directions in the noise of this network, or none.",
        )
