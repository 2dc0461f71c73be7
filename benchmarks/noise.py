"""Noise from seeds, and the rendering of the project's own scenes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from timing import Comparison, compare

from ganport_runtime.noise import normals, seed_range

_SCENES = 500
_COMMAND = "from ganport_train.cli.dataset_draw import draw; draw()"
_DRAW = (sys.executable, "-c", _COMMAND, "shapes", "--count", str(_SCENES))


def comparisons(folder: Path) -> Iterator[Comparison]:
    """Compare noise with NumPy's, and rendering in two processes with one."""
    yield compare(
        "noise of 1,024 images: NumPy with one generator per image",
        lambda: normals(seed_range(7, 1024), (64,)),
        lambda: [
            np.random.Generator(np.random.Philox(seed)).standard_normal(64, dtype=np.float32)
            for seed in range(1024)
        ],
    )
    yield compare(
        f"{_SCENES} scenes of 64 pixels: two processes against one",
        lambda: _render_scenes(folder, workers=2),
        lambda: _render_scenes(folder, workers=1),
        rounds=5,
    )


def _render_scenes(folder: Path, workers: int) -> None:
    """Run the command, start-up included."""
    out = ("--out", str(folder / "shapes.zip"), "--force")
    subprocess.run([*_DRAW, *out, "--workers", str(workers)], check=True, capture_output=True)
