from pathlib import Path

import pytest

from ganport_runtime.cpus import usable_cpus
from ganport_runtime.devices.cpu import open_cpu


@pytest.mark.parametrize(("spinning", "entry"), [(False, "0"), (True, "1")])
def test_threads_and_whether_they_wait_awake(data: Path, spinning: bool, entry: str) -> None:
    backend = open_cpu((data / "tiny.onnx").read_bytes(), place="", spinning=spinning)
    options = backend._session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry
    assert options.intra_op_num_threads == usable_cpus()
