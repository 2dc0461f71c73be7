"""The graphs of a bundle on a device: batches of inputs in, checked outputs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.schema import ENCODE, POLYPHASE, Graph
from ganport_runtime.devices.factory import open_backend
from ganport_runtime.devices.io_binding import bucket_sizes
from ganport_runtime.devices.onnxruntime_session import batch_shape, error_summary
from ganport_runtime.errors import BundleError, GanportError, RequestError
from ganport_runtime.generation.request import (
    EncodedRequest,
    RowRange,
    build_conditions,
    build_inputs,
)
from ganport_runtime.images.pixels import to_uint8


class GraphRunner:
    """One ONNX graph on one device: "auto", "cpu", "cuda[:N]", "tensorrt[:N]" or "openvino".

    A named device is used or `DeviceError` is raised. "auto" takes CUDA if onnxruntime offers it,
    else the CPU, with a `GanportWarning` if CUDA is offered and fails; `device` is the result.
    `allow_spinning` lets the CPU's threads spin between runs. `precision` ("fp32", "fp16", "bf16")
    is the arithmetic of devices that have several, `max_batch` the most rows in one run on a GPU.
    `place` names the graph in errors. Raises `BundleError` for bytes that are not a usable graph
    and `MissingExtraError` without the package that the device needs. `run` is thread-safe.
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

    def check(self, graph: Graph) -> None:
        """Raise `BundleError` unless inputs and output equal those of the manifest, in order."""
        for what, found, expected in (
            ("inputs", self.inputs, graph.inputs),
            ("output", self.outputs, (graph.output,)),
        ):
            if found != expected:
                raise BundleError(
                    f"{self._place}: {what}",
                    "; ".join(map(str, expected)),
                    "; ".join(map(str, found)),
                    "The manifest describes another graph: export the bundle again.",
                )

    def warm_up(self, max_batch: int) -> None:
        """Run zeros in each batch size, up to `max_batch`, that the device prepares separately.

        The CPU treats all sizes alike and runs one row; other devices take about as long as two
        runs of `max_batch` rows.
        """
        for rows in [1] if self.device == "cpu" else bucket_sizes(max_batch):
            self.run({x.name: np.zeros(batch_shape(x, rows), x.dtype) for x in self.inputs})

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the first output for one batch of every input.

        Raises `BundleError` if the graph fails.
        """
        try:
            return self._backend.run(feeds)
        except GanportError:
            raise
        except Exception as error:  # the libraries' exceptions share no base class
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in feeds.items())
            raise BundleError(
                self._place,
                f"a graph that runs on {self.device} with {shapes}",
                error_summary(error),
                "Try a smaller batch_size or device='cpu', or export the bundle again.",
            ) from error


class BundleGraph:
    """The graph of one interface of a bundle, checked against the manifest.

    Raises `BundleError` for a graph that is absent or not as the manifest describes it, and the
    errors of `GraphRunner`.
    """

    def __init__(
        self, bundle: Bundle, interface: str, device: str, allow_spinning: bool, precision: str
    ) -> None:
        form = POLYPHASE if device == "openvino" else None  # the form that it runs faster
        graph, file = bundle.find_onnx(interface, precision, form)
        self._place = str(bundle.path if bundle.is_single_file else bundle.path / file.path)
        self.runner = GraphRunner(
            bundle.read(file.path),
            device,
            place=self._place,
            allow_spinning=allow_spinning,
            precision=precision,
            max_batch=bundle.manifest.batch.max,
        )
        self.runner.check(graph)
        # Caches are cold after inference: attribute lookups of nested objects cost measurably.
        self._first_input = graph.inputs[0].name
        self._output = graph.output.name
        self._row_shape = graph.output.shape[1:]
        self._image = bundle.manifest.image
        self._is_float_image = interface != ENCODE and self._image.dtype != "uint8"

    def run(
        self, first_input: NDArray[np.float32], conditions: NDArray[np.float32]
    ) -> NDArray[Any]:
        """Return the output for a batch of the first input and of condition vectors (N, C)."""
        feeds = {self._first_input: np.ascontiguousarray(first_input)}
        if conditions.shape[1]:
            feeds["condition"] = np.ascontiguousarray(conditions)
        output = self.runner.run(feeds)
        expected = (len(first_input), *self._row_shape)
        if output.shape != expected:
            raise BundleError(
                self._place,
                f"{self._output} of shape {expected}",
                f"an array of shape {output.shape}",
                "The graph does not match its declared shapes: export the bundle again.",
            )
        if not self._is_float_image:
            return output
        return to_uint8(output, self._image.format, self._image.range)


class GraphSet:
    """All graphs of a bundle on one device.

    The graph of interface `main` is opened at once, which checks the bundle and the device; the
    others are opened on first use.
    """

    def __init__(
        self, bundle: Bundle, main: str, device: str, allow_spinning: bool, precision: str
    ) -> None:
        self._bundle = bundle
        self._allow_spinning = allow_spinning
        self._z_shape = bundle.manifest.z_shape
        self._lock = Lock()
        self._main = BundleGraph(bundle, main, device, allow_spinning, precision)
        self._graphs = {main: self._main}
        self.device = self._main.runner.device

    def warm_up(self, max_batch: int) -> None:
        """Prepare the main graph for batches of up to `max_batch` rows."""
        self._main.runner.warm_up(max_batch)

    def run_batched(self, request: EncodedRequest, batch_size: int) -> NDArray[Any]:
        """Return the outputs of a whole request, run in batches of at most `batch_size` rows.

        Outputs are uint8 images (N, H, W, C), or float32 noise for an encoder. Raises
        `RequestError` if the result does not fit in memory.
        """
        if len(request) <= batch_size:
            return self._run((request,))
        outputs = self._allocate(request)
        for start in range(0, len(request), batch_size):
            rows = slice(start, min(start + batch_size, len(request)))
            outputs[rows] = self._run((request.slice(rows),))
        return outputs

    def run_rows(self, row_ranges: Sequence[RowRange]) -> NDArray[Any]:
        """Return the outputs of rows of several requests of one interface, run as one batch."""
        return self._run([request.slice(rows) for request, rows in row_ranges])

    def _run(self, requests: Sequence[EncodedRequest]) -> NDArray[Any]:
        interface = requests[0].interface
        graph = self._graphs.get(interface) or self._open(interface)
        return graph.run(build_inputs(requests, self._z_shape), build_conditions(requests))

    def _open(self, interface: str) -> BundleGraph:
        with self._lock:
            if interface not in self._graphs:
                # Only the main graph is exported in several precisions.
                self._graphs[interface] = BundleGraph(
                    self._bundle, interface, self.device, self._allow_spinning, "fp32"
                )
            return self._graphs[interface]

    def _allocate(self, request: EncodedRequest) -> NDArray[Any]:
        encodes, image = request.interface == ENCODE, self._bundle.manifest.image.format
        shape = self._z_shape if encodes else (*image.size, image.channels)
        try:
            return np.empty((len(request), *shape), np.float32 if encodes else np.uint8)
        except (MemoryError, ValueError):
            raise RequestError(
                "count",
                "results that fit in memory",
                f"{len(request)} of {prod(shape):,} numbers each",
                "Request fewer at a time.",
            ) from None
