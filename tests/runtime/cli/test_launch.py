import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ganport_runtime.extras import PACKAGE_EXTRAS

ROOT = Path(__file__).parents[3]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def run(
    script: str, *, hide: str = "nothing", cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    rooms = [str(ROOT / room) for room in ("runtime", "models", "train", "export")]
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(package=hide) + script],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(rooms)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", SCRIPTS)
@pytest.mark.parametrize("package", ["click", "PIL"])
def test_a_command_without_its_extra_says_what_to_install(command: str, package: str) -> None:
    if (command, package) == ("ganport", "PIL"):
        pytest.skip("ganport itself draws nothing")
    module, _, function = SCRIPTS[command].partition(":")
    result = run(f"import {module}\n{module}.{function}()", hide=package)
    extra = "serve" if command == "serve-gan" else PACKAGE_EXTRAS[module.partition(".")[0]]
    assert result.returncode == 6, result.stderr
    assert f"no {package}" in result.stderr
    assert f"Run: pip install 'ganport[{extra}]'\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_drawing_without_onnxruntime_says_what_to_install(data: Path) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['sample-gan', 'draw', {str(data / 'tiny.ganport')!r}, '--out', 'x.png']\n"
        "from ganport_runtime.__main__ import sample_gan\n"
        "sample_gan()"
    )
    result = run(script, hide="onnxruntime")
    assert result.returncode == 6
    assert "pip install 'ganport[cpu]'" in result.stderr or "ganport[gpu]" in result.stderr


FAILING = """
import click
from ganport_runtime.errors import BundleError, GanportWarning
import warnings

@click.command()
def fails():
    warnings.warn("look out", GanportWarning)
    raise BundleError("here", expected="one", found="another", fix="Export again.")

@click.command()
def breaks():
    open("/nonexistent/file")

def __getattr__(name):
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fails", "warning: look out\nerror: here: expected one; found another. Export again.\n"),
        ("breaks", "error: [Errno 2] No such file or directory: '/nonexistent/file'\n"),
        ("interrupted", "Aborted!\n"),
    ],
)
def test_errors_end_in_one_line(tmp_path: Path, function: str, message: str) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    script = (
        "import sys; sys.argv = ['x']; sys.path.insert(0, '.')\n"
        "from ganport_runtime.cli.launch import launch\n"
        f"launch('failing:{function}', extra='tools', needs=('click',))"
    )
    result = run(script, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == message
