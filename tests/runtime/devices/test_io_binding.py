from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.io_binding import BoundBackend, BufferAllocator, check_feeds
from ganport_runtime.devices.nvidia import GPU_THREAD


@pytest.fixture(scope="module")
def model(data: Path) -> bytes:
    return (data / "tiny.onnx").read_bytes()


@pytest.fixture
def bound(model: bytes) -> BoundBackend:
    """A real session bound to real buffers, which lie on the CPU."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return BoundBackend("cpu", session, BufferAllocator(onnxruntime, "cpu"), 8, GPU_THREAD)


def feeds(rows: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "z": random.standard_normal((rows, 4)).astype(np.float32),
        "condition": random.random((rows, 5), np.float32),
    }


def test_padding_and_cutting_change_no_byte(model: bytes, bound: BoundBackend) -> None:
    plain = open_cpu(model, place="tiny.onnx")
    for rows in (3, 1, 8, 2, 7, 9, 21, 0):
        drawn = bound.run(feeds(rows, rows))
        assert drawn.dtype == np.uint8
        assert np.array_equal(drawn, plain.run(feeds(rows, rows)))


def test_a_result_outlives_the_next_run(bound: BoundBackend) -> None:
    first = bound.run(feeds(4, 1))
    kept = first.copy()
    assert not np.array_equal(bound.run(feeds(4, 2)), kept)
    assert np.array_equal(first, kept)


def test_several_threads_share_the_buffers_without_mixing(bound: BoundBackend) -> None:
    expected = [bound.run(feeds(1 + seed % 9, seed)) for seed in range(40)]
    with ThreadPoolExecutor(4) as pool:
        drawn = pool.map(lambda seed: bound.run(feeds(1 + seed % 9, seed)), range(40))
        assert all(map(np.array_equal, drawn, expected))


def test_run_options_are_those_of_the_bucket(model: bytes) -> None:
    sizes: list[int] = []

    def options(size: int) -> Any:
        sizes.append(size)
        made = onnxruntime.RunOptions()
        made.terminate = size == 8  # onnxruntime's own way to refuse a run
        return made

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    backend = BoundBackend(
        "cpu", session, BufferAllocator(onnxruntime, "cpu"), 8, GPU_THREAD, options
    )
    for rows in (3, 4, 1):
        backend.run(feeds(rows))
    with pytest.raises(Exception, match="terminate"):
        backend.run(feeds(5))
    assert sizes == [4, 1, 8]
    assert len(backend.run(feeds(2))) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"condition": np.zeros((1, 5), np.float32)}, "not equally long"),
        ({"condition": np.zeros((2, 1), np.float32)}, r"condition is not float32 of shape"),
        ({"z": np.zeros((2, 4))}, r"z is not float32 of shape \('batch', 4\)"),
        ({"z": np.float32(0)}, "z is not float32"),
        ({"more": np.zeros((2, 1), np.float32)}, "not those of the graph"),
    ],
)
def test_what_numpy_would_make_fit_is_refused(
    bound: BoundBackend, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        bound.run(feeds(2) | change)
    assert len(bound.run(feeds(2))) == 2


def test_a_missing_input_is_refused(bound: BoundBackend) -> None:
    with pytest.raises(ValueError, match="condition is not float32"):
        bound.run({"z": np.zeros((1, 4), np.float32)})


def test_inputs_agree_on_their_rows() -> None:
    check_feeds({"z": np.zeros((2, 4), np.float32)}, (Tensor("z", "float32", ("batch", 4)),))
