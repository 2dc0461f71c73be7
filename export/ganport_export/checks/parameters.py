"""Check 5, the parameters of `forward`: their names, and whether their order is clear."""

from __future__ import annotations

import inspect
import re
import warnings
from dataclasses import replace

from torch import nn

from ganport_export.adapter import adapt
from ganport_export.errors import ContractError
from ganport_export.execution import run
from ganport_export.interface import Interface
from ganport_export.test_inputs import make_batch
from ganport_runtime.errors import GanportWarning

_CONDITION_WORDS = frozenset(
    (
        *("attr", "attribute", "attributes", "attrs", "c", "class", "classes", "cls", "cond"),
        *("condition", "conditions", "label", "labels", "tag", "tags", "target", "y"),
    )
)
_SOURCE_WORDS = frozenset(
    (
        *("eps", "image", "images", "img", "input", "inputs", "latent", "latents", "noise"),
        *("source", "src", "x", "z"),
    )
)
"""Words in the names of parameters that take a condition, and noise or images."""


def check_parameter_order(module: nn.Module, interface: Interface) -> None:
    """Raise ContractError for a `forward` that takes the other order, or any number of tensors.

    The names of its parameters state the order. Inputs of equal size would be exchanged without any
    error. An interface with `arguments` states the order itself.
    """
    parameters = _parameters(module)
    if interface.arguments or parameters is None:
        return
    place, order = f"forward of {type(module).__name__}", ", ".join(interface.inputs)
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        names = [repr(name) for name in interface.inputs]
        tuple_text = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        fix = f"State the order in the Interface, for example arguments={tuple_text}."
        raise ContractError(place, f"the parameters {order}", "parameters without names", fix)
    names = [parameter.name for parameter in parameters[:2]]
    is_condition, is_source = _meanings(names)
    if len(interface.inputs) == 2 and is_condition[:1] == [True] and is_source[1:] == [True]:
        raise ContractError(
            place,
            f"the parameters {order}",
            f"{names[0]}, {names[1]}",
            f"Say so in the Interface: arguments=('condition', {interface.input_name!r}).",
        )


def warn_of_unclear_order(module: nn.Module, copied: nn.Module, interface: Interface) -> None:
    """Warn if neither the names of two parameters nor the sizes of the inputs state the order.

    `copied` is a copy of `module` that is ready to run.
    """
    parameters = _parameters(module)
    if interface.arguments or parameters is None or len(interface.inputs) != 2:
        return
    names = [parameter.name for parameter in parameters[:2]]
    is_condition, is_source = _meanings(names)
    if len(names) < 2 or is_source[0] or is_condition[1]:
        return
    first, second = interface.inputs
    exchanged = replace(interface, arguments=(second, first))
    try:
        run(adapt(copied, exchanged), exchanged, [make_batch(exchanged, 2)])
    except ContractError:  # only one order runs
        return
    warnings.warn(
        f"forward of {type(module).__name__} gets {first} as {names[0]!r} and the {second} as "
        f"{names[1]!r}, and it also runs with the two exchanged. If that is the right order, give "
        f"the Interface arguments={(second, first)}; if not, arguments={(first, second)}.",
        GanportWarning,
        stacklevel=4,
    )


def _parameters(module: nn.Module) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):  # a forward that is not written in Python
        return None


def _meanings(names: list[str]) -> tuple[list[bool], list[bool]]:
    """Return for each name whether it is one of a condition, and one of noise or images."""
    words = [set(re.split(r"[_\d]+", name.lower())) for name in names]
    is_condition, is_source = (
        [not known.isdisjoint(parts) for parts in words]
        for known in (_CONDITION_WORDS, _SOURCE_WORDS)
    )
    return is_condition, is_source
