"""Tests of the wheel: the four packages, their data, the metadata, and nothing else."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("runtime", "models", "train", "export")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    out = tmp_path_factory.mktemp("dist")
    # hatchling is a test dependency, so the build needs no download.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("ganport-*.whl")
    return zipfile.Path(path)


def names(wheel: zipfile.Path) -> set[str]:
    return {name for name in wheel.root.namelist() if not name.endswith("/")}


def test_wheel_contains_every_file_of_the_four_packages(wheel: zipfile.Path) -> None:
    expected = {
        str(file.relative_to(ROOT / name))
        for name in PACKAGES
        for file in (ROOT / name / f"ganport_{name}").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert expected <= names(wheel)
    assert "ganport_runtime/starter.ganport" in expected
    assert "ganport_runtime/starter-sprites.ganport" in expected
    assert "ganport_train/synthetic/sprites/parts.txt" in expected
    assert "ganport_train/recipes/quick.toml" in expected
    assert "ganport_train/starter.safetensors" in expected
    assert "ganport_runtime/studio/page/index.html" in expected
    assert "ganport_train/evaluation/report/templates/score.html" in expected


def test_wheel_contains_the_javascript_package_that_the_studio_imports(wheel: zipfile.Path) -> None:
    source, folder = ROOT / "runtime/js/dist", wheel / "ganport_runtime/studio/js/dist"
    packed = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert packed == {file.name: file.read_bytes() for file in source.glob("*.js")}


def test_studio_adds_at_most_200_kb_to_the_wheel(wheel: zipfile.Path) -> None:
    infos = wheel.root.infolist()
    parts = [info for info in infos if info.filename.startswith("ganport_runtime/studio/")]
    assert 0 < sum(info.compress_size for info in parts) <= 200_000


def test_wheel_contains_nothing_else(wheel: zipfile.Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        f"ganport_{name}" for name in PACKAGES
    }


def test_wheel_contains_license_and_commands(wheel: zipfile.Path) -> None:
    (info,) = (top for top in wheel.iterdir() if top.name.endswith(".dist-info"))
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text()
    scripts = (info / "entry_points.txt").read_text()
    for command in ("ganport", "sample-gan", "train-gan", "eval-gan", "export-gan"):
        assert f"\n{command} = " in scripts


def test_wheel_requires_numpy_alone(wheel: zipfile.Path) -> None:
    (info,) = (top for top in wheel.iterdir() if top.name.endswith(".dist-info"))
    lines = (info / "METADATA").read_text().splitlines()
    required = [line for line in lines if line.startswith("Requires-Dist:") and "extra" not in line]
    assert required == ["Requires-Dist: numpy>=2.0"]


@pytest.mark.skipif(
    find_spec("ganport_onnxruntime_web") is not None, reason="needs an absent package"
)
def test_site_without_its_runtime_names_the_extra(wheel: zipfile.Path, tmp_path: Path) -> None:
    wheel.root.extractall(tmp_path / "installed")
    script = "import sys; sys.argv = ['ganport', 'studio', 'starter', '--out', 'site']; "
    script += "from ganport_runtime.__main__ import ganport; ganport()"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6
    assert "pip install 'ganport[studio]'" in done.stderr
    assert not (tmp_path / "site").exists()


def test_starter_generates_from_installed_package_alone(
    wheel: zipfile.Path, tmp_path: Path
) -> None:
    wheel.root.extractall(tmp_path / "installed")
    script = (
        "import ganport_runtime as runtime; faces = runtime.Generator.load('starter', 'cpu'); "
        "print(faces.bundle.path, faces.generate('pink hair', seed=7, count=2).shape)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", script]
    output = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
    shipped = tmp_path / "installed" / "ganport_runtime" / "starter.ganport"
    assert output == f"{shipped} (2, 64, 64, 3)\n"
