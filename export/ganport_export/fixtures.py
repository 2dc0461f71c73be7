"""Recorded inputs and outputs, by which anyone can check a graph later, on any player."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray

from ganport_export.runners import Artifact
from ganport_export.test_inputs import FIXTURE_BATCHES, samples

FILE = "fixtures.safetensors"


def record(artifacts: Sequence[Artifact]) -> bytes:
    """A safetensors file of `<graph path>/n<N>/<tensor>` for every graph, N = 1 and 3.

    z is the runtime's noise of the seeds 0, 1, 2 and 3, in this order; pictures that come in are
    those that `samples.sources` makes of these seeds.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for artifact in artifacts:
        player = list(artifact.shipped.values())[-1]  # optimised, as a runtime would play it
        for sample in samples(artifact.interface, FIXTURE_BATCHES):
            named = sample.inputs | {artifact.interface.output: player(sample)}
            prefix = f"{artifact.path}/n{len(sample)}"
            tensors |= {f"{prefix}/{name}": array for name, array in named.items()}
    data: bytes = safetensors.numpy.save(tensors)
    return data
