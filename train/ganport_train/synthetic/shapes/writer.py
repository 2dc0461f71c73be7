"""A set of drawn scenes in the format of i-CLEVR."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ganport_runtime.errors import GanportError
from ganport_train.synthetic import datasets
from ganport_train.synthetic.shapes.labels import Labels
from ganport_train.synthetic.shapes.render import draw_scene
from ganport_train.synthetic.shapes.scene import Scene

_STEP = re.compile(r"(_\d)?\.png$")

Job = tuple[str, Sequence[str]]


def write_shapes(
    out: Path,
    labels: Labels,
    size: int,
    *,
    seed: int = 0,
    workers: int = 1,
    replace: bool = False,
    progress: datasets.Progress = iter,
) -> None:
    """Draw the pictures of `labels`, of `size` pixels, into `out`: a zip if it is called so.

    A picture depends on (seed, its name, its objects) alone; NAME_0.png, NAME_1.png and
    NAME_2.png show one scene. `out` is written by `write_dataset`. Raises GanportError for numbers
    out of range, an `out` that holds the label file, and the errors of `write_dataset`.
    """
    datasets.check_range("size", size, datasets.SIZES)
    datasets.check_range("seed", seed, datasets.SEEDS)
    _check_apart(out, labels)
    contents = datasets.DatasetSpec(
        "drawn shapes",
        tables=labels.tables(),
        jobs={name: (scene_of(name), objects) for name, objects in labels.pictures.items()},
        draw=partial(_png, seed=seed, size=size),
    )
    datasets.write_dataset(out, contents, workers=workers, replace=replace, progress=progress)


def scene_of(name: str) -> str:
    """Return what the names of the pictures of one scene share."""
    return _STEP.sub("", name)


def _png(job: Job, *, seed: int, size: int) -> bytes:
    buffer = io.BytesIO()
    draw_scene(Scene.of(seed, *job), size).save(buffer, "PNG")
    return buffer.getvalue()


def _check_apart(out: Path, labels: Labels) -> None:
    # With --force, the data set that the labels came from would make room for the drawn one.
    if labels.source is not None and labels.source.resolve().is_relative_to(out.resolve()):
        raise GanportError(
            str(out),
            expected="another place than that of the label file",
            found=f"{labels.source.name} inside it" if out.is_dir() else "the label file",
            fix="Choose another name.",
        )
