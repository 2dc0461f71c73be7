"""How a method runs its networks: as they are, through torch.compile, or as CUDA graphs."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ganport_models import Discriminator, Generator
from ganport_runtime.errors import GanportError
from ganport_train.backend.distributed import Processes
from ganport_train.config.parsing import RecipeError

NONE, NETWORKS, GRAPHS = "none", "networks", "graphs"
_OPTION = "training.compile"
_VARIANTS = 64
_DRAWING = ("forward",)
_JUDGING = ("embed", "score", "score_and_classify")

N = TypeVar("N", Generator, Discriminator)
Figures = dict[str, Tensor]


class CompileError(GanportError):
    """A machine on which torch.compile cannot make code."""


@dataclass(frozen=True)
class Passes:
    """The two networks of an adversarial method, as its steps run them.

    Compiled ones are twins made of the very parameters and parts of the networks. Those stay what
    they were, so that checkpoints, average and export see no other names, and penalties find a
    network that can be differentiated twice: compiled code cannot.
    """

    generator: Generator
    discriminator: Discriminator
    graphs: bool = False
    """Whether passes are captured in CUDA graphs, which write where the step before wrote."""

    def begin(self) -> None:
        """Begins a step: what passes of the one before gave may be written over from here on."""
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]

    def kept(self, figures: Figures) -> Figures:
        """Figures of a step that outlive it, whatever of them a pass gave."""
        if not self.graphs:
            return figures
        return {name: figure.clone() for name, figure in figures.items()}

    def compiled(self, how: str, processes: Processes) -> Passes:
        """The same networks, run as `training.compile` has it; compiled when they first run.

        Raises RecipeError where it does not go with the device or with several processes, and
        CompileError on a machine that lacks what it takes.
        """
        if how == NONE:
            return self
        device = next(self.generator.parameters()).device
        _check(how, device, processes)
        _prepare()
        graphs = how == GRAPHS
        return Passes(
            _twin(self.generator, _DRAWING, graphs),
            _twin(self.discriminator, _JUDGING, graphs),
            graphs,
        )


def refuse(how: str) -> None:
    """Raises RecipeError unless networks run as they are, for a method that knows no other way."""
    if how != NONE:
        raise RecipeError(
            _OPTION,
            expected=f"{NONE}, unless method.name = adversarial",
            found=how,
            fix=f"Set {_OPTION}={NONE}.",
        )


def _twin(network: N, passes: tuple[str, ...], graphs: bool) -> N:
    twin = copy.copy(network)  # shallow: parameters, buffers and parts are those of the network
    for name in passes:
        # Every shape by itself: batches are all of one size, or of two.
        compiled = torch.compile(
            getattr(network, name), dynamic=False, mode="reduce-overhead" if graphs else None
        )
        setattr(twin, name, compiled)
    return twin


def _check(how: str, device: torch.device, processes: Processes) -> None:
    if processes.count > 1:
        raise RecipeError(
            _OPTION,
            expected=f"{NONE} where several processes share a run",
            found=f"{how}, and {processes.count} processes",
            fix=f"Set {_OPTION}={NONE} in a new run, or start one process.",
        )
    if how == GRAPHS and device.type != "cuda":
        raise RecipeError(
            _OPTION,
            expected=f"a CUDA device for {GRAPHS}",
            found=device.type,
            fix=f"Use --device cuda, or set {_OPTION}={NETWORKS} or {NONE} in a new run.",
        )
    _try_out(device)


def _prepare() -> None:
    # Torch's own tracing looks for gradients at what a pass hands to the next.
    warnings.filterwarnings("ignore", r"The \.grad attribute of a Tensor that is not a leaf")
    # Runs of one process share the code of their networks and so the count of its variants, past
    # which the rest would run as it is: three a run, but eight in all.
    torch._dynamo.config.recompile_limit = _VARIANTS


def _try_out(device: torch.device) -> None:
    """Compiles a sum, anew: no cache may hide that the compiler of an earlier run is gone."""
    try:
        probe = torch.compile(_sum, options={"force_disable_caches": True})
        probe(torch.ones(8, device=device))
    except Exception as error:  # torch has no class in common for what may be missing
        lines = [line for line in str(error).splitlines() if line.strip()]
        wanted = "Triton" if device.type == "cuda" else "a C++ compiler, such as g++ or clang++"
        raise CompileError(
            _OPTION,
            expected=f"a machine with {wanted}",
            found=lines[0][:200] if lines else type(error).__name__,
            fix=f"Install it (CXX names another), or set {_OPTION}={NONE}.",
        ) from None


def _sum(numbers: Tensor) -> Tensor:
    return (numbers + 1).sum()
