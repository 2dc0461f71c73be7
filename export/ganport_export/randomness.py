"""Random numbers inside a network: which operator draws them, in which module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganport_export.adapter import unwrap
from ganport_export.errors import ContractError


def random_error(operator: str, path: str) -> ContractError:
    """Return the error of a network that draws random numbers."""
    normal = any(name in operator for name in ("randn", "normal"))
    lifted = "Call export(..., lift_noise=True) to make it a part of z" if normal else ""
    return ContractError(
        f"module {path!r}",
        "an output that depends only on the inputs",
        f"{operator}, which is random",
        f"{lifted or 'Take noise as an input (make z larger and split it)'}. Use dropout only in "
        "training.",
    )


@contextmanager
def running_module(network: nn.Module) -> Iterator[list[str]]:
    """Yield a list that ends with the path of the module that runs."""
    root = unwrap(network)
    paths = [type(root).__name__]
    handles = []

    def leave(*_: Any) -> None:
        paths.pop()

    for path, part in root.named_modules():
        name = path or type(root).__name__
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: paths.append(name)))
        handles.append(part.register_forward_hook(leave, always_call=True))
    try:
        yield paths
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def record_random_operators(network: nn.Module) -> Iterator[list[tuple[str, str]]]:
    """Record (operator, module path) of every operator that reads a random generator."""
    with running_module(network) as paths, _RandomOperatorMode(paths) as recorder:
        yield recorder.found


class _RandomOperatorMode(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Records every random operator with the path of the running module."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.paths = paths
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # Fused attention has the tag because of its dropout, which is off in eval mode.
        if torch.Tag.nondeterministic_seeded in func.tags and "attention" not in str(func):
            self.found.append((str(func).removesuffix(".default"), self.paths[-1]))
        return func(*args, **(kwargs or {}))
