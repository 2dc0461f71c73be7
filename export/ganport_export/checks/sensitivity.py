"""Check 4: the first input and every condition group change the output.

A network that ignores its condition passes every parity check; this check finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.artifact import Runner, run_chunked
from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.test_inputs import InputBatch, first_inputs, values_to_try
from ganport_runtime.noise import seed_range

FACTOR = 20.0
"""Required change of the output, as a multiple of the error limit."""
_SEEDS = 4
_DESCRIPTIONS = {"z": "its noise", "image_in": "the input image"}


def measure_sensitivity(runner: Runner, interface: Interface) -> dict[str, float]:
    """Return the largest change of the float output by input: the first one, then every group.

    A group with a single value is left out.
    """
    conditions = interface.conditions
    first = first_inputs(interface, seed_range(0, _SEEDS))

    def spread(inputs: NDArray[Any], condition: NDArray[Any]) -> float:
        named = {interface.input_name: inputs}
        named |= {"condition": condition} if conditions.size else {}
        outputs = run_chunked(runner, InputBatch(named))
        return float((outputs.max(axis=0) - outputs.min(axis=0)).max())

    moved = {interface.input_name: spread(first, np.stack([conditions.encode()] * _SEEDS))}
    for name, group in conditions.fields.items():
        vectors = conditions.encode_many([{name: value} for value in values_to_try(group)])
        count = len(vectors)
        if count > 1:
            moved[name] = max(spread(np.stack([row] * count), vectors) for row in first[:2])
    return moved


def check_sensitivity(
    moved: Mapping[str, float], required: float, network: str = "generator"
) -> None:
    """Raise ContractError for an input that changes the output by less than `required`."""
    for name, distance in moved.items():
        if not distance >= required:
            ignored = _DESCRIPTIONS.get(name, f"its condition {name!r}")
            raise ContractError(
                f"input {name!r}",
                f"a change of the output by at least {required:.1e}",
                f"a change of {distance:.1e}: the {network} ignores {ignored}",
                "Train longer or with a stronger condition. --allow-insensitive exports the "
                "network nevertheless and records this in the manifest.",
            )
