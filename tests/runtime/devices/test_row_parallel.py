import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.bundle import Bundle
from ganport_runtime.devices import row_parallel
from ganport_runtime.devices.cpu import _open_session
from ganport_runtime.devices.onnxruntime_session import OnnxBackend, batch_shape
from ganport_runtime.devices.row_parallel import RowParallelBackend, split_rows

BUNDLES = ["tiny.ganport", "tiny-float.ganport", "tiny-flow.ganport", "tiny-translator.ganport"]
CORES = 3


@pytest.fixture(scope="module")
def model(data: Path) -> bytes:
    return (data / "tiny.onnx").read_bytes()


def laned(model: bytes, *, allow_spinning: bool = False) -> RowParallelBackend:
    """Whose rows are cut from the first run on, on any machine."""
    opener = partial(_open_session, model, "", allow_spinning)
    backend = RowParallelBackend("cpu", opener, CORES, allow_spinning)
    backend._debt = 0.0
    return backend


@pytest.fixture
def always_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_parallel, "_WORTH", 0.0)


def feeds(backend: OnnxBackend, rows: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    shapes = {tensor.name: batch_shape(tensor, rows) for tensor in backend.inputs}
    return {name: random.random(shape, np.float32) for name, shape in shapes.items()}


def helpers() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name.startswith("ganport-lane")}


@given(rows=st.integers(1, 10_000), hands=st.integers(1, 128))
def test_parts_are_all_rows_once_and_alike(rows: int, hands: int) -> None:
    parts = split_rows(rows, hands)
    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) >= min(rows, hands)


def test_how_large_parts_are() -> None:
    assert [part.stop for part in split_rows(64, 2)] == [16, 32, 48, 64]
    assert [part.stop for part in split_rows(40, 2)] == [20, 40]
    assert [part.stop for part in split_rows(3, 2)] == [1, 3]


@pytest.mark.usefixtures("always_worth")
@pytest.mark.parametrize("name", [*BUNDLES, "starter"])
def test_cutting_changes_no_byte(data: Path, name: str) -> None:
    bundle = Bundle.open(name if name == "starter" else data / name)
    for graph in bundle.manifest.graphs:
        model = bundle.read(bundle.onnx(graph.interface)[1].path)
        wholes = [OnnxBackend("cpu", _open_session(model, "", False, n)) for n in (1, 2)]
        backend = laned(model)
        for rows in (1, 2, 3, 7, 33, 50):
            fed = feeds(backend, rows, rows)
            expected = [whole.run(fed) for whole in wholes]
            found = backend.run(fed)
            assert found.dtype == expected[0].dtype
            assert found.tobytes() == expected[0].tobytes() == expected[1].tobytes()
        assert backend._lane  # all this was not for nothing


@pytest.mark.usefixtures("always_worth")
def test_several_callers_get_their_own_rows(model: bytes) -> None:
    backend, whole = laned(model), OnnxBackend("cpu", _open_session(model, "", False, 1))
    asked = [feeds(whole, 1 + seed % 40, seed) for seed in range(60)]
    with ThreadPoolExecutor(6) as pool:
        drawn = list(pool.map(backend.run, asked))
    assert all(map(np.array_equal, drawn, map(whole.run, asked)))
    assert backend._team._callers == 0
    assert len(backend._team._tasks) <= CORES - 1


def test_what_is_not_worth_it_is_not_cut(model: bytes) -> None:
    backend = laned(model)
    for rows in (1, 1, 2, 2):  # at the pace of so small a graph
        backend.run(feeds(backend, rows))
    backend._pace = row_parallel._WORTH / 40
    backend.run(feeds(backend, 39))
    assert backend._lane is None
    backend._pace = row_parallel._WORTH / 40
    backend.run(feeds(backend, 48))
    assert backend._lane


@pytest.mark.usefixtures("always_worth")
def test_a_lane_is_opened_once_runs_have_taken_as_long_as_that(model: bytes) -> None:
    backend = laned(model)
    backend._debt = 3600.0
    backend.run(feeds(backend, 9))
    assert 3500 < backend._debt < 3600
    assert backend._lane is None
    backend._debt = 1e-9
    backend.run(feeds(backend, 9))
    assert backend._lane is None
    backend.run(feeds(backend, 9))
    assert backend._lane


@pytest.mark.parametrize("allow_spinning", [False, True])
def test_one_row_is_tried_on_one_core(model: bytes, allow_spinning: bool) -> None:
    backend = laned(model, allow_spinning=allow_spinning)
    fed = feeds(backend, 1)
    expected = backend.run(fed)
    assert backend._lane is None
    for _ in range(800):  # at some hundredths of a millisecond each: the opening, then the trials
        assert np.array_equal(backend.run(fed), expected)
    assert (backend._lane is None) == allow_spinning
    assert (backend._lone._other is None) == allow_spinning


@pytest.mark.usefixtures("always_worth")
def test_threads_that_wait_awake_are_let_sleep_first(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_parallel, "_AWAKE", 3600.0)
    backend = laned(model, allow_spinning=True)
    backend.run(feeds(backend, 9))
    assert backend._lane
    backend.run(feeds(backend, 1))
    assert backend._debt == 3600
    backend.run(feeds(backend, 9))
    assert 3500 < backend._debt < 3600  # not cut, but nearer to it


@pytest.mark.usefixtures("always_worth")
def test_helpers_end_with_their_backend(model: bytes) -> None:
    before = helpers()
    backend = laned(model)
    backend.run(feeds(backend, 9))
    hired = helpers() - before
    assert len(hired) == CORES - 1
    del backend
    gc.collect()
    for thread in hired:
        thread.join(10)
        assert not thread.is_alive()


def only_positive(rows: str) -> bytes:
    """A graph whose output has only those rows of its input whose sum is above 0."""
    text = f"""
        <ir_version: 8, opset_import: ["" : 18]>
        rows_of (float[batch, 2] z) => (float[{rows}, 2] image)
        <int64[1] axis = {{1}}, float zero = {{0}}> {{
            sums = ReduceSum <keepdims = 0> (z, axis)
            positive = Greater(sums, zero)
            image = Compress <axis = 0> (z, positive)
        }}
    """
    serialized: bytes = onnx.parser.parse_model(text).SerializeToString()
    return serialized


@pytest.mark.usefixtures("always_worth")
def test_a_graph_that_draws_fewer_rows_than_it_is_fed_is_found_out() -> None:
    backend = laned(only_positive("batch"))
    with pytest.raises(ValueError, match=r"image is \(0, 2\), not \(3, 2\)"):
        backend.run({"z": np.zeros((9, 2), np.float32)})
    assert backend._team._callers == 0
    assert len(backend.run({"z": np.ones((9, 2), np.float32)})) == 9


@pytest.mark.usefixtures("always_worth")
def test_what_does_not_declare_rows_is_never_cut() -> None:
    backend = laned(only_positive("rows"))
    fed = np.zeros((9, 2), np.float32)
    assert len(backend.run({"z": fed})) == 0
    assert backend._lane is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore")
def test_a_fork_draws_and_a_program_ends(data: Path) -> None:
    script = (
        "import os, sys, numpy as np\n"
        "from ganport_runtime.devices import cpu, row_parallel\n"
        "cpu.available_cpu_count, row_parallel._WORTH = lambda: 2, 0.0\n"
        "backend = cpu.open_cpu(open(sys.argv[1], 'rb').read(), place='')\n"
        "fed = {'z': np.ones((9, 4), 'f4'), 'condition': np.ones((9, 5), 'f4')}\n"
        "backend.run(fed); backend._debt = 0\n"
        "first = backend.run(fed)\n"
        "child = os.fork()\n"
        "same = (backend.run(fed) == first).all()\n"
        "if not child: os._exit(not same)\n"
        "sys.exit(os.waitpid(child, 0)[1] or not same)\n"
    )
    command = [sys.executable, "-c", script, str(data / "tiny.onnx")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, check=True, timeout=60)
