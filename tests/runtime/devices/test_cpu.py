from pathlib import Path

import pytest

from ganport_runtime.devices import cpu
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cpu_count import available_cpu_count
from ganport_runtime.devices.row_parallel import RowParallelBackend


@pytest.mark.parametrize(("allow_spinning", "entry"), [(False, "0"), (True, "1")])
def test_threads_and_whether_they_wait_awake(data: Path, allow_spinning: bool, entry: str) -> None:
    backend = open_cpu((data / "tiny.onnx").read_bytes(), place="", allow_spinning=allow_spinning)
    options = backend._session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry
    assert options.intra_op_num_threads == available_cpu_count()


@pytest.mark.parametrize(("cores", "is_laned"), [(1, False), (2, True)])
def test_one_core_has_nothing_to_share(
    data: Path, monkeypatch: pytest.MonkeyPatch, cores: int, is_laned: bool
) -> None:
    monkeypatch.setattr(cpu, "available_cpu_count", lambda: cores)
    backend = open_cpu((data / "tiny.onnx").read_bytes(), place="")
    assert isinstance(backend, RowParallelBackend) is is_laned
    assert backend._session.get_session_options().intra_op_num_threads == cores


def test_a_lane_has_one_thread(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "available_cpu_count", lambda: 2)
    backend = open_cpu((data / "tiny.onnx").read_bytes(), place="")
    assert isinstance(backend, RowParallelBackend)
    assert backend._opened().get_session_options().intra_op_num_threads == 1
