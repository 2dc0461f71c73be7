"""The local pages in Chromium: `runtime/js/test/pages` drives them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_train.data.check import check_dataset

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "runtime" / "js"
RUN = ROOT / "tests" / "contract" / "fixtures" / "faces"
GANPORT = [sys.executable, "-c", "from ganport_runtime.__main__ import ganport; ganport()"]
COLORS = ((220, 40, 40), (40, 180, 60), (50, 70, 220))

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (shutil.which("chromium") or shutil.which("chromium-browser"))
        or not (PACKAGE / "node_modules" / "axe-core").is_dir(),
        reason="needs Chromium, and the packages of runtime/js: make test-js",
    ),
]


@contextmanager
def page_of(*command: str | Path) -> Iterator[str]:
    """Start a command that serves a page; yield its address."""
    arguments = [*GANPORT, *map(str, command), "--no-browser"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def make_images(folder: Path) -> None:
    """Write 36 noisy images of three colors in turn."""
    folder.mkdir(parents=True)
    for index in range(36):
        noise = np.random.default_rng(index).integers(-30, 30, (24, 24, 3))
        pixels = np.clip(np.array(COLORS[index % 3]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")


def make_run(folder: Path) -> None:
    shutil.copytree(RUN, folder)
    (folder / "samples").mkdir()
    for images in (0, 1200):
        Image.new("RGB", (300, 400), "teal").save(folder / "samples" / f"{images:09d}.png")


def test_pages_work_in_a_browser_and_leave_a_dataset(tmp_path: Path) -> None:
    folder, run = tmp_path / "colors", tmp_path / "run"
    make_images(folder / "images")
    make_run(run)
    with page_of("dataset", "tag", folder) as tagger, page_of("studio", run) as run_page:
        names = {"TAGGER": tagger, "RUN": run_page, "RUN_FOLDER": str(run)}
        done = subprocess.run(
            ["npm", "run", "--silent", "test:pages"],
            cwd=PACKAGE,
            env=os.environ | {f"PAGES_{name}": value for name, value in names.items()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20000:]
    report = check_dataset(folder, resolution=16)
    assert report.errors == 0
    assert report.conditions.labels == {"color": {"blue": 12, "dark-red": 12, "green": 11}}
    rows = (folder / "metadata.csv").read_text().splitlines()
    assert rows[0] == "file_name,color"
    names = ("dark-red", "green", "blue")
    for row in rows[1:]:
        name, label = row.split(",")
        assert label == names[int(Path(name).stem) % 3]
