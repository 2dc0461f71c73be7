"""Runs of a few fixed sizes, for devices that prepare each size of batch apart."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.devices.onnxruntime_session import error_summary
from ganport_runtime.errors import DeviceError, GanportWarning

Feeds = Mapping[str, NDArray[Any]]
# How CUDA, cuDNN, cuBLAS and onnxruntime's arenas say it; they share no exception.
_OUT_OF_MEMORY = (
    "out of memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
    "failed to allocate memory",
    "available memory of",
)


class Bucket(Protocol):
    """One size of run: it pads what it is fed to its size, and returns as many rows as came."""

    def run(self, feeds: Feeds) -> NDArray[Any]: ...


class Buckets:
    """Batches of any length as runs of 1, 2, 4 … `largest` rows, one at a time.

    `open_bucket` makes the bucket of a size when it is first needed. A bucket that finds too
    little memory is given up together with all larger ones: half its size is then the largest,
    which a `GanportWarning` says, and the batch is drawn all the same. Not for several threads.
    """

    def __init__(self, open_bucket: Callable[[int], Bucket], largest: int, device: str) -> None:
        self.largest = largest
        self._open_bucket = open_bucket
        self._device = device
        self._buckets: dict[int, Bucket] = {}

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """The first output for all rows; raises `DeviceError` without memory for even one."""
        rows = len(next(iter(feeds.values())))
        parts: list[NDArray[Any]] = []
        before, done = self.largest, 0
        while done < rows or not parts:
            part = slice(done, min(done + self.largest, rows))
            size = bucket_of(part.stop - done, self.largest)
            try:
                parts.append(self._bucket(size).run({n: x[part] for n, x in feeds.items()}))
                done = part.stop
            except Exception as error:  # the exceptions of the engines have no common base
                if not is_out_of_memory(error):
                    raise
                self._give_up(size, error)
        if self.largest < before:
            self._warn(before)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _bucket(self, size: int) -> Bucket:
        if size not in self._buckets:
            self._buckets[size] = self._open_bucket(size)
        return self._buckets[size]

    def _give_up(self, size: int, error: Exception) -> None:
        if size == 1:
            raise DeviceError(
                f"device {self._device!r}",
                expected="memory for one picture",
                found=error_summary(error),
                fix="Close what else uses the device, or ask for cpu.",
            ) from error
        self.largest = size // 2
        self._buckets = {n: bucket for n, bucket in self._buckets.items() if n <= self.largest}

    def _warn(self, before: int) -> None:
        warnings.warn(
            f"out of memory on {self._device} with {before} pictures a run: "
            f"going on with {self.largest} at most",
            GanportWarning,
            stacklevel=4,
        )


def bucket_sizes(largest: int) -> list[int]:
    """1, 2, 4 … as long as they are smaller, and `largest`."""
    return [*(1 << power for power in range((largest - 1).bit_length())), largest]


def bucket_of(rows: int, largest: int) -> int:
    """The smallest size that holds so many rows, of at most `largest`."""
    return min(1 << max(rows - 1, 0).bit_length(), largest)


def is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(phrase in text for phrase in _OUT_OF_MEMORY)
