"""A session's inputs and output bound, for one size of batch, to buffers that never move."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.buckets import Buckets, Feeds
from ganport_runtime.devices.onnxruntime_session import OnnxBackend, batch_shape
from ganport_runtime.devices.pinned_memory import PinnedMemory


class BufferAllocator:
    """Where buffers lie: on device `index` of a `kind` ("cuda", "cpu"), and beside it on the host.

    With `pages`, host buffers are page-locked and results come back by way of one.
    """

    def __init__(
        self, runtime: ModuleType, kind: str, index: int = 0, pages: PinnedMemory | None = None
    ) -> None:
        self._runtime = runtime
        self._where = (kind, index)
        self._pages = pages

    def on_device(self, shape: tuple[int, ...], dtype: str) -> Any:
        """An `OrtValue` on the device."""
        element = np.dtype(dtype).type
        return self._runtime.OrtValue.ortvalue_from_shape_and_type(shape, element, *self._where)

    def on_host(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        array = np.zeros(shape, dtype)
        if self._pages:
            self._pages.lock(array)
        return array

    def read(self, value: Any, landing: NDArray[Any]) -> NDArray[Any]:
        """As many rows of a value on the device as `landing`, a buffer on the host, has."""
        if self._pages:
            self._pages.fetch(value.data_ptr(), landing)
            return landing.copy()
        rows: NDArray[Any] = value.numpy()[: len(landing)]
        return rows.copy()  # on the CPU it is a view of the buffer that the next run overwrites


class Binding:
    """A `Bucket`: runs of `size` rows of a session, the rows that are not fed being zeros.

    Not for several threads at once.
    """

    def __init__(
        self,
        session: Any,
        inputs: tuple[Tensor, ...],
        output: Tensor,
        size: int,
        memory: BufferAllocator,
        run_options: Any = None,
    ) -> None:
        self._session = session
        self._memory = memory
        self._run_options = run_options
        self._binding = session.io_binding()
        self._inputs: dict[str, tuple[NDArray[Any], Any]] = {}
        for tensor in inputs:
            shape = batch_shape(tensor, size)
            value = memory.on_device(shape, tensor.dtype)
            self._inputs[tensor.name] = (memory.on_host(shape, tensor.dtype), value)
            self._binding.bind_ortvalue_input(tensor.name, value)
        self._result = memory.on_device(batch_shape(output, size), output.dtype)
        self._landing = memory.on_host(batch_shape(output, size), output.dtype)
        self._binding.bind_ortvalue_output(output.name, self._result)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        rows = len(next(iter(feeds.values())))
        for name, (staged, value) in self._inputs.items():
            staged[:rows] = feeds[name]
            staged[rows:] = 0
            value.update_inplace(staged)
        self._session.run_with_iobinding(self._binding, self._run_options)
        return self._memory.read(self._result, self._landing[:rows])


class BoundBackend(OnnxBackend):
    """A `Backend` that runs its session in buckets of up to `largest` rows, each with a binding.

    All runs happen on `thread`, one after another. `run_options` makes those of a bucket's runs
    out of its size.
    """

    def __init__(
        self,
        device: str,
        session: Any,
        memory: BufferAllocator,
        largest: int,
        thread: Executor,
        run_options: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__(device, session)
        self._thread = thread
        self._memory = memory
        self._run_options = run_options
        self._buckets = Buckets(self._bind, largest, device)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        check_feeds(feeds, self.inputs)
        return self._thread.submit(self._buckets.run, feeds).result()

    def _bind(self, size: int) -> Binding:
        options = self._run_options(size) if self._run_options else None
        output = self.outputs[0]
        return Binding(self._session, self.inputs, output, size, self._memory, options)


def check_feeds(feeds: Feeds, inputs: tuple[Tensor, ...]) -> None:
    """Raise `ValueError` unless there is one array for each input, of its kind and equally long.

    A binding copies what it is fed into its own buffers, where numpy would make much fit.
    """
    rows = {len(feeds[tensor.name]) for tensor in inputs if np.ndim(feeds.get(tensor.name, 0))}
    for tensor in inputs:
        fed = feeds.get(tensor.name)
        if fed is None or fed.dtype != tensor.dtype or fed.shape[1:] != tensor.shape[1:]:
            raise ValueError(f"{tensor.name} is not {tensor.dtype} of shape {tensor.shape}")
    if len(rows) != 1 or len(feeds) != len(inputs):
        raise ValueError("the inputs are not those of the graph, or not equally long")
