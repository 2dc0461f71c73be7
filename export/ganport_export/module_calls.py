"""Calls of the modules inside a network, and the first module that fixes the batch size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from ganport_export.adapter import unwrap
from ganport_export.diagnosis import failing_module
from ganport_export.test_inputs import InputBatch


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module of the network; the network itself has the path ""."""

    path: str
    module: nn.Module
    inputs: tuple[Any, ...]
    output: Tensor


IsFixed = Callable[[ModuleCall, ModuleCall], bool]
"""Whether a module that is captured on its first call cannot run the inputs of its second."""


def record_calls(network: nn.Module, batch: InputBatch) -> list[ModuleCall]:
    """Return the modules that run once and return a tensor, in the order in which they end."""
    names = {part: path for path, part in unwrap(network).named_modules()}
    calls: list[ModuleCall] = []

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        if module in names and isinstance(output, Tensor):
            calls.append(ModuleCall(names[module], module, inputs, output.detach().clone()))

    with torch.no_grad(), register_module_forward_hook(record):
        network(*batch.tensors())
    paths = [call.path for call in calls]
    return [call for call in calls if paths.count(call.path) == 1]


def find_fixed_batch(network: nn.Module, example: InputBatch, is_fixed: IsFixed) -> str:
    """Return `module 'path'` of the first one that works only for the batch size of `example`.

    The network itself is named by its class. Returns "" if no module does so by itself.
    """
    doubled = {name: np.concatenate([array] * 2) for name, array in example.inputs.items()}
    try:
        larger = {call.path: call for call in record_calls(network, InputBatch(doubled))}
    except Exception as error:  # a user's forward may raise anything
        return failing_module(network, error)
    for call in record_calls(network, example):
        is_own = not type(call.module).__module__.startswith("torch.nn.")  # layers take any batch
        if is_own and call.inputs and call.path in larger and is_fixed(call, larger[call.path]):
            return f"module {call.path or type(call.module).__name__!r}"
    return ""
