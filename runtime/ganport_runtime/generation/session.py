"""One graph on one device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Graph, Tensor
from ganport_runtime.devices.buckets import bucket_sizes
from ganport_runtime.devices.factory import open_backend
from ganport_runtime.devices.onnxruntime_session import batch_shape, error_summary
from ganport_runtime.errors import BundleError, GanportError


class Session:
    """An ONNX graph ready to run on `device`: "auto", "cpu", "cuda[:N]", "tensorrt[:N]" or
    "openvino".

    A device named is a device used: `DeviceError` when it cannot be. "auto" takes CUDA where
    onnxruntime offers it and else the CPU, with a warning if CUDA was offered and failed; `device`
    tells which. `allow_spinning` keeps the CPU's threads awake between runs, `precision` ("fp32",
    "fp16", "bf16") is how a device that can choose computes, and `max_batch` the
    most rows that a GPU takes at once. Raises `BundleError` for bytes that are no usable graph
    (`place` says which), and
    `MissingExtraError` without the package that the device needs. `run` may be called from
    several threads.
    """

    def __init__(
        self,
        model: bytes,
        device: str = "auto",
        *,
        place: str = "graph",
        allow_spinning: bool = False,
        precision: str = "fp32",
        max_batch: int | None = None,
    ) -> None:
        self._place = place
        self._backend = open_backend(
            model,
            device,
            place=place,
            allow_spinning=allow_spinning,
            precision=precision,
            max_batch=max_batch,
        )
        self.device = self._backend.device
        self.inputs = self._backend.inputs
        self.outputs = self._backend.outputs
        self.metadata = self._backend.metadata

    @property
    def output(self) -> Tensor:
        """The first output, which is the only one of a graph that keeps the contract."""
        return self.outputs[0]

    def check(self, graph: Graph) -> None:
        """Raise `BundleError` unless inputs and output are, in order, those the manifest names."""
        for what, found, expected in (
            ("inputs", self.inputs, graph.inputs),
            ("output", self.outputs, (graph.output,)),
        ):
            if found != expected:
                raise BundleError(
                    f"{self._place}: {what}",
                    expected=_spell(expected),
                    found=_spell(found),
                    fix="The manifest describes another graph: export the bundle again.",
                )

    def warm_up(self, largest: int) -> None:
        """Run zeros in each size of batch, up to `largest`, that the device prepares apart.

        What a first run must find out or build no request then waits for. It takes about as long
        as two runs of `largest`, and on the CPU, to which all sizes are alike, as one row.
        """
        for rows in [1] if self.device == "cpu" else bucket_sizes(largest):
            self.run({x.name: np.zeros(batch_shape(x, rows), x.dtype) for x in self.inputs})

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The first output for one batch of every input; raises `BundleError` if it fails."""
        try:
            return self._backend.run(feeds)
        except GanportError:
            raise
        except Exception as error:  # the exceptions of the engines have no common base
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in feeds.items())
            raise BundleError(
                self._place,
                expected=f"a graph that runs on {self.device} with {shapes}",
                found=error_summary(error),
                fix="Try a smaller batch_size or device='cpu'; else export the bundle again.",
            ) from error


def _spell(tensors: tuple[Tensor, ...]) -> str:
    return "; ".join(
        f"{tensor.name} {tensor.dtype} [{', '.join(map(str, tensor.shape))}]" for tensor in tensors
    )
