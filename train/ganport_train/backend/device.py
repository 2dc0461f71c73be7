"""Devices: selection, precision, memory, the errors of a device, and compiled networks.

Networks run eager, through torch.compile, or as CUDA graphs.
"""

from __future__ import annotations

import copy
import re
import sys
import warnings
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ganport_models import Discriminator, Generator
from ganport_runtime.errors import DeviceError, GanportError
from ganport_train.config.parsing import RecipeError

GIB = 2**30
_DEVICE_ERRORS = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "HIP error")
# torch has no exception class for CPU memory or for the memory of a GPU library.
_MEMORY_ERRORS = ("DefaultCPUAllocator", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")


def resolve_device(name: str) -> torch.device:
    """Return the device of `auto`, `cpu` or `cuda[:n]`.

    Raise DeviceError for another name, and for a named device that torch cannot use.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise DeviceError("--device", "auto, cpu, cuda or cuda:N", name, "Use one of them.")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= count:
        raise DeviceError(
            f"--device {name}",
            expected="a CUDA device that torch can use",
            found=f"{count} CUDA devices",
            fix="Use --device cpu, or repair the driver (nvidia-smi shows its state).",
        )
    return device


def random_stream(seed: int, stream: int, index: int) -> np.random.Generator:
    """Return independent random numbers for one epoch or step (Philox: Salmon et al. 2011).

    They are a function of (`seed`, `stream`, `index`) alone, so a resumed run repeats them.
    """
    return np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, stream]))


def enable_determinism() -> None:
    """Restrict cuDNN to deterministic algorithms in full precision, so that a run is exact.

    By default torch computes float32 convolutions in TF32, with 10 bits of fraction. The inverse of
    a flow, and the second derivatives of gradient penalties, need 23.
    """
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False


def resolve_precision(requested: str, device: torch.device) -> str:
    """Return `fp32` or `bf16`; `auto` is bf16 on a device with bf16 instructions."""
    if requested != "auto":
        return requested
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # torch before 2.12 cannot list the instructions of a CPU. fp32 is always correct.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    has_bf16 = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bf16" if has_bf16 else "fp32"


def peak_memory_gib(device: torch.device) -> float:
    """Return the peak memory of this process on the device in GiB; 0 if it is unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    if sys.platform == "win32":
        return 0.0
    import resource  # exists on Unix only

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error reports that a device or the machine is out of memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(text in str(error) for text in _MEMORY_ERRORS)


def is_device_lost(error: Exception) -> bool:
    """Return whether an error reports a GPU that this process can no longer use.

    A failed assertion of a kernel is a fault of the code, not of the device.
    """
    text = str(error)
    is_device_error = isinstance(error, torch.AcceleratorError) or any(
        known in text for known in _DEVICE_ERRORS
    )
    return is_device_error and "device-side assert" not in text


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
