"""Page-locked host memory, which a GPU reads and writes directly, through the CUDA runtime."""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from numpy.typing import NDArray

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
