import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ganport_runtime.errors import PACKAGE_EXTRAS

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
    packages = [str(ROOT / package) for package in ("runtime", "models", "train", "export")]
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(package=hide) + script],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(packages)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", SCRIPTS)
@pytest.mark.parametrize("package", ["click", "PIL"])
def test_command_without_a_package_exits_6_with_the_pip_command(command: str, package: str) -> None:
    if (command, package) == ("ganport", "PIL"):
        pytest.skip("ganport itself needs no Pillow")
    module, _, function = SCRIPTS[command].partition(":")
    result = run(f"import {module}\n{module}.{function}()", hide=package)
    extra = "serve" if command == "serve-gan" else PACKAGE_EXTRAS[module.partition(".")[0]]
    assert result.returncode == 6, result.stderr
    assert f"no {package}" in result.stderr
    assert f"Run: pip install 'ganport[{extra}]'\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_draw_without_onnxruntime_exits_6_with_the_pip_command(data: Path) -> None:
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
    warnings.warn("low disk space", GanportWarning)
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
        (
            "fails",
            "warning: low disk space\nerror: here: expected one; found another. Export again.\n",
        ),
        ("breaks", "error: [Errno 2] No such file or directory: '/nonexistent/file'\n"),
        ("interrupted", "Aborted!\n"),
    ],
)
def test_entry_point_prints_errors_as_one_line(tmp_path: Path, function: str, message: str) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    script = (
        "import sys; sys.argv = ['x']; sys.path.insert(0, '.')\n"
        "from ganport_runtime.cli.launch import run_entry_point\n"
        f"run_entry_point('failing:{function}', extra='tools', packages=('click',))"
    )
    result = run(script, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == message
