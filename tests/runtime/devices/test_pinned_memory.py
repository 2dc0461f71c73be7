"""Page-locked memory with a stand-in for the CUDA runtime, whose device memory is the host's."""

import ctypes
import gc
import mmap
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import pytest

from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import GPU_THREAD
from ganport_runtime.devices.io_binding import BoundBackend
from ganport_runtime.devices.pinned_memory import BufferAllocator, PinnedMemory, release_now


class FakeCudart:
    """Records each call with its thread; copies work, because both memories are the host's."""

    def __init__(self, *, lock_code: int = 0) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self.lock_code = lock_code

    def named(self, name: str) -> list[int]:
        return [value for call, _, value in self.calls if call == name]

    def _record(self, name: str, value: int) -> None:
        self.calls.append((name, threading.current_thread().name, value))

    def cudaSetDevice(self, index: int) -> int:  # noqa: N802
        self._record("set", index)
        return 0

    def cudaHostRegister(self, address: Any, size: Any, flags: int) -> int:  # noqa: N802
        assert flags == 1
        assert size.value > 0
        self._record("lock", address.value)
        return self.lock_code

    def cudaHostUnregister(self, address: Any) -> int:  # noqa: N802
        ctypes.string_at(address, 1)  # a process that reads unmapped pages is killed
        self._record("unlock", address.value)
        return 0

    def cudaGetLastError(self) -> int:  # noqa: N802
        self._record("clear", 0)
        return 0

    def cudaMemcpy(self, target: Any, source: Any, size: Any, kind: int) -> int:  # noqa: N802
        assert kind == 2
        ctypes.memmove(target, source, size.value)
        self._record("copy", size.value)
        return 0


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    gc.collect()
    release_now()
    yield


def feeds(rows: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "z": random.standard_normal((rows, 4)).astype(np.float32),
        "condition": random.random((rows, 5), np.float32),
    }


def bound(model: bytes, cudart: FakeCudart, index: int = 0) -> BoundBackend:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    allocator = BufferAllocator(onnxruntime, "cpu", pinned=PinnedMemory(cudart, index))
    return BoundBackend(f"cuda:{index}", session, allocator, 8, GPU_THREAD)


def test_allocate_locks_pages_of_its_own() -> None:
    cudart = FakeCudart()
    pinned = PinnedMemory(cudart, 1)
    arrays = [pinned.allocate(size) for size in (1, 3, 5000)]
    addresses = [array.ctypes.data for array in arrays]
    assert all(address % mmap.PAGESIZE == 0 for address in addresses)
    assert len({address // mmap.PAGESIZE for address in addresses}) == 3
    assert [call for call, _, _ in cudart.calls] == ["set", "lock"] * 3
    assert cudart.named("lock") == addresses
    assert not any(array.any() for array in arrays)
    arrays[0][:] = 7
    assert arrays[0].tolist() == [7]


def test_memory_that_cannot_be_locked_is_used_without_an_unlock() -> None:
    cudart = FakeCudart(lock_code=712)
    array = PinnedMemory(cudart, 0).allocate(100)
    assert [call for call, _, _ in cudart.calls] == ["set", "lock", "clear"]
    array[:] = 1
    del array
    gc.collect()
    release_now()
    assert cudart.named("unlock") == []


def test_dropped_memory_is_unlocked_on_the_gpu_thread_before_its_next_work(model: bytes) -> None:
    cudart = FakeCudart()
    memory = PinnedMemory(cudart, 0).allocate(5000)
    address = memory.ctypes.data
    del memory
    gc.collect()
    assert cudart.named("unlock") == []
    bound(model, FakeCudart()).run(feeds(1, 0))
    ((_, thread, unlocked),) = [call for call in cudart.calls if call[0] == "unlock"]
    assert unlocked == address
    assert thread.startswith("ganport-gpu")


def test_session_of_a_dropped_backend_is_freed_on_the_gpu_thread(model: bytes) -> None:
    cudart = FakeCudart()
    backend = bound(model, cudart)
    backend.run(feeds(3, 0))
    del backend
    gc.collect()
    assert cudart.named("unlock") == []
    bound(model, FakeCudart()).run(feeds(1, 0))  # closes the backend, which drops its buffers
    bound(model, FakeCudart()).run(feeds(1, 0))
    assert sorted(cudart.named("unlock")) == sorted(cudart.named("lock"))
    assert {thread[:11] for _, thread, _ in cudart.calls} == {"ganport-gpu"}


def test_calls_select_only_the_device_of_the_memory(model: bytes) -> None:
    cudart = FakeCudart()
    bound(model, cudart, index=3).run(feeds(5, 0))
    assert set(cudart.named("set")) == {3}


def test_results_are_not_copied_and_stay_valid(model: bytes) -> None:
    cudart = FakeCudart()
    backend, plain = bound(model, cudart), open_cpu(model, place="")
    kept = []
    for seed in range(12):
        image = backend.run(feeds(3, seed))
        kept.append(image[1:][::-1] if seed % 2 else image)  # views alone keep a buffer in use
        del image
        gc.collect()
    for seed, image in enumerate(kept):
        expected = plain.run(feeds(3, seed))
        assert np.array_equal(image, expected[1:][::-1] if seed % 2 else expected)
    # Two inputs, and four buffers of the output: later results are pageable.
    assert len(cudart.named("lock")) == 6
    kept.clear()
    gc.collect()
    addresses = set()
    for seed in range(8):
        image = backend.run(feeds(3, seed))
        addresses.add(image.ctypes.data)
        del image
    assert len(cudart.named("lock")) == 6
    assert addresses < set(cudart.named("lock"))


def test_copy_that_fails_raises_with_the_device(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    cudart = FakeCudart()
    monkeypatch.setattr(cudart, "cudaMemcpy", lambda *_: 700)
    with pytest.raises(RuntimeError, match="cuda:0 failed with code 700"):
        bound(model, cudart).run(feeds(1, 0))


@pytest.mark.parametrize("version", ["", "99.0"])
def test_pinned_memory_without_the_cuda_runtime_is_none(version: str) -> None:
    assert PinnedMemory.find(version, 0) is None
