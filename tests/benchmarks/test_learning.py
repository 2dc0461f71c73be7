"""`benchmarks/learning.py`: its arithmetic, and a comparison of two tiny variants."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click import UsageError
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Generator, NetworkConfig
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.synthetic.writer import write_faces

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL = "data.resolution=16 network.base_channels=2 ema.bn_calibration_images=128"
TINY = f"quick {SMALL} training.batch_size=4"


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import learning

    return learning


RECORDS = [
    {"seconds": 10.0, "joint": 0.5, "kernel": 20.0},
    {"seconds": 20.0, "joint": 0.9, "kernel": 4.0},
    {"seconds": 30.0, "joint": 0.8, "kernel": 6.0},
]


@pytest.mark.parametrize(
    ("name", "goal", "expected"),
    [
        ("joint", 0.4, 10),
        ("joint", 0.7, 15),
        ("joint", 0.9, 20),
        ("joint", 0.95, None),
        ("kernel", 12, 15),
        ("kernel", 3, None),
    ],
)
def test_seconds_to_a_goal_are_read_off_the_curve(
    learning, name: str, goal: float, expected: float | None
) -> None:
    found = learning.seconds_to(RECORDS, name, goal)
    assert found == (None if expected is None else pytest.approx(expected))


def test_goals_of_a_run_without_a_condition_are_distances(learning) -> None:
    records = [{"variant": "one", "seconds": 10.0, "kernel": 4.0}]
    head, _, line = learning.goals([records])
    assert head == "| variant | kernel 10 | kernel 5 | kernel 3 |"
    assert line == "| one | 10 s | 10 s | - |"


def test_a_slice_ends_by_its_clock(learning) -> None:
    times = iter([5.0, 6.0, 7.5])
    part = learning.Slice(2.0, lambda: next(times))
    assert [part.requested, part.requested, part.requested] == [False, False, True]
    assert part.spent == 2.5


def test_a_variant_takes_the_presets_of_its_device_and_images(learning, tmp_path: Path) -> None:
    write_faces(tmp_path / "faces.zip", 40, 16)
    text = "flagship data.resolution=16"
    recipe = learning.data_recipe([f"one: {text}"])
    dataset = learning.load_data(recipe, tmp_path / "faces.zip", skip_bad=False)
    cpu = torch.device("cpu")
    for options, channels in (("", 16), (" network.base_channels=4", 4)):
        variant = learning.Variant(f"{channels}: {text}{options}", tmp_path, dataset, cpu)
        recipe = variant.trainer.recipe
        assert (recipe.network.base_channels, recipe.augment.policy) == (channels, "growing")


@pytest.mark.long
def test_variants_train_in_turn_resume_and_start_from_a_run(tmp_path: Path) -> None:
    data, judge = tmp_path / "faces.zip", tmp_path / "judge"
    write_faces(data, 200, 16)
    train = ["-m", "ganport_train", "eval", "judge", "--data", str(data), "--out", str(judge)]
    train[2:3] = []
    small = ["--resolution", "16", "--epochs", "1", "--width", "8"]
    command = "from ganport_train.__main__ import eval_gan; eval_gan()"
    subprocess.run([sys.executable, "-c", command, *train[2:], *small], check=True)
    runs = tmp_path / "runs"
    options = ["--data", data, "--unseen", data, "--judge", judge, "--out", runs]
    script = [sys.executable, BENCHMARKS / "learning.py", "--slice", "1", "--device", "cpu"]
    pair = [f"one: {TINY}", f"two: {TINY} training.seed=1"]
    tuned = [f"two: {TINY} training.seed=1", f"three: {TINY} from={runs / 'one'}"]
    for variants, seconds, lines in ((pair, "1", 1), (pair, "2", 2), (tuned, "2", 2)):
        words = [*script, *variants, *options, "--seconds", seconds]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        rows = [line for line in done.stdout.splitlines() if line.startswith("| two |")]
        assert len(rows) == lines + 1


def test_variants_with_other_conditions_are_refused(learning) -> None:
    with pytest.raises(UsageError, match="conditions"):
        learning.data_recipe(["one: anime-cgan", "two: anime-dcgan"])


CONDITIONS = Conditions.one_hots({"shade": ["red", "green", "blue"]})


class ShadeJudge:
    """Reads the brightest channel of an image; its labels have another order."""

    conditions = Conditions.one_hots({"shade": ["blue", "red", "green"]})

    def predict(self, images: NDArray[np.uint8]) -> SimpleNamespace:
        outputs = images.mean(axis=(1, 2))[:, [2, 0, 1]]
        return SimpleNamespace(outputs=outputs.astype(np.float32))


class ShadeGenerator(Generator):
    """Generates images of the requested shade."""

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return condition[:, :, None, None].expand(-1, -1, 16, 16)


def test_accuracies_with_labels_in_another_order_than_the_judges(learning) -> None:
    vectors = np.eye(3, dtype=np.float32)
    dataset = SimpleNamespace(conditions=CONDITIONS, vectors=vectors, image=ImageFormat((16, 16)))
    exam = learning.Exam(ShadeJudge(), dataset)
    generator = ShadeGenerator(NetworkConfig(16, 3, 1, 4, 1))
    assert exam.accuracies(generator) == {"shade": 1.0, "joint": 1.0}
