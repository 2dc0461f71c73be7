"""Tests of the frozen game, which runs without Python."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parents[2] / "examples" / "freeze.sh"
MAX_MEGABYTES = 200
FOREIGN = ("torch", "torchvision", "scipy", "PIL", "ray", "openvino", "onnx", "click")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("frozen")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    line = ["sh", str(SCRIPT), str(out / "built")]
    done = subprocess.run(
        line, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Move the folder, so that it cannot depend on its place of origin.
    return Path(shutil.move(out / "built" / "portraits", out / "moved"))


def start(frozen: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the game with an empty environment: no Python, no library path, no home folder."""
    line: Sequence[str] = [str(frozen / "portraits"), *options]
    return subprocess.run(
        line, env={"PATH": "/nonexistent"}, cwd=folder, capture_output=True, text=True, check=False
    )


def test_frozen_game_generates_faces_without_python(frozen: Path, tmp_path: Path) -> None:
    done = start(frozen, tmp_path, "--frames", "90", "--headless", "--save", "screen.png")
    assert done.returncode == 0, done.stderr
    match = re.search(r"^90 frames, (\d+) faces", done.stdout, re.M)
    assert match
    assert int(match[1]) >= 12
    with Image.open(tmp_path / "screen.png") as image:
        portrait = np.asarray(image.convert("RGB"))[80:180, 420:520]
    assert portrait.std() > 20


def test_frozen_game_prints_an_error_as_one_line(frozen: Path, tmp_path: Path) -> None:
    done = start(frozen, tmp_path, "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("error: nowhere: expected a bundle; found no such file.")


def test_frozen_game_contains_no_other_package(frozen: Path) -> None:
    inside = frozen / "_internal"
    assert (inside / "ganport_runtime" / "starter.ganport").is_file()
    assert [name for name in FOREIGN if (inside / name).exists()] == []
    size = sum(file.stat().st_size for file in frozen.rglob("*") if not file.is_symlink())
    print(f"frozen game: {size / 1e6:.0f} MB")
    assert size <= MAX_MEGABYTES * 1e6
