"""A network made ready: checked, copied, folded, and measured against itself in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from ganport_export.checks.parity import error_of, limit_of
from ganport_export.checks.pixel_diff import check_range
from ganport_export.execution import Outputs, run_reference, run_watched
from ganport_export.interface import Interface
from ganport_export.preflight import inspect
from ganport_export.test_inputs import Sample, samples
from ganport_export.transforms.parametrizations import detached_copy, fold


@dataclass(frozen=True)
class Prepared:
    """A network with plain weights and everything its graph will be measured by."""

    network: nn.Module
    interface: Interface
    samples: tuple[Sample, ...]
    reference: Outputs
    """float64 outputs of the samples."""
    own_error: float
    """Distance of torch float32, as the network came, from the reference."""
    limit: float
    """The error a graph may have."""
    clipped: float
    """Share of a picture's numbers that lie outside [-1, 1]."""
    folded: tuple[str, ...]
    """Paths of the tensors whose norm was folded."""


def prepare(module: nn.Module, interface: Interface, image: str) -> Prepared:
    """Make a copy of `module` ready for export; `module` itself is left as it is.

    Raises ContractError for a network that is not ready, and ParityError for one whose float32
    outputs are too far from float64.
    """
    inspect(module)
    network = detached_copy(module)
    batches = samples(interface)
    own = run_watched(network, interface, batches)  # before folding, so that folding is measured
    folded = fold(network)
    reference = run_reference(network, interface, batches)
    own_error = error_of(own, reference)
    picture = interface.output == "image"
    largest = 1.0 if picture else max(float(np.abs(exact).max()) for exact in reference)
    return Prepared(
        network,
        interface,
        batches,
        reference,
        own_error,
        limit_of(own_error, largest),
        check_range(reference, image) if picture else 0.0,
        tuple(folded),
    )
