"""Runs in buckets of fixed batch sizes, with inputs and output bound to device buffers.

Host buffers can be page-locked, so that a GPU reads and writes them directly.
"""

from __future__ import annotations

import ctypes
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.onnxruntime_session import (
    Feeds,
    OnnxBackend,
    batch_shape,
    error_summary,
)
from ganport_runtime.errors import DeviceError, GanportWarning

_PORTABLE = 1  # cudaHostRegisterPortable
_DEVICE_TO_HOST = 2  # cudaMemcpyDeviceToHost


class PinnedMemory:
    """Page-locks arrays for CUDA device `index` and copies from the device into them.

    `library` is the CUDA runtime (cudart) that onnxruntime has loaded.
    """

    def __init__(self, library: Any, index: int) -> None:
        self._library = library
        self._index = index

    @classmethod
    def find(cls, cuda_version: str, index: int) -> Self | None:
        """Load the CUDA runtime that onnxruntime was built for ("13.0"); None if it is absent."""
        major = cuda_version.partition(".")[0]
        name = f"cudart64_{major}.dll" if sys.platform == "win32" else f"libcudart.so.{major}"
        try:
            return cls(ctypes.CDLL(name), index) if major else None
        except OSError:
            return None

    def lock(self, array: NDArray[Any]) -> None:
        """Page-lock the array's memory until it is freed; on failure it stays pageable."""
        address = ctypes.c_void_p(array.ctypes.data)
        with self._current_device():
            if self._library.cudaHostRegister(address, ctypes.c_size_t(array.nbytes), _PORTABLE):
                # Clear the error: onnxruntime would find it after its next call and fail.
                self._library.cudaGetLastError()
            else:
                weakref.finalize(array, self._library.cudaHostUnregister, address)

    def fetch(self, address: int, array: NDArray[Any]) -> None:
        """Fill the contiguous `array` from that address of the device."""
        target, source = ctypes.c_void_p(array.ctypes.data), ctypes.c_void_p(address)
        size = ctypes.c_size_t(array.nbytes)
        with self._current_device():
            code = self._library.cudaMemcpy(target, source, size, _DEVICE_TO_HOST)
        if code:
            raise RuntimeError(f"cudaMemcpy from cuda:{self._index} failed with code {code}")

    @contextmanager
    def _current_device(self) -> Iterator[None]:
        # The current device belongs to the thread, which other users of CUDA may share.
        previous = ctypes.c_int()
        self._library.cudaGetDevice(ctypes.byref(previous))
        self._library.cudaSetDevice(self._index)
        try:
            yield
        finally:
            self._library.cudaSetDevice(previous)


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


class BufferAllocator:
    """Buffers on device `index` of a `kind` ("cuda", "cpu") and on the host.

    With `pinned`, host buffers are page-locked and results are copied through them.
    """

    def __init__(
        self, runtime: ModuleType, kind: str, index: int = 0, pinned: PinnedMemory | None = None
    ) -> None:
        self._runtime = runtime
        self._device = (kind, index)
        self._pinned = pinned

    def on_device(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Return an `OrtValue` on the device."""
        element = np.dtype(dtype).type
        return self._runtime.OrtValue.ortvalue_from_shape_and_type(shape, element, *self._device)

    def on_host(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array on the host, page-locked if possible."""
        array = np.zeros(shape, dtype)
        if self._pinned:
            self._pinned.lock(array)
        return array

    def read(self, value: Any, host_buffer: NDArray[Any]) -> NDArray[Any]:
        """Return a copy of the first rows of a device value: as many as `host_buffer` has."""
        if self._pinned:
            self._pinned.fetch(value.data_ptr(), host_buffer)
            return host_buffer.copy()
        rows: NDArray[Any] = value.numpy()[: len(host_buffer)]
        return rows.copy()  # on the CPU it is a view that the next run overwrites


class Binding:
    """A bucket of a session: runs of `size` rows, padded with zeros. Not thread-safe."""

    def __init__(
        self,
        session: Any,
        inputs: tuple[Tensor, ...],
        output: Tensor,
        size: int,
        allocator: BufferAllocator,
        run_options: Any = None,
    ) -> None:
        self._session = session
        self._allocator = allocator
        self._run_options = run_options
        self._binding = session.io_binding()
        self._inputs: dict[str, tuple[NDArray[Any], Any]] = {}
        for tensor in inputs:
            shape = batch_shape(tensor, size)
            value = allocator.on_device(shape, tensor.dtype)
            self._inputs[tensor.name] = (allocator.on_host(shape, tensor.dtype), value)
            self._binding.bind_ortvalue_input(tensor.name, value)
        self._output = allocator.on_device(batch_shape(output, size), output.dtype)
        self._host_output = allocator.on_host(batch_shape(output, size), output.dtype)
        self._binding.bind_ortvalue_output(output.name, self._output)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the output of the fed rows."""
        rows = len(next(iter(feeds.values())))
        for name, (host_input, value) in self._inputs.items():
            host_input[:rows] = feeds[name]
            host_input[rows:] = 0
            value.update_inplace(host_input)
        self._session.run_with_iobinding(self._binding, self._run_options)
        return self._allocator.read(self._output, self._host_output[:rows])


class BoundBackend(OnnxBackend):
    """A session that runs in buckets of 1, 2, 4 … `max_rows` rows, all on `thread`.

    The bucket of a size is bound on first use; `run_options` returns the options of its runs. If a
    bucket runs out of memory, it and all larger ones are freed, `max_rows` becomes half its size, a
    `GanportWarning` reports it, and the batch continues.
    """

    def __init__(
        self,
        device: str,
        session: Any,
        allocator: BufferAllocator,
        max_rows: int,
        thread: Executor,
        run_options: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__(device, session)
        self.max_rows = max_rows
        self._thread = thread
        self._allocator = allocator
        self._run_options = run_options
        self._buckets: dict[int, Binding] = {}

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the first output for one batch of every input.

        Raises `DeviceError` if the memory does not suffice for one row.
        """
        check_feeds(feeds, self.inputs)
        return self._thread.submit(self._run_buckets, feeds).result()

    def _run_buckets(self, feeds: Feeds) -> NDArray[Any]:
        rows = len(next(iter(feeds.values())))
        outputs: list[NDArray[Any]] = []
        previous_max, start = self.max_rows, 0
        while start < rows or not outputs:
            part = slice(start, min(start + self.max_rows, rows))
            size = bucket_size(part.stop - start, self.max_rows)
            try:
                bucket = self._buckets.get(size) or self._bind(size)
                outputs.append(bucket.run({name: x[part] for name, x in feeds.items()}))
                start = part.stop
            except Exception as error:  # the libraries' exceptions share no base class
                if not is_out_of_memory(error):
                    raise
                self._shrink(size, error)
        if self.max_rows < previous_max:
            warnings.warn(
                f"out of memory on {self.device} with {previous_max} images per run: "
                f"continuing with at most {self.max_rows}",
                GanportWarning,
                stacklevel=2,
            )
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def _bind(self, size: int) -> Binding:
        options = self._run_options(size) if self._run_options else None
        output = self.outputs[0]
        bucket = Binding(self._session, self.inputs, output, size, self._allocator, options)
        self._buckets[size] = bucket
        return bucket

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
        self._buckets = {n: bucket for n, bucket in self._buckets.items() if n <= self.max_rows}


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
