import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.bundle import Bundle
from ganport_runtime.devices import cpu
from ganport_runtime.devices.cpu import (
    RowParallelBackend,
    open_cpu,
    open_cpu_session,
    split_rows,
)
from ganport_runtime.devices.onnxruntime_session import OnnxBackend, batch_shape

BUNDLES = ["tiny.ganport", "tiny-float.ganport", "tiny-flow.ganport", "tiny-translator.ganport"]
CORES = 3


class SessionOpener:
    """Opens real sessions and records their numbers of threads."""

    def __init__(self, model: bytes, *, allow_spinning: bool = False) -> None:
        self.model = model
        self.allow_spinning = allow_spinning
        self.threads: list[int] = []

    def __call__(self, threads: int) -> Any:
        self.threads.append(threads)
        return open_cpu_session(self.model, "", self.allow_spinning, threads)


def row_parallel(opener: Callable[[int], Any], **options: Any) -> RowParallelBackend:
    """Return a backend that splits every batch of at least three rows from its second run on."""
    options = {"min_seconds": 0.0, "warmup_seconds": 0.0} | options
    return RowParallelBackend(opener, CORES, **options)


def feeds(backend: OnnxBackend, rows: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    shapes = {tensor.name: batch_shape(tensor, rows) for tensor in backend.inputs}
    return {name: random.random(shape, np.float32) for name, shape in shapes.items()}


def pool_threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name.startswith("ganport-cpu")}


@pytest.mark.parametrize(("allow_spinning", "entry"), [(False, "0"), (True, "1")])
def test_open_cpu_session_sets_threads_and_spinning(
    model: bytes, allow_spinning: bool, entry: str
) -> None:
    options = open_cpu_session(model, "", allow_spinning, 2).get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry
    assert options.intra_op_num_threads == 2


@pytest.mark.parametrize(("cores", "kind"), [(1, OnnxBackend), (2, RowParallelBackend)])
def test_open_cpu_runs_rows_in_parallel_only_on_several_cores(
    model: bytes, monkeypatch: pytest.MonkeyPatch, cores: int, kind: type
) -> None:
    monkeypatch.setattr(cpu, "available_cpu_count", lambda: cores)
    assert type(open_cpu(model, place="")) is kind


@given(rows=st.integers(1, 10_000), workers=st.integers(1, 128))
def test_split_rows_covers_all_rows_once_in_equal_parts(rows: int, workers: int) -> None:
    parts = split_rows(rows, workers)
    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) >= min(rows, workers)


@pytest.mark.parametrize(("rows", "stops"), [(64, [16, 32, 48, 64]), (40, [20, 40]), (3, [1, 3])])
def test_split_rows_prefers_parts_of_sixteen(rows: int, stops: list[int]) -> None:
    assert [part.stop for part in split_rows(rows, 2)] == stops


@pytest.mark.parametrize("name", [*BUNDLES, "starter"])
def test_row_parallel_run_has_the_bytes_of_one_session(data: Path, name: str) -> None:
    bundle = Bundle.open(name if name == "starter" else data / name)
    for graph in bundle.manifest.graphs:
        model = bundle.read(bundle.find_onnx(graph.interface)[1].path)
        references = [OnnxBackend("cpu", open_cpu_session(model, "", False, n)) for n in (1, 2)]
        opener = SessionOpener(model)
        backend = row_parallel(opener)
        for rows in (1, 2, 3, 7, 33, 50):
            arrays = feeds(backend, rows, rows)
            expected = [reference.run(arrays) for reference in references]
            found = backend.run(arrays)
            assert found.dtype == expected[0].dtype
            assert found.tobytes() == expected[0].tobytes() == expected[1].tobytes()
        assert opener.threads == [CORES, 1]


def test_concurrent_runs_return_their_own_rows(model: bytes) -> None:
    backend = row_parallel(SessionOpener(model))
    reference = OnnxBackend("cpu", open_cpu_session(model, "", False, 1))
    requests = [feeds(reference, 1 + seed % 40, seed) for seed in range(60)]
    before = pool_threads()
    with ThreadPoolExecutor(6) as pool:
        images = list(pool.map(backend.run, requests))
    assert all(map(np.array_equal, images, map(reference.run, requests)))
    assert len(pool_threads() - before) <= CORES - 1


def test_short_runs_are_not_split(model: bytes) -> None:
    opener = SessionOpener(model)
    backend = row_parallel(opener, min_seconds=3600.0)
    for rows in (1, 2, 9, 50):
        backend.run(feeds(backend, rows))
    assert opener.threads == [CORES]


def test_single_thread_session_opens_after_the_warmup(model: bytes) -> None:
    opener = SessionOpener(model)
    backend = row_parallel(opener, warmup_seconds=3600.0)
    for _ in range(3):
        backend.run(feeds(backend, 9))
    assert opener.threads == [CORES]
    opener = SessionOpener(model)
    backend = row_parallel(opener, warmup_seconds=1e-9)
    backend.run(feeds(backend, 9))  # uses up the budget
    assert opener.threads == [CORES]
    backend.run(feeds(backend, 9))
    assert opener.threads == [CORES, 1]


def test_rows_are_not_split_while_threads_spin(model: bytes) -> None:
    opener = SessionOpener(model, allow_spinning=True)
    backend = row_parallel(opener, allow_spinning=True)
    backend.run(feeds(backend, 1))  # its threads spin for some time
    backend.run(feeds(backend, 9))
    assert opener.threads == [CORES]


def test_pool_threads_end_with_their_backend(model: bytes) -> None:
    before = pool_threads()
    backend = row_parallel(SessionOpener(model))
    for _ in range(2):
        backend.run(feeds(backend, 9))
    started = pool_threads() - before
    assert 1 <= len(started) <= CORES - 1
    del backend
    gc.collect()
    for thread in started:
        thread.join(10)
        assert not thread.is_alive()


def only_positive(rows: str) -> bytes:
    """Return a graph whose output has only the rows of its input with a sum above 0."""
    text = f"""
        <ir_version: 8, opset_import: ["" : 18]>
        positive_rows (float[batch, 2] z) => (float[{rows}, 2] image)
        <int64[1] axis = {{1}}, float zero = {{0}}> {{
            sums = ReduceSum <keepdims = 0> (z, axis)
            positive = Greater(sums, zero)
            image = Compress <axis = 0> (z, positive)
        }}
    """
    serialized: bytes = onnx.parser.parse_model(text).SerializeToString()
    return serialized


def test_graph_that_drops_rows_is_an_error(model: bytes) -> None:
    backend = row_parallel(SessionOpener(only_positive("batch")))
    assert len(backend.run({"z": np.ones((9, 2), np.float32)})) == 9
    with pytest.raises(ValueError, match=r"image is \(0, 2\)"):
        backend.run({"z": np.zeros((9, 2), np.float32)})
    assert len(backend.run({"z": np.ones((9, 2), np.float32)})) == 9


def test_graph_without_a_batch_in_its_output_is_not_split() -> None:
    opener = SessionOpener(only_positive("rows"))
    backend = row_parallel(opener)
    for _ in range(2):
        assert len(backend.run({"z": np.zeros((9, 2), np.float32)})) == 0
    assert opener.threads == [CORES]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore")
def test_forked_process_runs_and_exits(data: Path) -> None:
    script = (
        "import os, sys, numpy as np\n"
        "from functools import partial\n"
        "from ganport_runtime.devices.cpu import RowParallelBackend, open_cpu_session\n"
        "opener = partial(open_cpu_session, open(sys.argv[1], 'rb').read(), '', False)\n"
        "backend = RowParallelBackend(opener, 2, min_seconds=0.0, warmup_seconds=0.0)\n"
        "feeds = {'z': np.ones((9, 4), 'f4'), 'condition': np.ones((9, 5), 'f4')}\n"
        "backend.run(feeds)\n"
        "first = backend.run(feeds)\n"
        "child = os.fork()\n"
        "same = (backend.run(feeds) == first).all()\n"
        "if not child: os._exit(not same)\n"
        "sys.exit(os.waitpid(child, 0)[1] or not same)\n"
    )
    command = [sys.executable, "-c", script, str(data / "tiny.onnx")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, check=True, timeout=60)
