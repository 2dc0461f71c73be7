"""The process in which verify runs graphs, and the code that it loads only with trust."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ganport_runtime import verify as module
from ganport_runtime.bundle import Bundle
from ganport_runtime.child_process import python_module
from ganport_runtime.errors import BundleError, MissingExtraError
from ganport_runtime.verify import Check, check_graphs, verify


def test_graph_that_runs_too_long_is_ended(tiny: Any) -> None:
    """Each of these products is allowed, and together they take longer than the test allows."""

    def add_products(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        name = next(tensor.name for tensor in model.graph.input)
        model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 4096), "f4"), "wide"))
        model.graph.initializer.append(numpy_helper.from_array(np.ones((4096, 4), "f4"), "high"))
        nodes = [helper.make_node("MatMul", [name, "wide"], ["t0"])]
        nodes += [helper.make_node("Tanh", [f"t{i}"], [f"t{i + 1}"]) for i in range(40_000)]
        nodes += [helper.make_node("MatMul", ["t40000", "high"], ["unused"])]
        model.graph.node.extend(nodes)
        result: bytes = model.SerializeToString()
        return result

    tiny.rewrite("generator.onnx", add_products)
    checks = list(verify(Bundle.open(tiny.path), timeout=0.5))
    (last,) = [check for check in checks if check.name == "graphs"]
    assert last.passed is False
    assert "no answer in 0.5 seconds" in last.detail


def test_child_without_onnxruntime_raises_with_the_package(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not here')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="onnxruntime"):
        list(verify(Bundle.open(tiny.path)))


def test_answers_of_a_child_that_are_no_checks_are_ignored(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted code may print anything."""
    command = (*python_module("json.tool")[:-2], "-c", "print('{\"name\": 1}\\n[1]\\n{}')")
    monkeypatch.setattr(module, "python_module", lambda name: command)
    assert "graphs" not in {check.name for check in verify(Bundle.open(tiny.path))}


def refuses(bundle: Bundle) -> Iterable[Check]:
    raise BundleError("here", expected="one", found="another", fix="Export again.")


def lacks(bundle: Bundle) -> Iterable[Check]:
    raise MissingExtraError("extra", expected="torch", found="none", fix="Install it.")


@pytest.mark.parametrize(
    ("name", "passed"), [("refuses", False), ("lacks", None), ("missing", None)]
)
def test_checks_of_other_packages_run_only_with_trust(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, name: str, passed: bool | None
) -> None:
    class Entry:
        module = "ganport_export.formats.torchscript"

        @property
        def name(self) -> str:
            return name

        def load(self) -> Any:
            if name == "missing":
                raise ModuleNotFoundError("No module named 'torch'", name="torch")
            return globals()[name]

    def entries(group: str) -> Iterator[Entry]:
        yield Entry()

    monkeypatch.setattr(module, "entry_points", entries)
    bundle = Bundle.open(tiny.path)
    assert name not in {check.name for check in check_graphs(bundle, trust_code=False)}
    last = list(check_graphs(bundle, trust_code=True))[-1]
    assert (last.name, last.passed) == (name, passed)
    if name == "missing":
        assert "pip install 'ganport[export]'" in last.detail


def test_exported_program_is_not_read(tiny: Any) -> None:
    def add_program(manifest: dict[str, Any]) -> None:
        entry = {"path": "MODEL_CARD.md", "role": "pt2", "precision": "fp32"}
        manifest["graphs"][0]["files"].append(entry)

    tiny.edit(add_program)
    tiny.sign()
    checks = {check.name: check for check in verify(Bundle.open(tiny.path))}
    assert checks["code of MODEL_CARD.md"].passed is None
    assert "--trust-code" in checks["code of MODEL_CARD.md"].detail
    assert not [check for check in checks.values() if check.passed is False]
