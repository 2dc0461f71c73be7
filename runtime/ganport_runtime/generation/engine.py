"""The graphs of a bundle on a device: the inputs of a batch in, its checked output out."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.constants import ENCODE
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.generation.request import (
    EncodedRequest,
    RowRange,
    build_inputs,
    condition_rows,
)
from ganport_runtime.generation.session import Session
from ganport_runtime.images.encode import to_uint8

_FORMS = {"openvino": "phase"}
"""The form of a graph that a device runs faster than the usual one."""


class GraphRunner:
    """The graph of `interface` in a session of its own.

    Raises `BundleError` for a graph that is not there or not as the manifest has it, and what
    `Session` raises.
    """

    def __init__(
        self, bundle: Bundle, interface: str, device: str, allow_spinning: bool, precision: str
    ) -> None:
        graph, file = bundle.onnx(interface, precision, _FORMS.get(device))
        self._place = str(bundle.path if bundle.is_single_file else bundle.path / file.path)
        self._session = Session(
            bundle.read(file.path),
            device,
            place=self._place,
            allow_spinning=allow_spinning,
            precision=precision,
            max_batch=bundle.manifest.batch.max,
        )
        self._session.check(graph)
        # Looked up once: what a call touches counts when a picture has left the caches cold.
        self._first = graph.inputs[0].name
        self._row = graph.output.shape[1:]
        self._output = graph.output.name
        self.draws_floats = interface != ENCODE and graph.output.dtype != "uint8"

    @property
    def device(self) -> str:
        return self._session.device

    def warm_up(self, largest: int) -> None:
        """Let the device prepare for batches of up to `largest`."""
        self._session.warm_up(largest)

    def run(self, first: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[Any]:
        """The output for a batch of the first input and of condition vectors (N, C)."""
        feeds = {self._first: np.ascontiguousarray(first)}
        if vectors.shape[1]:
            feeds["condition"] = np.ascontiguousarray(vectors)
        result = self._session.run(feeds)
        if result.shape != (len(first), *self._row):
            raise BundleError(
                self._place,
                expected=f"{self._output} of shape {(len(first), *self._row)}",
                found=f"an array of shape {result.shape}",
                fix="The graph does not keep what it declares: export the bundle again.",
            )
        return result


class GraphSet:
    """The graphs of a bundle on one device: `main` open, others opened when they are asked for."""

    def __init__(
        self, bundle: Bundle, main: str, device: str, allow_spinning: bool, precision: str
    ) -> None:
        self._bundle, self._spinning = bundle, allow_spinning
        self._z_shape = bundle.manifest.z_shape
        self._lock = Lock()
        # The first graph shows whether bundle and device are good.
        self._main = GraphRunner(bundle, main, device, allow_spinning, precision)
        self._open = {main: self._main}
        self.device = self._main.device

    def warm_up(self, largest: int) -> None:
        """Let the main graph prepare for batches of up to `largest`."""
        self._main.warm_up(largest)

    def draw_all(self, job: EncodedRequest, size: int) -> NDArray[Any]:
        """What all of a job come to, drawn `size` at a time: pictures, or noise of an encoder."""
        if len(job) <= size:
            return self._draw((job,))
        results = self._empty(job)
        for start in range(0, len(job), size):
            rows = slice(start, min(start + size, len(job)))
            results[rows] = self._draw((job.slice(rows),))
        return results

    def draw(self, parts: Sequence[RowRange]) -> NDArray[Any]:
        """What those rows come to, in one run: uint8 (N, H, W, 3), or noise of an encoder."""
        return self._draw([job.slice(rows) for job, rows in parts])

    def _draw(self, jobs: Sequence[EncodedRequest]) -> NDArray[Any]:
        interface = jobs[0].interface
        engine = self._open.get(interface) or self._opened(interface)
        output = engine.run(build_inputs(jobs, self._z_shape), condition_rows(jobs))
        return to_uint8(output) if engine.draws_floats else output

    def _opened(self, interface: str) -> GraphRunner:
        with self._lock:
            if interface not in self._open:
                # Only the main graph comes in other precisions.
                engine = GraphRunner(self._bundle, interface, self.device, self._spinning, "fp32")
                self._open[interface] = engine
            return self._open[interface]

    def _empty(self, job: EncodedRequest) -> NDArray[Any]:
        encoded = job.interface == ENCODE
        shape = self._z_shape if encoded else (*self._bundle.manifest.image.size, 3)
        try:
            return np.empty((len(job), *shape), np.float32 if encoded else np.uint8)
        except (MemoryError, ValueError):
            raise RequestError(
                "count",
                expected="results that fit in memory",
                found=f"{len(job)} of {prod(shape):,} numbers each",
                fix="Ask for fewer at a time.",
            ) from None
