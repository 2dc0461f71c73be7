"""Drawing: `Generator.generate` against a bare onnxruntime loop, our noise, our own scenes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from timing import Comparison, Work, compare

from ganport_export import Interface, export
from ganport_models import build_generator
from ganport_runtime import Generator
from ganport_runtime.cpus import usable_cpus
from ganport_runtime.noise import consecutive, normals
from ganport_train import catalogue

_SCENES = 500
_COMMAND = "from ganport_train.commands.draw import draw; draw()"
_DRAW = (sys.executable, "-c", _COMMAND, "shapes", "--count", str(_SCENES))


def comparisons(folder: Path) -> Iterator[Comparison]:
    """At batch 1, 8 and 64 on the CPU, with the `quick` generator and random weights."""
    faces, graph = _bundle(folder)
    for count in (1, 8, 64):
        yield compare(
            f"Generator.generate, {count} pictures: against a bare session",
            lambda count=count: faces.generate(seed=7, count=count),  # type: ignore[misc]
            _bare(graph, faces, count),
        )
    yield compare(
        "noise of 1,024 pictures: against numpy, one generator a picture",
        lambda: normals(consecutive(7, 1024), (64,)),
        lambda: [
            np.random.Generator(np.random.Philox(seed)).standard_normal(64, dtype=np.float32)
            for seed in range(1024)
        ],
    )
    yield compare(
        f"{_SCENES} scenes of 64 pixels: two processes against one",
        lambda: _draw_scenes(folder, workers=2),
        lambda: _draw_scenes(folder, workers=1),
        rounds=5,
    )


def _draw_scenes(folder: Path, workers: int) -> None:
    """As the command does it: what it takes to start counts."""
    out = ("--out", str(folder / "shapes.zip"), "--force")
    subprocess.run([*_DRAW, *out, "--workers", str(workers)], check=True, capture_output=True)


def _bundle(folder: Path) -> tuple[Generator, bytes]:
    conditions = catalogue.load("anime-cgan").vocabulary()
    assert conditions is not None
    recipe = catalogue.load("quick")
    network = build_generator(recipe.network.generator, recipe.shape(conditions)).eval()
    interface = Interface(
        name="bench", z=network.z_shape, resolution=(64, 64), conditions=conditions
    )
    export(network, interface, folder / "bench.ganport", format="onnx", allow_insensitive=True)
    faces = Generator.load(folder / "bench.ganport", device="cpu")
    return faces, faces.bundle.read("generator.onnx")


def _bare(graph: bytes, faces: Generator, count: int) -> Work:
    """The least one could write by hand: same threads, noise and condition made beforehand."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cpus()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    z = normals(consecutive(7, count), (64,))
    condition = faces.conditions.encode_many([{}] * count)
    return lambda: session.run(["image"], {"z": z, "condition": condition})
