"""What a user installs: the four packages whole, their data, and nothing generic beside them."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("runtime", "models", "train", "export")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    out = tmp_path_factory.mktemp("dist")
    # hatchling is a test dependency, so no build environment has to be fetched.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("ganport-*.whl")
    return zipfile.Path(path)


def names(wheel: zipfile.Path) -> set[str]:
    return {name for name in wheel.root.namelist() if not name.endswith("/")}


def test_it_holds_every_file_of_the_four_packages(wheel: zipfile.Path) -> None:
    expected = {
        str(file.relative_to(ROOT / room))
        for room in ROOMS
        for file in (ROOT / room / f"ganport_{room}").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert expected <= names(wheel)
    assert "ganport_runtime/starter.ganport" in expected
    assert "ganport_train/recipes/quick.toml" in expected
    assert "ganport_train/evaluation/report/templates/score.html" in expected


def test_it_holds_nothing_else(wheel: zipfile.Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        f"ganport_{room}" for room in ROOMS
    }


def test_it_carries_licence_and_commands(wheel: zipfile.Path) -> None:
    (info,) = (top for top in wheel.iterdir() if top.name.endswith(".dist-info"))
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text()
    scripts = (info / "entry_points.txt").read_text()
    for command in ("ganport", "sample-gan", "train-gan", "eval-gan", "export-gan"):
        assert f"\n{command} = " in scripts


def test_numpy_alone_is_required(wheel: zipfile.Path) -> None:
    (info,) = (top for top in wheel.iterdir() if top.name.endswith(".dist-info"))
    lines = (info / "METADATA").read_text().splitlines()
    required = [line for line in lines if line.startswith("Requires-Dist:") and "extra" not in line]
    assert required == ["Requires-Dist: numpy>=1.26"]


def test_the_starter_draws_from_the_installed_package_alone(
    wheel: zipfile.Path, tmp_path: Path
) -> None:
    wheel.root.extractall(tmp_path / "installed")
    script = (
        "import ganport_runtime as runtime; faces = runtime.Generator.load('starter', 'cpu'); "
        "print(faces.bundle.path, faces.generate('pink hair', seed=7, count=2).shape)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", script]
    told = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
    shipped = tmp_path / "installed" / "ganport_runtime" / "starter.ganport"
    assert told == f"{shipped} (2, 64, 64, 3)\n"
