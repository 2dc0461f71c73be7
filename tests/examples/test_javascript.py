"""The examples of the JavaScript package: a folder of images in Node, and a page in Chromium."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.bundle import Bundle
from ganport_runtime.images.encode import read_metadata
from ganport_runtime.studio.site import write_site

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "runtime" / "js"
STARTER = ROOT / "runtime" / "ganport_runtime" / "starter.ganport"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (PACKAGE / "node_modules" / "onnxruntime-node").is_dir(),
    reason="needs Node and the packages of runtime/js: make test-js",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the example, into which the package is installed."""
    shutil.copy(ROOT / "examples" / "node" / "sprites.mjs", tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "ganport").symlink_to(PACKAGE)
    return tmp_path


def sprites(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(NODE), "sprites.mjs", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_sprites_example_writes_the_images_of_python_and_a_sheet(project: Path) -> None:
    done = sprites(project, str(STARTER), "out", "5", "pink hair")
    assert done.returncode == 0, done.stderr
    generator = Generator.load("starter", "cpu")
    expected = generator.generate("pink hair", seed=0, count=5)
    files = [project / "out" / f"{seed:04}.png" for seed in range(5)]
    written = np.stack([np.asarray(Image.open(file)) for file in files])
    assert np.abs(written.astype(int) - expected.astype(int)).max() <= 1
    metadata = read_metadata(files[3])
    assert metadata["ganport.digest"] == generator.bundle.digest
    recipe = {"seed": "3", "condition": generator.conditions.complete("pink hair")}
    assert json.loads(metadata["ganport.pictures"]) == [recipe]
    sheet = np.asarray(Image.open(project / "out" / "sheet.png"))
    index = json.loads((project / "out" / "sheet.json").read_text())
    frame = index["frames"][4]["frame"]
    cell = sheet[frame["y"] : frame["y"] + frame["h"], frame["x"] : frame["x"] + frame["w"]]
    assert np.array_equal(cell, written[4])


def test_sprites_example_explains_an_error_without_a_stack_trace(project: Path) -> None:
    done = sprites(project, str(STARTER), "out", "1", "pnik hair")
    assert done.returncode == 1
    assert "Did you mean 'pink'?" in done.stderr
    assert "    at " not in done.stderr
    assert not (project / "out").exists()
    assert sprites(project).returncode == 2


@pytest.mark.long
@pytest.mark.skipif(
    not shutil.which("chromium") and not shutil.which("chromium-browser"), reason="needs Chromium"
)
def test_pages_work_in_chromium(tmp_path: Path) -> None:
    write_site(Bundle.open("starter"), tmp_path / "site")
    command = ["npm", "run", "--silent", "test:browser"]
    environment = os.environ | {"SITE": str(tmp_path / "site")}
    done = subprocess.run(
        command, cwd=PACKAGE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]
