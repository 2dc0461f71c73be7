"""Buffers on a device and on the host, which can be page-locked for a GPU.

A GPU reads and writes page-locked memory directly.
"""

from __future__ import annotations

import ctypes
import math
import sys
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from mmap import mmap
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.onnxruntime_session import batch_shape

_PORTABLE = 1  # cudaHostRegisterPortable
_DEVICE_TO_HOST = 2  # cudaMemcpyDeviceToHost
_MAX_HOST_BUFFERS = 4
"""Page-locked buffers of a bucket's output; further results that are in use are pageable."""

# A call that frees GPU memory on another thread may end a capture on the GPU thread. A finalizer
# may run on any thread, so it only adds a call here, and the GPU thread makes the call later.
_releases: deque[Callable[[], object]] = deque()


def release_later(owner: object, release: Callable[[], object]) -> None:
    """Let the GPU thread call `release` when `owner` is gone."""
    weakref.finalize(owner, _releases.append, release).atexit = False


def release_now() -> None:
    """Free what belongs to objects that are gone; only on the GPU thread."""
    while _releases:
        _releases.popleft()()


class PinnedMemory:
    """Page-locked host memory of CUDA device `index`, and copies from the device into it.

    Only the GPU thread may use it. `library` is the CUDA runtime (cudart) that onnxruntime has
    loaded.
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

    def allocate(self, size: int) -> NDArray[np.uint8]:
        """Return `size` zeros on pages of their own, page-locked if possible.

        Memory that shares a page with other locked memory cannot be locked.
        """
        pages = mmap(-1, max(size, 1))
        array = np.frombuffer(pages, np.uint8, size)
        address = ctypes.c_void_p(array.ctypes.data)
        self._library.cudaSetDevice(self._index)
        if self._library.cudaHostRegister(address, ctypes.c_size_t(len(pages)), _PORTABLE):
            # Clear the error: onnxruntime would find it after its next call and fail.
            self._library.cudaGetLastError()
        else:
            # The arguments keep the pages mapped until they are unlocked.
            release_later(array, partial(_unlock, self._library, address, pages))
        return array

    def fetch(self, address: int, array: NDArray[Any]) -> None:
        """Fill the contiguous `array` from that address of the device."""
        target, source = ctypes.c_void_p(array.ctypes.data), ctypes.c_void_p(address)
        size = ctypes.c_size_t(array.nbytes)
        self._library.cudaSetDevice(self._index)  # the thread works for several devices
        if code := self._library.cudaMemcpy(target, source, size, _DEVICE_TO_HOST):
            raise RuntimeError(f"cudaMemcpy from cuda:{self._index} failed with code {code}")


def _unlock(library: Any, address: ctypes.c_void_p, pages: mmap) -> None:
    library.cudaHostUnregister(address)
    del pages


class BufferAllocator:
    """Buffers on device `index` of a `kind` ("cuda", "cpu") and on the host.

    With `pinned`, host buffers are page-locked and results are copied through them.
    """

    def __init__(
        self, runtime: ModuleType, kind: str, index: int = 0, pinned: PinnedMemory | None = None
    ) -> None:
        self._runtime = runtime
        self._device = (kind, index)
        self.pinned = pinned

    def on_device(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Return an `OrtValue` on the device."""
        element = np.dtype(dtype).type
        return self._runtime.OrtValue.ortvalue_from_shape_and_type(shape, element, *self._device)

    def on_host(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Return an array of zeros on the host, page-locked if possible."""
        if self.pinned is None:
            return np.zeros(shape, dtype)
        size = math.prod(shape) * np.dtype(dtype).itemsize
        return self.pinned.allocate(size).view(dtype).reshape(shape)


class OutputReader:
    """Copies the output of a bucket to the host, into page-locked buffers if there are any.

    A result in such a buffer is not copied again: the buffer is free when the last view of the
    result is gone.
    """

    def __init__(self, output: Tensor, size: int, allocator: BufferAllocator) -> None:
        self._shape, self._dtype = batch_shape(output, size), output.dtype
        self.value = allocator.on_device(self._shape, self._dtype)
        self._allocator = allocator
        self._free: deque[NDArray[Any]] = deque()
        self._num_buffers = 0

    def read(self, rows: int) -> NDArray[Any]:
        """Return the first rows of the output."""
        pinned = self._allocator.pinned
        if pinned is None:
            found: NDArray[Any] = self.value.numpy()[:rows]
            return found.copy()  # on the CPU it is a view that the next run overwrites
        if not self._free:
            if self._num_buffers == _MAX_HOST_BUFFERS:
                pageable = np.empty((rows, *self._shape[1:]), self._dtype)
                pinned.fetch(self.value.data_ptr(), pageable)
                return pageable
            self._free.append(self._allocator.on_host(self._shape, self._dtype))
            self._num_buffers += 1
        buffer = self._free.popleft()
        pinned.fetch(self.value.data_ptr(), buffer[:rows])
        # A view of an array refers to the array that owns the memory. This one owns a memoryview,
        # so it lives as long as its views.
        result = np.asarray(buffer[:rows].data)
        weakref.finalize(result, self._free.append, buffer).atexit = False
        return result
