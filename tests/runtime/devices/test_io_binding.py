import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import GPU_THREAD
from ganport_runtime.devices.io_binding import (
    BoundBackend,
    bucket_size,
    bucket_sizes,
    check_feeds,
    is_out_of_memory,
)
from ganport_runtime.devices.pinned_memory import BufferAllocator


@pytest.fixture
def bound(model: bytes) -> BoundBackend:
    """Return a real session with bound buffers on the CPU."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return BoundBackend("cpu", session, BufferAllocator(onnxruntime, "cpu"), 8, GPU_THREAD)


def feeds(rows: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "z": random.standard_normal((rows, 4)).astype(np.float32),
        "condition": random.random((rows, 5), np.float32),
    }


@pytest.mark.parametrize(
    ("max_rows", "sizes"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (8, [1, 2, 4, 8]),
        (100, [1, 2, 4, 8, 16, 32, 64, 100]),
    ],
)
def test_bucket_sizes_are_powers_of_two_and_the_maximum(max_rows: int, sizes: list[int]) -> None:
    assert bucket_sizes(max_rows) == sizes


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_bucket_size_is_the_smallest_that_holds_the_rows(rows: int, max_rows: int) -> None:
    rows = min(rows, max_rows)
    assert bucket_size(rows, max_rows) == min(n for n in bucket_sizes(max_rows) if n >= rows)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("bfc_arena.cc:360 Available memory of 534016 is smaller than"), True),
        (RuntimeError("bfc_arena.cc:376 Failed to allocate memory for requested buffer"), True),
        (RuntimeError("CUDA failure 2: out of memory ; GPU=0"), True),
        (RuntimeError("CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0"), True),
        (RuntimeError("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("std::bad_alloc"), True),
        (MemoryError(), True),
        (RuntimeError("CUDNN failure 9: CUDNN_STATUS_NOT_SUPPORTED"), False),
    ],
)
def test_is_out_of_memory_knows_the_phrases_of_every_library(
    error: Exception, expected: bool
) -> None:
    assert is_out_of_memory(error) is expected


# A session that really runs out of memory: the arena's, which belongs to the whole process.
LIMITED_SCRIPT = """
import sys, warnings
import numpy as np, onnxruntime
from ganport_runtime.devices.cuda import GPU_THREAD
from ganport_runtime.devices.io_binding import BoundBackend
from ganport_runtime.devices.pinned_memory import BufferAllocator

model, limit, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
info = onnxruntime.OrtMemoryInfo(
    "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
)
arena = onnxruntime.OrtArenaCfg({"max_mem": limit, "arena_extend_strategy": 1})
onnxruntime.create_and_register_allocator(info, arena)
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.add_session_config_entry("session.use_env_allocators", "1")
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
allocator = BufferAllocator(onnxruntime, "cpu")
backend = BoundBackend("cuda:0", session, allocator, 4096, GPU_THREAD)
random = np.random.default_rng(5)
feeds = {x.name: random.random((rows, x.shape[1]), np.float32) for x in backend.inputs}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    first = backend.run(feeds)
    second = backend.run(feeds)
plain = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds)[0]
assert np.array_equal(first, plain) and np.array_equal(second, plain)
print(*(warning.message for warning in caught), sep="\\n")
"""


def run_limited(data: Path, limit: int, rows: int) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, "-c", LIMITED_SCRIPT]
    command = [*script, str(data / "tiny.onnx"), str(limit), str(rows)]
    return subprocess.run(command, capture_output=True, text=True)


def test_out_of_memory_shrinks_the_buckets_with_one_warning(data: Path) -> None:
    result = run_limited(data, 1 << 20, 5000)
    assert result.returncode == 0, result.stderr
    (warning,) = result.stdout.splitlines()
    assert "cuda:0" in warning
    assert "4096" in warning
    assert "512" in warning


def test_too_little_memory_for_one_row_is_a_device_error(data: Path) -> None:
    result = run_limited(data, 1 << 13, 3)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "DeviceError: device 'cuda:0'" in last


def test_bound_run_has_the_bytes_of_an_unbound_run(model: bytes, bound: BoundBackend) -> None:
    plain = open_cpu(model, place="tiny.onnx")
    for rows in (3, 1, 8, 2, 7, 9, 21, 0):
        images = bound.run(feeds(rows, rows))
        assert images.dtype == np.uint8
        assert np.array_equal(images, plain.run(feeds(rows, rows)))


def test_bound_run_returns_a_copy_of_the_buffer(bound: BoundBackend) -> None:
    first = bound.run(feeds(4, 1))
    copy = first.copy()
    assert not np.array_equal(bound.run(feeds(4, 2)), copy)
    assert np.array_equal(first, copy)


def test_threads_share_the_buffers_without_mixing_rows(bound: BoundBackend) -> None:
    expected = [bound.run(feeds(1 + seed % 9, seed)) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        images = pool.map(lambda seed: bound.run(feeds(1 + seed % 9, seed)), range(40))
        assert all(map(np.array_equal, images, expected))


def test_run_options_are_made_once_for_each_bucket(model: bytes) -> None:
    sizes: list[int] = []

    def run_options(size: int) -> Any:
        sizes.append(size)
        options = onnxruntime.RunOptions()
        options.terminate = size == 8  # onnxruntime's own way to refuse a run
        return options

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    allocator = BufferAllocator(onnxruntime, "cpu")
    backend = BoundBackend("cpu", session, allocator, 8, GPU_THREAD, run_options)
    for rows in (3, 4, 1):
        backend.run(feeds(rows))
    with pytest.raises(Exception, match="terminate"):
        backend.run(feeds(5))
    assert sizes == [-1, 4, -1, 1, -1, 8]
    assert len(backend.run(feeds(2))) == 2


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"condition": np.zeros((1, 5), np.float32)}, "length"),
        ({"condition": np.zeros((2, 1), np.float32)}, "condition"),
        ({"z": np.zeros((2, 4))}, "z"),
        ({"z": np.float32(0)}, "z"),
        ({"z": None}, "z"),
        ({"more": np.zeros((2, 1), np.float32)}, "inputs"),
    ],
)
def test_check_feeds_refuses_arrays_that_would_broadcast(
    bound: BoundBackend, change: dict[str, Any], name: str
) -> None:
    wrong = {key: value for key, value in (feeds(2) | change).items() if value is not None}
    with pytest.raises(ValueError, match=name):
        bound.run(wrong)
    assert len(bound.run(feeds(2))) == 2


def test_check_feeds_accepts_the_inputs_of_the_graph() -> None:
    check_feeds({"z": np.zeros((2, 4), np.float32)}, (Tensor("z", "float32", ("batch", 4)),))
