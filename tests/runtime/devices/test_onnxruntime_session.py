import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from ganport_runtime.devices.onnxruntime_session import (
    available_cpu_count,
    cgroup_quota,
    error_summary,
)


def groups(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000"}, 2.0),
        ("0::/gone\n", {"cpu.max": "50000 100000"}, 0.5),
        (
            "4:memory:/x\n3:cpu,cpuacct:/job\n",
            {"cpu/job/cpu.cfs_quota_us": "300000", "cpu/job/cpu.cfs_period_us": "100000"},
            3.0,
        ),
        (
            "3:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            None,
        ),
        ("0::/\n", {"cpu.max": "garbage"}, None),
        ("0::/\n", {"cpu.max": "1 0"}, None),
        ("garbage\n", {}, None),
        ("0::/\n", {}, None),
    ],
)
def test_cgroup_quota_is_the_lowest_of_the_ancestors(
    tmp_path: Path, membership: str, files: dict[str, str], quota: float | None
) -> None:
    root = groups(tmp_path / "root", files)
    (tmp_path / "self").write_text(membership)
    assert cgroup_quota(tmp_path / "self", root) == quota


def test_cgroup_quota_without_control_groups_is_none(tmp_path: Path) -> None:
    assert cgroup_quota(tmp_path / "none", tmp_path) is None


def test_available_cpu_count_respects_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cpu_count() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= available_cpu_count() <= len(before)


def test_error_summary_keeps_the_reason_of_onnxruntime_without_its_place_in_cpp():
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n"])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, None)
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [2, 3])
    node = helper.make_node("Reshape", ["values", "shape"], ["images"])
    graph = helper.make_graph([node], "reshape", [values], [images], [shape])
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    with pytest.raises(Exception, match="Reshape") as caught:
        session.run(None, {"values": np.zeros(5, np.float32)})
    assert ".h:" in str(caught.value)
    summary = error_summary(caught.value)
    assert "The input tensor cannot be" in summary
    assert not any(part in summary for part in (".h:", ".cc:", "::"))
