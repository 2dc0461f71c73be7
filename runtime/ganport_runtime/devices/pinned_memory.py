"""Host memory that a GPU reads and writes by itself: page-locked, by the CUDA runtime library."""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from numpy.typing import NDArray

_PORTABLE = 1  # cudaHostRegisterPortable
_TO_HOST = 2  # cudaMemcpyDeviceToHost


class PinnedMemory:
    """Locks the pages of arrays for CUDA device `index`, and copies from there into them.

    `library` is the CUDA runtime (cudart) that onnxruntime itself has loaded.
    """

    def __init__(self, library: Any, index: int) -> None:
        self._library = library
        self._index = index

    @classmethod
    def find(cls, cuda_version: str, index: int) -> Self | None:
        """Those of the CUDA that onnxruntime was built for ("13.0"), or None where it is absent."""
        major = cuda_version.partition(".")[0]
        name = f"cudart64_{major}.dll" if sys.platform == "win32" else f"libcudart.so.{major}"
        try:
            return cls(ctypes.CDLL(name), index) if major else None
        except OSError:
            return None

    def lock(self, array: NDArray[Any]) -> None:
        """Lock the array's memory for as long as it lives; where that fails it stays as it is."""
        address = ctypes.c_void_p(array.ctypes.data)
        with self._on_device():
            if self._library.cudaHostRegister(address, ctypes.c_size_t(array.nbytes), _PORTABLE):
                # Else onnxruntime would find this error after its own next call, and stop.
                self._library.cudaGetLastError()
            else:
                weakref.finalize(array, self._library.cudaHostUnregister, address)

    def fetch(self, address: int, array: NDArray[Any]) -> None:
        """Copy from that address of the device until the array, which is contiguous, is full."""
        target, source = ctypes.c_void_p(array.ctypes.data), ctypes.c_void_p(address)
        size = ctypes.c_size_t(array.nbytes)
        with self._on_device():
            code = self._library.cudaMemcpy(target, source, size, _TO_HOST)
        if code:
            raise RuntimeError(f"cudaMemcpy from cuda:{self._index} failed with code {code}")

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        # The current device belongs to the thread, and with it to whoever else uses CUDA there.
        before = ctypes.c_int()
        self._library.cudaGetDevice(ctypes.byref(before))
        self._library.cudaSetDevice(self._index)
        try:
            yield
        finally:
            self._library.cudaSetDevice(before)
