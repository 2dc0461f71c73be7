"""Every recipe the whole way, at a tiny width: a new recipe is tested by being there.

`make test` takes the few that span the methods; `.ci/run` takes all (`pytest -m matrix`).
"""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner

import ganport_runtime
from ganport_export.cli import export_gan
from ganport_models import Checkpoint
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_models.selection import newest
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.generator import Generator
from ganport_train.cli.train import train_gan
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.runs.checkpoint_manager import NETWORKS, OPTIMIZERS
from ganport_train.runs.metrics import SCORES, read_log
from ganport_train.runs.run_dir import SAMPLES
from ganport_train.synthetic.scene_labels import sample_labels
from ganport_train.synthetic.writer import write_faces, write_shapes

COUNT = 130
"""Images of a set: all pairs of a hair and an eye color, and more."""
TINY = (
    "data.resolution=16",
    "network.base_channels=8",
    "network.z_dim=8",
    "network.embed_dim=8",
    "network.num_levels=1",
    "network.num_blocks=1",
    "training.batch_size=4",
    "training.precision=fp32",
    "ema.bn_calibration_images=128",
    "logging.log_interval=1",
    "logging.eval_images=8",
)
STEPS = 3


def quick_share() -> set[str]:
    """Return recipes that span the methods, the data formats and the condition encodings."""
    chosen, covered = set(), set[str]()
    for name in recipes.names():
        recipe = recipes.load(name)
        data = recipe.data
        traits = {recipe.method.name, f"{data.format} files", f"{data.condition_encoding} encoded"}
        if not traits <= covered:
            chosen.add(name)
            covered |= traits
    return chosen


QUICK = quick_share()
RECIPES = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.matrix)
    for name in recipes.names()
]

DRAW = """
import hashlib, json, sys
import numpy as np
from ganport_runtime import Generator

def drawn(path):
    generator = Generator.load(path, device="cpu")
    height, width = generator.manifest.image.size
    images = np.arange(2 * height * width * 3).astype(np.uint8).reshape(2, height, width, 3)
    results = {
        "generate": lambda: generator.generate(seed=7, count=3),
        "translate": lambda: generator.translate(images),
        "encode": lambda: generator.encode(images),
    }
    return {verb: hashlib.sha256(results[verb]()).hexdigest() for verb in generator.capabilities}
"""
LEAN = """
import sys
sys.path.insert(0, sys.argv[2])
HEAVY = {"click", "PIL", "onnx", "onnxscript", "safetensors", "torch", "torchvision"}
HEAVY |= {"ganport_models", "ganport_train", "ganport_export"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return a drawn data set of each format that a recipe can use."""
    folder = tmp_path_factory.mktemp("sets")
    write_faces(folder / "faces.zip", COUNT, 16)
    write_shapes(folder / "shapes.zip", sample_labels(COUNT, 0), 16)
    write_faces(folder / "celeba", COUNT, 16, attributes=True)
    (folder / "celeba" / "list_attr_celeba.txt").write_text(attributes_table())
    faces = folder / "faces.zip"
    return {
        "auto": faces,
        "tagged_csv": faces,
        "iclevr": folder / "shapes.zip",
        "celeba": folder / "celeba",
    }


def attributes_table() -> str:
    """CelebA's table for drawn faces: the attributes that recipes pin, on and off by chance."""
    pinned = {name for recipe in recipes.names() for name in recipes.load(recipe).data.attributes}
    names = [*sorted(pinned), "Smiling"]
    chance = random.Random(0)
    lines = [f"{n}.png {' '.join(chance.choice(('1', '-1')) for _ in names)}" for n in range(COUNT)]
    return "\n".join([str(COUNT), " ".join(names), *lines]) + "\n"


def run(command: click.Command, *words: str | Path) -> str:
    result = CliRunner().invoke(command, [str(word) for word in words])
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result.output


def settings(recipe: Recipe, steps: int) -> list[str]:
    # The generator must learn within these few steps.
    often = f"method.discriminator_steps={min(STEPS, recipe.method.discriminator_steps)}"
    given = (*TINY, often, f"length.max_images={4 * steps}")
    return [word for text in given for word in ("--set", text)]


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_from_dry_run_to_images_succeeds(
    name: str, sets: Mapping[str, Path], tmp_path: Path
) -> None:
    recipe = recipes.load(name)
    data = sets[recipe.data.format]
    assert "# generator: " in run(
        train_gan, name, "--dry-run", "--data", data, *settings(recipe, STEPS)
    )
    folder = trained(name, recipe, data, tmp_path)
    bundle = tmp_path / "bundle.ganport"
    run(export_gan, perturbed(folder, tmp_path / "perturbed"), "--out", bundle)
    check_pictures(recipe, bundle)


def trained(name: str, recipe: Recipe, data: Path, place: Path) -> Path:
    """Return the last checkpoint of a run, and check that a resumed run ends with the same one."""
    whole, parts = place / "whole", place / "parts"
    run(train_gan, name, "--data", data, "--out", whole, *settings(recipe, STEPS))
    run(train_gan, name, "--data", data, "--out", parts, *settings(recipe, STEPS - 1))
    run(train_gan, "--resume", parts, "--set", f"length.max_images={4 * STEPS}")
    last, again = newest(whole)[0], newest(parts)[0]
    assert last.name == again.name == f"{STEPS:09d}"
    flow = recipe.method.name == "flow"
    assert (last / DIRECTIONS_NAME).exists() == flow
    for file in (WEIGHTS, NETWORKS, *[DIRECTIONS_NAME] * flow):
        assert (last / file).read_bytes() == (again / file).read_bytes(), file
    # Their bytes say which of their words were one object in memory, which tells nothing.
    optimizers = (torch.load(each / OPTIMIZERS, weights_only=True) for each in (last, again))
    torch.testing.assert_close(*optimizers, rtol=0, atol=0)
    sheets = sorted(sheet.name for sheet in (whole / SAMPLES).iterdir())
    assert sheets == ["000000000.png", f"{4 * STEPS:09d}.png"]
    assert [record["step"] for record in read_log(whole)] == [1, 2, 3]
    scores = read_log(whole, SCORES)
    assert [record["step"] for record in scores] == [STEPS] * (recipe.method.name != "translation")
    return last


def perturbed(checkpoint: Path, copy: Path) -> Path:
    """Return a copy of a checkpoint with noise on every weight.

    Layers that start at zero hide their effect, and a network of three steps hardly depends on its
    condition.
    """
    shutil.copytree(checkpoint, copy)
    generator = Checkpoint.load(copy).generator()
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.add_(torch.randn_like(weight) * 0.03)
    safetensors.torch.save_file(generator.state_dict(), copy / WEIGHTS)
    card = json.loads((copy / METADATA).read_text())
    (copy / METADATA).write_text(json.dumps(card | {"files": describe_files(copy)}))
    return copy


def check_pictures(recipe: Recipe, bundle: Path) -> None:
    """Generate images from a bundle in a process without torch."""
    namespace: dict[str, object] = {}
    exec(DRAW, namespace)
    here = namespace["drawn"](bundle)  # type: ignore[operator]
    graphs = {"flow": ["generate", "encode"], "translation": ["translate"]}
    assert sorted(here) == sorted(graphs.get(recipe.method.name, ["generate"]))
    assert bool(Generator.load(bundle).directions) == (recipe.method.name == "flow")
    runtime = Path(ganport_runtime.__file__).parents[1]
    program = f"{LEAN}{DRAW}\nprint(json.dumps(drawn(sys.argv[1])))"
    lean = subprocess.run(
        [sys.executable, "-I", "-c", program, str(bundle), str(runtime)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(lean.stdout) == here


def test_lean_environment_has_no_torch() -> None:
    program = f"{LEAN}\nimport torch"
    runtime = str(Path(ganport_runtime.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-I", "-c", program, "", runtime],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ImportError: torch is not there" in result.stderr
