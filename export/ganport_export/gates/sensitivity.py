"""Gate 4: the picture answers to the noise and to every condition group.

A network that ignores its condition passes every parity test; this is the gate it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.artifact import Player, play_in_parts
from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.samples import Sample, values
from ganport_runtime.noise import consecutive, normals

FACTOR = 20.0
_SEEDS = 4


def measure_sensitivity(player: Player, interface: Interface) -> dict[str, float]:
    """How far each input moves the float picture: "z", and every group a request can name.

    The largest change of any pixel, on the scale [-1, 1]. A group of a single value is left out.
    """
    noise = normals(consecutive(0, _SEEDS), interface.z)
    conditions = interface.conditions
    moved = {"z": _spread(player, noise, np.stack([conditions.encode()] * _SEEDS))}
    for name, field in conditions.fields.items():
        asked = conditions.encode_many([{name: value} for value in values(field)])
        if len(asked) > 1:
            moved[name] = max(_spread(player, np.stack([z] * len(asked)), asked) for z in noise[:2])
    return moved


def check_sensitivity(moved: Mapping[str, float], limit: float) -> None:
    """Refuse an input that moves the picture less than 20 times `limit`; raises ContractError."""
    least = FACTOR * limit
    for name, distance in moved.items():
        if not distance >= least:
            what = "its noise" if name == "z" else f"its condition {name!r}"
            raise ContractError(
                f"input {name!r}",
                expected=f"a picture that it moves by at least {least:.1e}",
                found=f"a change of {distance:.1e}: the generator ignores {what}",
                fix="Train longer or with a stronger condition; --allow-insensitive exports it "
                "all the same, and the manifest says so.",
            )


def _spread(player: Player, noise: NDArray[Any], condition: NDArray[Any]) -> float:
    inputs = {"z": noise} | ({"condition": condition} if condition.shape[1] else {})
    images = play_in_parts(player, Sample(inputs))
    return float((images.max(axis=0) - images.min(axis=0)).max())
