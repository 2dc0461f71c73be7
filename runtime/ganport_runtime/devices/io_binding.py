"""Runs in buckets of fixed batch sizes, with inputs and output bound to device buffers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.onnxruntime_session import (
    Feeds,
    OnnxBackend,
    batch_shape,
    error_summary,
)
from ganport_runtime.devices.pinned_memory import (
    BufferAllocator,
    OutputReader,
    release_later,
    release_now,
)
from ganport_runtime.errors import DeviceError, GanportWarning

_WARM_UP_RUNS = 2
# CUDA, cuDNN, cuBLAS and onnxruntime's arenas share no exception class, only these phrases.
_OUT_OF_MEMORY = (
    "out of memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
    "failed to allocate memory",
    "available memory of",
)


def bucket_sizes(max_rows: int) -> list[int]:
    """Return the powers of two below `max_rows`, and `max_rows`."""
    return [*(1 << power for power in range((max_rows - 1).bit_length())), max_rows]


def bucket_size(rows: int, max_rows: int) -> int:
    """Return the smallest bucket size, at most `max_rows`, that holds `rows` rows."""
    return min(1 << max(rows - 1, 0).bit_length(), max_rows)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an exception reports a lack of memory on the host or on the device."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(phrase in text for phrase in _OUT_OF_MEMORY)


class Binding:
    """A bucket of a session: runs of `size` rows, padded with zeros. Not thread-safe."""

    def __init__(
        self,
        session: Any,
        inputs: tuple[Tensor, ...],
        output: Tensor,
        size: int,
        allocator: BufferAllocator,
        run_options: Callable[[int], Any] | None = None,
    ) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._inputs: dict[str, tuple[NDArray[Any], Any]] = {}
        for tensor in inputs:
            shape = batch_shape(tensor, size)
            value = allocator.on_device(shape, tensor.dtype)
            self._inputs[tensor.name] = (allocator.on_host(shape, tensor.dtype), value)
            self._binding.bind_ortvalue_input(tensor.name, value)
        self._output = OutputReader(output, size, allocator)
        self._binding.bind_ortvalue_output(output.name, self._output.value)
        self._run_options = None
        if run_options:
            # A capture must not allocate: these runs make the arena and cuDNN's plans large enough.
            plain = run_options(-1)
            for _ in range(_WARM_UP_RUNS):
                session.run_with_iobinding(self._binding, plain)
            # Replay ignores input shapes, so each size has its graph.
            self._run_options = run_options(size)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the output of the fed rows."""
        rows = len(next(iter(feeds.values())))
        for name, (host_input, value) in self._inputs.items():
            host_input[:rows] = feeds[name]
            host_input[rows:] = 0
            value.update_inplace(host_input)
        self._session.run_with_iobinding(self._binding, self._run_options)
        return self._output.read(rows)


@dataclass
class _Bound:
    """What a backend must free on the GPU thread."""

    session: Any
    buckets: dict[int, Binding] = field(default_factory=dict)

    def close(self) -> None:
        self.buckets.clear()
        self.session = None


class BoundBackend(OnnxBackend):
    """A session that runs in buckets of 1, 2, 4 … `max_rows` rows, all on `thread`.

    The bucket of a size is bound on first use. With `run_options` it is captured as a CUDA graph:
    they return the options of runs with a graph of that number, or without one for -1. If that
    fails, the session that `reopen` returns on `thread` takes over without graphs. If a bucket runs
    out of memory, it and all larger ones are freed, `max_rows` becomes half its size, and the batch
    continues. A `GanportWarning` reports both.
    """

    def __init__(
        self,
        device: str,
        session: Any,
        allocator: BufferAllocator,
        max_rows: int,
        thread: Executor,
        run_options: Callable[[int], Any] | None = None,
        reopen: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(device, session)
        self.max_rows = max_rows
        self._thread = thread
        self._allocator = allocator
        self._run_options = run_options
        self._reopen = reopen
        self._process = os.getpid()
        self._bound = _Bound(session)
        release_later(self, self._bound.close)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the first output for one batch of every input.

        Raises `DeviceError` if the memory does not suffice for one row, and in a forked process.
        """
        check_feeds(feeds, self.inputs)
        if os.getpid() != self._process:
            raise DeviceError(
                f"device {self.device!r}",
                "the process that opened it",
                "a fork of that process",
                "Open the generator after the fork, or start processes with spawn.",
            )
        return self._thread.submit(self._run_buckets, feeds).result()

    def _run_buckets(self, feeds: Feeds) -> NDArray[Any]:
        release_now()
        rows = len(next(iter(feeds.values())))
        outputs: list[NDArray[Any]] = []
        previous_max, start = self.max_rows, 0
        while start < rows or not outputs:
            part = slice(start, min(start + self.max_rows, rows))
            size = bucket_size(part.stop - start, self.max_rows)
            try:
                bucket = self._bound.buckets.get(size) or self._bind(size)
                outputs.append(bucket.run({name: x[part] for name, x in feeds.items()}))
                start = part.stop
            except Exception as error:  # the libraries' exceptions share no base class
                if is_out_of_memory(error):
                    self._shrink(size, error)
                elif self._run_options and self._reopen:
                    self._run_without_graphs(self._reopen, error)
                else:
                    raise
        if self.max_rows < previous_max:
            warnings.warn(
                f"out of memory on {self.device} with {previous_max} images per run: "
                f"continuing with at most {self.max_rows}",
                GanportWarning,
                stacklevel=2,
            )
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def _bind(self, size: int) -> Binding:
        bucket = Binding(
            self._bound.session,
            self.inputs,
            self.outputs[0],
            size,
            self._allocator,
            self._run_options,
        )
        self._bound.buckets[size] = bucket
        return bucket

    def _run_without_graphs(self, reopen: Callable[[], Any], error: Exception) -> None:
        self._bound.close()
        self._run_options = self._session = None
        self._session = self._bound.session = reopen()
        warnings.warn(
            f"{self.device} runs without CUDA graphs: {error_summary(error)}",
            GanportWarning,
            stacklevel=2,
        )

    def _shrink(self, size: int, error: Exception) -> None:
        """Free the buckets of `size` rows and more."""
        if size == 1:
            raise DeviceError(
                f"device {self.device!r}",
                "memory for one image",
                error_summary(error),
                "Close other programs that use the device, or use cpu.",
            ) from error
        self.max_rows = size // 2
        for larger in [n for n in self._bound.buckets if n > self.max_rows]:
            del self._bound.buckets[larger]


def check_feeds(feeds: Feeds, inputs: tuple[Tensor, ...]) -> None:
    """Raise `ValueError` unless each input has one array of its dtype and shape, equally long.

    Without the check NumPy would broadcast a wrong array into the bound buffer.
    """
    rows = {len(feeds[tensor.name]) for tensor in inputs if np.ndim(feeds.get(tensor.name, 0))}
    for tensor in inputs:
        array = feeds.get(tensor.name)
        if array is None or array.dtype != tensor.dtype or array.shape[1:] != tensor.shape[1:]:
            raise ValueError(f"{tensor.name} is not {tensor.dtype} of shape {tensor.shape}")
    if len(rows) != 1 or len(feeds) != len(inputs):
        raise ValueError("the inputs are not those of the graph, or differ in length")
