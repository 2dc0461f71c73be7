import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganport_export.__main__ import export_gan

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        (["onnxruntime"], "Run: pip install 'ganport[export,cpu]'"),
        (["onnxscript"], "Run: pip install 'ganport[export]'"),
        (["torch", "onnx", "onnxruntime"], "Run: pip install 'ganport[export,cpu]'"),
    ],
)
def test_a_missing_package_exits_6_with_the_pip_line(monkeypatch, capsys, missing, line):
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("warnings.showwarning", None)  # launch sets it; put back afterwards
    with pytest.raises(SystemExit) as stopped:
        export_gan()
    assert stopped.value.code == 6
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.endswith(f"{line}\n")
    assert all(f"no {package}" in told for package in missing)


def test_the_command_starts_without_torch():
    rooms = os.pathsep.join(str(ROOT / room) for room in ("runtime", "export"))
    program = (
        "import sys, ganport_export.__main__\n"
        "assert not {'torch', 'onnx', 'click'} & set(sys.modules), 'imported too early'\n"
    )
    environment = os.environ | {"PYTHONPATH": rooms}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    import ganport_export

    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        _ = ganport_export.exprot
