import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.devices.buckets import bucket_of, bucket_sizes, is_out_of_memory


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (8, [1, 2, 4, 8]),
        (100, [1, 2, 4, 8, 16, 32, 64, 100]),
    ],
)
def test_sizes_double_up_to_the_largest(largest: int, sizes: list[int]) -> None:
    assert bucket_sizes(largest) == sizes


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_bucket_is_the_smallest_that_holds_the_rows(rows: int, largest: int) -> None:
    rows = min(rows, largest)
    assert bucket_of(rows, largest) == min(n for n in bucket_sizes(largest) if n >= rows)


@pytest.mark.parametrize(
    "text",
    [
        "Status Message: bfc_arena.cc:360 Available memory of 534016 is smaller than requested",
        "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 4294967296",
        "CUDA failure 2: out of memory ; GPU=0",
        "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "std::bad_alloc",
    ],
)
def test_out_of_memory_in_the_words_of_every_library(text: str) -> None:
    assert is_out_of_memory(RuntimeError(text))


def test_other_errors_are_not_out_of_memory() -> None:
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("CUDNN failure 9: CUDNN_STATUS_NOT_SUPPORTED"))


# A session whose memory really ends: that of its arena, which belongs to the whole process.
LIMITED = """
import sys, warnings
import numpy as np, onnxruntime
from ganport_runtime.devices.nvidia import GPU_THREAD
from ganport_runtime.devices.io_binding import BoundBackend, BufferAllocator

model, limit, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
place = onnxruntime.OrtMemoryInfo(
    "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
)
arena = onnxruntime.OrtArenaCfg({"max_mem": limit, "arena_extend_strategy": 1})
onnxruntime.create_and_register_allocator(place, arena)
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.add_session_config_entry("session.use_env_allocators", "1")
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
memory = BufferAllocator(onnxruntime, "cpu")
backend = BoundBackend("cuda:0", session, memory, 4096, GPU_THREAD)
random = np.random.default_rng(5)
feeds = {x.name: random.random((rows, x.shape[1]), np.float32) for x in backend.inputs}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    drawn = backend.run(feeds)
    again = backend.run(feeds)
plain = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds)[0]
assert np.array_equal(drawn, plain) and np.array_equal(again, plain)
print(*(warning.message for warning in caught), sep="\\n")
"""


def drawn_within(data: Path, limit: int, rows: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED, str(data / "tiny.onnx"), str(limit), str(rows)]
    return subprocess.run(command, capture_output=True, text=True)


def test_out_of_memory_halves_the_bucket_says_so_once_and_draws_all(data: Path) -> None:
    result = drawn_within(data, 1 << 20, 5000)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "out of memory on cuda:0 with 4096 pictures a run: going on with 512 at most"
    ]


def test_no_memory_for_one_picture_is_an_error_of_the_device(data: Path) -> None:
    result = drawn_within(data, 1 << 13, 3)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "device 'cuda:0': expected memory for one picture; found" in last
    assert last.endswith("Close what else uses the device, or ask for cpu.")
