"""Write the version-1 fixtures: `python tests/contract/make_fixtures.py`.

The files under `fixtures/` were written once, by commit d7dd1f2, and must be read for ever. This
script shows how they came to be. It is not run again: a later commit writes a later schema.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
SCRIPTS = Path(sysconfig.get_path("scripts"))
TINY = (
    "data.resolution=16",
    "network.latent=4",
    "network.embedding=4",
    "network.blocks=1",
    "training.batch=4",
    "training.precision=fp32",
    "logging.keep=1",
    "logging.score_pictures=16",
    "average.refresh=128",
    "average.half_life=100",
    "optimizer.generator_rate=0.004",
    "optimizer.discriminator_rate=0.004",
)


def run(*words: object) -> None:
    command, *arguments = map(str, words)
    subprocess.run([SCRIPTS / command, *arguments], check=True, cwd=FIXTURES)


def train(recipe: str, data: str, out: str, *options: str) -> None:
    """Train a run on CPU and remove what ties it to this machine."""
    settings = [word for option in (*TINY, *options) for word in ("--set", option)]
    run("train-gan", recipe, "--data", data, "--out", out, "--device", "cpu", *settings)
    shutil.rmtree(FIXTURES / out / "samples")
    config = FIXTURES / out / "config.toml"
    config.write_text(config.read_text().replace(str(FIXTURES.resolve()), "/somewhere"))


def main() -> None:
    FIXTURES.mkdir()
    run("ganport", "dataset", "draw", "faces", "--count", 24, "--size", 16, "--out", "faces.zip")
    train("quick", "faces.zip", "faces", "network.features=2", "length.images=1200")
    run("export-gan", "faces", "--out", "faces.ganport/")
    run(
        *("ganport", "dataset", "draw", "faces", "--count", 16, "--size", 16),
        *("--attributes", "--out", "attributes.zip"),
    )
    train(
        *("celeba-stargan", "attributes.zip", "attributes"),
        'data.attributes=["Smiling", "Eyeglasses"]',
        *("network.features=1", "length.images=400"),
    )
    run("export-gan", "attributes", "--format", "onnx", "--out", "attributes.ganport")


if __name__ == "__main__":
    sys.exit(main())
