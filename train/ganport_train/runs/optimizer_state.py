"""Saved optimizer states: read a file, and match it to the optimizers of a run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganport_models import CheckpointError
from ganport_models.checkpoint import check_tensors
from ganport_runtime.values import sanitize

WHAT = "the training state of this recipe"
FIX = "Remove its folder to continue from an earlier checkpoint, or start a new run with --out."
_STEP = "step"
_STATE_NAMES = {
    torch.optim.Adam: (_STEP, "exp_avg", "exp_avg_sq"),
    torch.optim.AdamW: (_STEP, "exp_avg", "exp_avg_sq"),
    torch.optim.RMSprop: (_STEP, "square_avg"),
    torch.optim.SGD: ("momentum_buffer",),
}
"""Tensors that an optimizer keeps for a parameter: the step, and others in its shape."""
_SECOND_MOMENTS = ("exp_avg_sq", "square_avg")


def read_optimizers(path: Path) -> Mapping[str, Any]:
    """Return the saved state of each optimizer; raise CheckpointError for another file."""
    try:
        states = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # its text advises to load the file nevertheless
        raise CheckpointError.corrupt(path, "objects other than tensors") from None
    except Exception as error:  # the unpickler lets exceptions of every type through
        raise CheckpointError.corrupt(path, " ".join(str(error).split())[:200]) from None
    if not isinstance(states, dict):
        raise CheckpointError.corrupt(path, f"a {type(states).__name__}")
    return states


def match_optimizer(
    optimizer: torch.optim.Optimizer, saved: Any, name: str, path: Path, *, is_trained: bool
) -> dict[str, Any]:
    """Return a saved state in the memory layout of the parameters; raise CheckpointError.

    The options, such as betas, come from the recipe. Fused optimizers write through the pointer of
    a tensor, so a state of another layout, such as an expanded tensor, would corrupt the heap.
    `is_trained` states that the optimizer has made a step. It then has a state for every parameter
    that is not frozen, since every network uses all its parameters in each step.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    try:
        states = {key: state for key, state in saved["state"].items() if state}
        found = {f"{name}/{i}/{key}": v for i, state in states.items() for key, v in state.items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise CheckpointError.corrupt(path, f"{name}: no optimizer state ({error})") from None
    expected = {
        f"{name}/{i}/{key}": torch.zeros(()) if key == _STEP else parameter
        for i, parameter in enumerate(parameters)
        if i in states or (is_trained and parameter.requires_grad)
        for key in _kept_names(optimizer, has_state=i in states)
    }
    check_tensors(path, found, expected, WHAT, FIX)
    _check_values(path, found)
    with torch.no_grad():
        state = {
            i: {key: _in_layout(value, parameters[i], key) for key, value in values.items()}
            for i, values in states.items()
        }
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}


def check_networks(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError for a negative counter or running variance of a network."""
    for name, value in tensors.items():
        if value.dtype == torch.int64 and value.ndim == 0:
            _check_not_negative(path, name, value, "a count of at least 0")
        elif name.endswith("running_var"):
            _check_not_negative(path, name, value, "variances of at least 0")


def _kept_names(optimizer: torch.optim.Optimizer, *, has_state: bool) -> Sequence[str]:
    """Return the names in the state of a parameter; SGD keeps none without momentum."""
    is_sgd = isinstance(optimizer, torch.optim.SGD)
    if is_sgd and not has_state and not optimizer.defaults["momentum"]:
        return ()
    return _STATE_NAMES[type(optimizer)]


def _check_values(path: Path, found: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError for steps and second moments that no optimizer writes.

    The root of a negative second moment is NaN, which would end the run at its next step.
    """
    for name, value in found.items():
        key = name.rpartition("/")[2]
        if key == _STEP and not (value >= 1 and value == value.round()):
            raise _value_error(path, name, "a whole number of at least 1", value)
        if key in _SECOND_MOMENTS:
            _check_not_negative(path, name, value, "second moments of at least 0")


def _check_not_negative(path: Path, name: str, value: Tensor, expected: str) -> None:
    if bool((value < 0).any()):
        raise _value_error(path, name, expected, value.min())


def _value_error(path: Path, name: str, expected: str, value: Tensor) -> CheckpointError:
    return CheckpointError(str(path), expected, f"{sanitize(name)} of {value.item():g}", FIX)


def _in_layout(value: Tensor, parameter: Tensor, key: str) -> Tensor:
    return value if key == _STEP else torch.empty_like(parameter, device="cpu").copy_(value)
