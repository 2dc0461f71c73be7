"""A frozen game: built by the script, it starts where there is no Python."""

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
MOST_MEGABYTES = 200
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
    # Moved, so that nothing can lean on where it was built.
    return Path(shutil.move(out / "built" / "portraits", out / "moved"))


def start(frozen: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the game with an empty environment: no Python, no library path, no home."""
    line: Sequence[str] = [str(frozen / "portraits"), *options]
    return subprocess.run(
        line, env={"PATH": "/nonexistent"}, cwd=folder, capture_output=True, text=True, check=False
    )


def test_it_draws_faces_without_python(frozen: Path, tmp_path: Path) -> None:
    done = start(frozen, tmp_path, "--frames", "90", "--headless", "--save", "screen.png")
    assert done.returncode == 0, done.stderr
    told = re.search(r"^90 frames, (\d+) faces", done.stdout, re.M)
    assert told
    assert int(told[1]) >= 12
    with Image.open(tmp_path / "screen.png") as image:
        portrait = np.asarray(image.convert("RGB"))[80:180, 420:520]
    assert portrait.std() > 20


def test_a_mistake_is_one_line_there_too(frozen: Path, tmp_path: Path) -> None:
    done = start(frozen, tmp_path, "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("error: nowhere: expected a bundle; found no such file.")


def test_it_holds_what_the_game_needs_and_no_more(frozen: Path) -> None:
    inside = frozen / "_internal"
    assert (inside / "ganport_runtime" / "starter.ganport").is_file()
    assert [name for name in FOREIGN if (inside / name).exists()] == []
    size = sum(file.stat().st_size for file in frozen.rglob("*") if not file.is_symlink())
    print(f"frozen game: {size / 1e6:.0f} MB")
    assert size <= MOST_MEGABYTES * 1e6
