import os
import subprocess
import sys
from pathlib import Path

import pytest

import ganport_export
from ganport_export.__main__ import export_gan

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("missing", "extra"),
    [
        (["onnxruntime"], "export,cpu"),
        (["onnxscript"], "export"),
        (["torch", "onnx", "onnxruntime"], "export,cpu"),
    ],
)
def test_command_without_a_package_exits_6_with_the_pip_command(
    monkeypatch, capsys, missing, extra
):
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("warnings.showwarning", None)  # the command sets it; restore it afterwards
    with pytest.raises(SystemExit) as caught:
        export_gan()
    assert caught.value.code == 6
    stderr = capsys.readouterr().err
    assert stderr.count("\n") == 1
    assert stderr.endswith(f"pip install 'ganport[{extra}]'\n")
    assert all(f"no {package}" in stderr for package in missing)


def test_command_module_imports_neither_torch_nor_click():
    packages = os.pathsep.join(str(ROOT / package) for package in ("runtime", "export"))
    program = (
        "import sys, ganport_export.__main__\n"
        "assert not {'torch', 'onnx', 'click'} & set(sys.modules), 'imported too early'\n"
    )
    environment = os.environ | {"PYTHONPATH": packages}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_package_has_no_attribute_of_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        _ = ganport_export.exprot
