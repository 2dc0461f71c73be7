"""One file of a bundle that computes a graph, with the means to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganport_export.errors import ContractError, ParityError, UnsupportedError
from ganport_export.execution import Outputs, in_type, run_in_type
from ganport_export.interface import Interface
from ganport_export.test_inputs import Sample

Player = Callable[[Sample], NDArray[Any]]
"""Runs one batch and gives its output."""


@dataclass(frozen=True)
class Rounding:
    """What the rounding of a graph's weights to float16 did."""

    rounded: int
    """Weights that are on float16's grid now."""
    weights: int
    """All weights of the graph."""
    before: Mapping[str, Player]
    """Players of the graph as it was."""
    reference: Outputs
    """What the rounded weights draw of every sample: what files that hold them are held to."""


@dataclass(frozen=True)
class Artifact:
    """A graph file and its players, by the way they run it."""

    path: str
    role: str
    precision: str
    interface: Interface
    data: bytes
    before_head: Mapping[str, Player]
    """Players of the same computation that stop at the float output."""
    shipped: Mapping[str, Player]
    """Players of `data` itself."""
    rounding: Rounding | None = None
    """Where weights were rounded to float16 before the file was written: what that did."""


def onnx_players(data: bytes, place: str) -> dict[str, Player]:
    """Players of an ONNX graph on the CPU, with onnxruntime's optimisation off and full.

    Raises UnsupportedError when onnxruntime cannot load the graph.
    """
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    return {
        "onnxruntime, optimisation off": _onnx_player(data, levels.ORT_DISABLE_ALL, place),
        "onnxruntime, optimisation full": _onnx_player(data, levels.ORT_ENABLE_ALL, place),
    }


def script_player(script: torch.jit.ScriptModule) -> Player:
    """The player of a traced network."""

    def play(sample: Sample) -> NDArray[Any]:
        with torch.no_grad():
            output: NDArray[Any] = script(*sample.tensors()).numpy()
        return output

    return play


def half_player(network: nn.Module, interface: Interface, place: str) -> Player:
    """The player of a network's own float16 arithmetic, as a GPU computes it.

    onnxruntime's CPU runs float16 nodes in float32, so it cannot show what they lose. The player
    raises ParityError where float16 overflows.
    """
    twin = in_type(network, torch.float16)

    def play(sample: Sample) -> NDArray[Any]:
        try:
            image = run_in_type(twin, interface, [sample], torch.float16)[0]
        except ContractError as error:
            raise ParityError(
                place,
                expected="a network that float16 can compute",
                found=error.found,
                fix="This network needs float32: export it with --precision fp32.",
            ) from error
        return image.astype(np.float32)

    return play


def play_in_parts(player: Player, sample: Sample, size: int = 8) -> NDArray[Any]:
    """The outputs of a large batch, made `size` at a time to spare memory."""
    parts = [
        player(Sample({name: array[start : start + size] for name, array in sample.inputs.items()}))
        for start in range(0, len(sample), size)
    ]
    return np.concatenate(parts)


def _onnx_player(data: bytes, level: Any, place: str) -> Player:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # what matters comes back as an exception
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        raise UnsupportedError(
            place,
            expected="a graph that onnxruntime loads",
            found=" ".join(str(error).split())[:300],
            fix="Take a lower --opset, or update onnxruntime.",
        ) from error

    def play(sample: Sample) -> NDArray[Any]:
        output: NDArray[Any] = session.run(None, sample.inputs)[0]
        return output

    return play
