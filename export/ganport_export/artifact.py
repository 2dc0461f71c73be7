"""Graph files in memory, and the runners that execute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganport_export.errors import ContractError, ParityError, UnsupportedError
from ganport_export.execution import Outputs, cast_copy, run_cast
from ganport_export.interface import Interface
from ganport_export.test_inputs import InputBatch
from ganport_runtime.bundle.manifest import GraphFile

Runner = Callable[[InputBatch], NDArray[Any]]
"""Runs one batch and returns its output."""


@dataclass(frozen=True)
class ExportInput:
    """A network with plain weights, and the reference outputs that its graph must reproduce."""

    network: nn.Module
    interface: Interface
    batches: tuple[InputBatch, ...]
    reference: Outputs
    """float64 outputs of the batches."""
    own_error: float
    """Largest distance of torch float32, before folding, from the reference."""
    limit: float
    """Largest error that a graph may have."""
    clipped: float
    """Fraction of the image values that lie outside [-1, 1]."""
    folded: tuple[str, ...]
    """Paths of the tensors into which a norm was folded."""
    lifted: tuple[str, ...] = ()
    """Module and shape of the noise maps that are a part of z, in order."""

    @property
    def example(self) -> InputBatch:
        """The batch of two rows, with which a network is captured."""
        return self.batches[1]


@dataclass(frozen=True)
class RoundedWeights:
    """The effect of rounding the weights of a graph to float16."""

    rounded: int
    """Number of weights that were rounded."""
    weights: int
    """Number of all weights of the graph."""
    before: Mapping[str, Runner]
    """Runners of the graph before rounding, by mode."""
    reference: Outputs
    """Outputs of the rounded weights: the reference for files that contain them."""


@dataclass(frozen=True)
class Artifact:
    """A graph file, and its runners by mode, such as "TorchScript"."""

    file: GraphFile
    interface: Interface
    data: bytes
    raw_runners: Mapping[str, Runner]
    """Runners of the same graph without its output head: they return float images or z."""
    final_runners: Mapping[str, Runner]
    """Runners of `data`."""
    head: str = "uint8"
    """The head of `data`: "uint8", "float" or "unit"."""
    raw_data: bytes = b""
    """The ONNX graph without its output head; empty for the formats of torch."""
    rounding: RoundedWeights | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    """Path of the module that made a value of the ONNX graph, by the name of the value."""

    @property
    def path(self) -> str:
        """Name of the file in the bundle."""
        return self.file.path

    @property
    def best_runner(self) -> Runner:
        """The runner of `data` that is closest to what a runtime does: fully optimized."""
        return list(self.final_runners.values())[-1]


class OnnxRunner:
    """Runs an ONNX graph with onnxruntime on the CPU; opens the session on first use."""

    def __init__(self, data: bytes, place: str, *, optimize: bool) -> None:
        self._data = data
        self._place = place
        self._optimize = optimize

    def __call__(self, batch: InputBatch) -> NDArray[Any]:
        """Return the output of a batch; raises UnsupportedError if the graph does not load."""
        output: NDArray[Any] = self._session.run(None, batch.inputs)[0]
        return output

    def run_all(self, batch: InputBatch) -> dict[str, NDArray[Any]]:
        """Return every output of a batch by its name."""
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, batch.inputs), strict=True))

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        levels = onnxruntime.GraphOptimizationLevel
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = (
            levels.ORT_ENABLE_ALL if self._optimize else levels.ORT_DISABLE_ALL
        )
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # errors are raised as exceptions
        providers = ["CPUExecutionProvider"]
        try:
            return onnxruntime.InferenceSession(self._data, options, providers=providers)
        except Exception as error:  # onnxruntime's errors have no common base class
            raise UnsupportedError(
                self._place,
                "a graph that onnxruntime loads",
                " ".join(str(error).split())[:300],
                "Use a lower --opset, or update onnxruntime.",
            ) from error


def onnx_runners(data: bytes, place: str) -> dict[str, Runner]:
    """Return runners of an ONNX graph, with onnxruntime's optimization off and full."""
    return {
        "onnxruntime, optimization off": OnnxRunner(data, place, optimize=False),
        "onnxruntime, optimization full": OnnxRunner(data, place, optimize=True),
    }


def torch_runner(network: nn.Module) -> Runner:
    """Return the runner of a traced or exported network."""

    def run(batch: InputBatch) -> NDArray[Any]:
        with torch.no_grad():
            output: NDArray[Any] = network(*batch.tensors()).numpy()
        return output

    return run


def fp16_runner(network: nn.Module, interface: Interface, place: str) -> Runner:
    """Return a runner of the network in float16 arithmetic, as a GPU computes it.

    onnxruntime's CPU provider computes float16 nodes in float32, so it hides the loss of precision.
    The runner raises ParityError if float16 overflows.
    """
    copied = cast_copy(network, torch.float16)

    def run(batch: InputBatch) -> NDArray[Any]:
        try:
            image = run_cast(copied, interface, [batch], torch.float16)[0]
        except ContractError as error:
            fix = "This network requires float32: export it with --precision fp32."
            expected = "a network that float16 can compute"
            raise ParityError(place, expected, error.found, fix) from error
        return image.astype(np.float32)

    return run


def run_chunked(runner: Runner, batch: InputBatch, size: int = 8) -> NDArray[Any]:
    """Return the output of a large batch, computed `size` rows at a time to limit memory."""
    starts = range(0, len(batch), size)
    return np.concatenate([runner(batch.rows(start, start + size)) for start in starts])
