"""Check 5, before anything runs: the network is in eval mode, initialized and finite.

`prepare` runs this check and then makes the input of an export.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin

from ganport_export.adapter import adapt, unwrap
from ganport_export.artifact import ExportInput
from ganport_export.checks.image_range import check_usual_range
from ganport_export.checks.parameters import check_parameter_order, warn_of_unclear_order
from ganport_export.checks.parity import error_limit, max_error
from ganport_export.checks.pixel_diff import check_range
from ganport_export.errors import ContractError
from ganport_export.execution import run_checked, run_reference
from ganport_export.interface import Interface
from ganport_export.test_inputs import make_batches
from ganport_export.transforms.noise_lifting import NoiseMap, lift
from ganport_export.transforms.parametrizations import INIT_FLAGS, detached_copy, fold
from ganport_export.transforms.rewrites import rewrite
from ganport_models import Generator


def prepare(
    module: nn.Module, interface: Interface, image: str, *, lift_noise: bool = False
) -> ExportInput:
    """Return a copy of `module` that is ready for export; `module` is not changed.

    With `lift_noise` the interface of the result has a larger z. Raises ContractError for a network
    that is not ready, and ParityError if its float32 outputs differ too much from float64.
    """
    preflight(module)
    check_parameter_order(module, interface)
    copied, stated = detached_copy(module), interface
    network = adapt(copied, interface)
    maps: list[NoiseMap] = []
    if lift_noise:
        network, interface, maps = lift(network, interface)
    batches = make_batches(interface)
    # Rewriting and folding come after this run, so that `own_error` includes their error.
    outputs = run_checked(network, interface, batches)
    warn_of_unclear_order(module, copied, stated)
    network = rewrite(network, interface)
    folded = fold(copied)
    reference = run_reference(network, interface, batches)
    own_error = max_error(outputs, reference)
    is_image = interface.output_name == "image"
    largest = 1.0 if is_image else max(float(np.abs(exact).max()) for exact in reference)
    limit = error_limit(own_error, largest)
    clipped = check_range(reference, image) if is_image else 0.0
    if is_image and not isinstance(unwrap(module), Generator):  # our class states its range
        check_usual_range(network, interface, reference)
    return ExportInput(
        network,
        interface,
        batches,
        reference,
        own_error,
        limit,
        clipped,
        tuple(folded),
        tuple(map(str, maps)),
    )


def preflight(module: nn.Module) -> None:
    """Raise ContractError, with the path of the module, for a network that is not ready.

    The reasons are: training mode, layers that never saw data, batch norm without running
    statistics, script modules, and weights that are not finite.
    """
    for path, part in module.named_modules():
        place = f"module {path or type(module).__name__!r}"
        if isinstance(part, torch.jit.ScriptModule):
            fix = "Use the module that it was traced or scripted from."
            raise ContractError(place, "a module of Python code", "a script module", fix)
        _check_initialized(place, part)
        _check_weights(place, part)
        if part.training:
            found = f"{type(part).__name__} in training mode"
            fix = "Call .eval() on the whole network before the export."
            raise ContractError(place, "a network in eval mode", found, fix)
        if isinstance(part, _BatchNorm) and part.running_mean is None:
            raise ContractError(
                place,
                "batch norm with running statistics",
                f"{type(part).__name__} that uses the statistics of each batch, so that an image "
                "depends on the rest of its batch",
                "Train with track_running_stats=True, or use instance norm.",
            )


def _check_initialized(place: str, part: nn.Module) -> None:
    found = ""
    if isinstance(part, LazyModuleMixin) and part.has_uninitialized_params():
        found = "parameters without a shape"
    for name in INIT_FLAGS:
        flag = getattr(part, name, None)
        is_flag = isinstance(flag, bool | int) or (isinstance(flag, Tensor) and flag.numel() == 1)
        if is_flag and not found:
            found = "" if bool(flag) else f"{name} = {bool(flag)}"
            break
    if found:
        expected = f"an initialized {type(part).__name__}"
        fix = "Run one batch of training data through the network, or load trained weights."
        raise ContractError(place, expected, found, fix)


def _check_weights(place: str, part: nn.Module) -> None:
    tensors: list[tuple[str, Tensor]] = [
        *part.named_parameters(recurse=False),
        *part.named_buffers(recurse=False),
    ]
    for name, tensor in tensors:
        at = f"{place}, tensor {name!r}"
        if tensor.is_meta:
            fix = "Call .to_empty(device='cpu') on the whole network, then load_state_dict."
            raise ContractError(at, "loaded weights", "no storage (meta device)", fix)
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            fix = "Use an earlier checkpoint, from before the training diverged."
            raise ContractError(at, "finite weights", "NaN or infinite numbers", fix)
