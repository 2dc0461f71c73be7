"""The graphs of a bundle on a device: the inputs of a batch in, its checked output out."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.errors import BundleError
from ganport_runtime.session import Session


class Engine:
    """The graph of `interface` in a session of its own.

    Raises `BundleError` for a graph that is not there or not as the manifest has it, and what
    `Session` raises.
    """

    def __init__(self, bundle: Bundle, interface: str, device: str) -> None:
        self._graph, file = bundle.onnx(interface)
        self._place = str(bundle.path if bundle.lone else bundle.path / file.path)
        self._session = Session(bundle.read(file.path), device, place=self._place)
        self._session.check(self._graph)

    @property
    def device(self) -> str:
        return self._session.device

    def run(self, first: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[Any]:
        """The output for a batch of the first input and of condition vectors (N, C)."""
        feeds = {self._graph.inputs[0].name: np.ascontiguousarray(first)}
        if vectors.shape[1]:
            feeds["condition"] = np.ascontiguousarray(vectors)
        result = self._session.run(feeds)
        expected = (len(first), *self._graph.output.shape[1:])
        if result.shape != expected:
            raise BundleError(
                self._place,
                expected=f"{self._graph.output.name} of shape {expected}",
                found=f"an array of shape {result.shape}",
                fix="The graph does not keep what it declares: export the bundle again.",
            )
        return result


class Engines:
    """The graphs of a bundle on one device: `main` open, others opened when they are asked for."""

    def __init__(self, bundle: Bundle, main: str, device: str) -> None:
        self._bundle = bundle
        self._lock = Lock()
        # The first graph shows whether bundle and device are good.
        self._open = {main: Engine(bundle, main, device)}
        self.device = self._open[main].device

    def __getitem__(self, interface: str) -> Engine:
        with self._lock:
            if interface not in self._open:
                self._open[interface] = Engine(self._bundle, interface, self.device)
            return self._open[interface]
