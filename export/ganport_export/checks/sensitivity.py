"""Gate 4: the output answers to what comes in and to every condition group.

A network that ignores its condition passes every parity test; this is the gate it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.runners import Player, play_in_parts
from ganport_export.test_inputs import Sample, sources, values
from ganport_runtime.noise import seed_range

FACTOR = 20.0
_SEEDS = 4


_IGNORED = {"z": "its noise", "image_in": "the picture"}


def measure_sensitivity(player: Player, interface: Interface) -> dict[str, float]:
    """How far each input moves the float output: what comes in, and every group by its name.

    The largest change of any number. A group of a single value is left out.
    """
    first = interface.first
    given = sources(interface, seed_range(0, _SEEDS))
    conditions = interface.conditions

    def spread(given: NDArray[Any], condition: NDArray[Any]) -> float:
        inputs = {first: given} | ({"condition": condition} if conditions.size else {})
        outputs = play_in_parts(player, Sample(inputs))
        return float((outputs.max(axis=0) - outputs.min(axis=0)).max())

    moved = {first: spread(given, np.stack([conditions.encode()] * _SEEDS))}
    for name, field in conditions.fields.items():
        asked = conditions.encode_many([{name: value} for value in values(field)])
        if len(asked) > 1:
            moved[name] = max(spread(np.stack([one] * len(asked)), asked) for one in given[:2])
    return moved


def check_sensitivity(moved: Mapping[str, float], limit: float, network: str = "generator") -> None:
    """Refuse an input that moves the output less than 20 times `limit`; raises ContractError."""
    least = FACTOR * limit
    for name, distance in moved.items():
        if not distance >= least:
            what = _IGNORED.get(name, f"its condition {name!r}")
            raise ContractError(
                f"input {name!r}",
                expected=f"an output that it moves by at least {least:.1e}",
                found=f"a change of {distance:.1e}: the {network} ignores {what}",
                fix="Train longer or with a stronger condition; --allow-insensitive exports it "
                "all the same, and the manifest says so.",
            )
