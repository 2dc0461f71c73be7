"""Networks that run eager, through torch.compile, or as CUDA graphs."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ganport_models import Discriminator, Generator
from ganport_runtime.errors import GanportError
from ganport_train.config.parsing import RecipeError

NONE, NETWORKS, GRAPHS = "none", "networks", "graphs"
_OPTION = "training.compile"
_RECOMPILE_LIMIT = 64
_GENERATOR_METHODS = ("forward",)
_DISCRIMINATOR_METHODS = ("embed", "score", "score_and_classify")

N = TypeVar("N", Generator, Discriminator)


class CompileError(GanportError):
    """A machine without the compiler that torch.compile needs."""


@dataclass(frozen=True)
class CompiledNetworks:
    """The two networks of an adversarial method, eager or compiled.

    Compiled networks share the parameters and layers of the originals. The originals stay eager:
    checkpoints, EMA and export keep their parameter names, and gradient penalties need a network
    that is differentiable twice, which compiled code is not.
    """

    generator: Generator
    discriminator: Discriminator
    uses_graphs: bool = False
    """Whether CUDA graphs run, whose outputs the next step overwrites."""

    def mark_step(self) -> None:
        """Mark the start of a step; CUDA graphs may overwrite the outputs of the last one."""
        if self.uses_graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]

    def clone_outputs(self, metrics: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return metrics of a step that stay valid in the next step."""
        if not self.uses_graphs:
            return metrics
        return {name: value.clone() for name, value in metrics.items()}

    def compile(self, mode: str, world_size: int) -> CompiledNetworks:
        """Return the networks in a mode of `training.compile`; compilation follows at first use.

        Raise RecipeError for a mode that the device or several processes do not allow, and
        CompileError for a machine without a compiler.
        """
        if mode == NONE:
            return self
        device = next(self.generator.parameters()).device
        _check_mode(mode, device, world_size)
        _configure_dynamo()
        uses_graphs = mode == GRAPHS
        return CompiledNetworks(
            _compile_methods(self.generator, _GENERATOR_METHODS, uses_graphs),
            _compile_methods(self.discriminator, _DISCRIMINATOR_METHODS, uses_graphs),
            uses_graphs,
        )


def reject_compile(mode: str) -> None:
    """Raise RecipeError for a mode other than `none`, for methods that run eager only."""
    if mode != NONE:
        raise RecipeError(
            _OPTION,
            expected=f"{NONE}, unless method.name = adversarial",
            found=mode,
            fix=f"Set {_OPTION}={NONE}.",
        )


def _compile_methods(network: N, methods: tuple[str, ...], uses_graphs: bool) -> N:
    compiled = copy.copy(network)  # a shallow copy shares parameters, buffers and layers
    for name in methods:
        # Static shapes: batches have one or two sizes.
        function = torch.compile(
            getattr(network, name), dynamic=False, mode="reduce-overhead" if uses_graphs else None
        )
        setattr(compiled, name, function)
    return compiled


def _check_mode(mode: str, device: torch.device, world_size: int) -> None:
    if world_size > 1:
        raise RecipeError(
            _OPTION,
            expected=f"{NONE} for a run of several processes",
            found=f"{mode}, and {world_size} processes",
            fix=f"Set {_OPTION}={NONE} in a new run, or start one process.",
        )
    if mode == GRAPHS and device.type != "cuda":
        raise RecipeError(
            _OPTION,
            expected=f"a CUDA device for {GRAPHS}",
            found=device.type,
            fix=f"Use --device cuda, or set {_OPTION}={NETWORKS} or {NONE} in a new run.",
        )
    _check_compiler(device)


def _configure_dynamo() -> None:
    # Tracing reads .grad of intermediate tensors and triggers this warning.
    warnings.filterwarnings("ignore", r"The \.grad attribute of a Tensor that is not a leaf")
    # Dynamo's recompile limit is process-wide, and beyond it networks run eager. One run needs
    # three variants; the default of 8 is too low for several runs in a process.
    torch._dynamo.config.recompile_limit = _RECOMPILE_LIMIT


def _check_compiler(device: torch.device) -> None:
    """Compile a sum without caches, since a cache would hide a missing compiler."""
    try:
        probe = torch.compile(_sum, options={"force_disable_caches": True})
        probe(torch.ones(8, device=device))
    except Exception as error:  # torch has no common exception class for these failures
        lines = [line for line in str(error).splitlines() if line.strip()]
        compiler = "Triton" if device.type == "cuda" else "a C++ compiler, such as g++ or clang++"
        raise CompileError(
            _OPTION,
            expected=f"a machine with {compiler}",
            found=lines[0][:200] if lines else type(error).__name__,
            fix=f"Install it (CXX names another one), or set {_OPTION}={NONE}.",
        ) from None


def _sum(numbers: Tensor) -> Tensor:
    return (numbers + 1).sum()
