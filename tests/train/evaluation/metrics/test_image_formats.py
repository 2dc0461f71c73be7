"""Every score compares alpha: images whose colors are equal differ by their alpha alone."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from ganport_models import Generator, NetworkConfig
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.data import Dataset
from ganport_train.data.dataset import Images
from ganport_train.engine.validation import CheckpointEvaluator
from ganport_train.evaluation.judge.judge import extract_features
from ganport_train.evaluation.judge.network import JudgeNetwork
from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.metrics.diversity import DiversityPlan, spread_metrics
from ganport_train.evaluation.metrics.grain import grain_metrics
from ganport_train.evaluation.metrics.memorization import memorization_metrics
from ganport_train.evaluation.metrics.quality import Reference, quality_metrics

SIDE, COUNT = 16, 128
RGBA = ImageFormat((SIDE, SIDE), "rgba")
CPU = torch.device("cpu")


def black_disks(seed: int, count: int = COUNT) -> Images:
    """Return uint8 (count, 16, 16, 4) images: a black disk of alpha 255 on a clear ground."""
    random = np.random.default_rng(seed)
    rows, columns = random.uniform(5, 11, (2, count, 1, 1))
    y, x = np.indices((SIDE, SIDE))
    inside = (y - rows) ** 2 + (x - columns) ** 2 < random.uniform(2, 5, (count, 1, 1)) ** 2
    images = np.zeros((count, SIDE, SIDE, 4), np.uint8)
    images[..., 3] = 255 * inside
    return images


def opaque(images: Images) -> Images:
    """Return a copy with an alpha of 255 everywhere."""
    copy = images.copy()
    copy[..., 3] = 255
    return copy


def measure(images: Images) -> dict[str, Metric]:
    """Return the metrics of a report for generated images, against disks."""
    torch.manual_seed(0)
    network = JudgeNetwork(1, 4, channels=4).eval()
    extract = partial(extract_features, network, image=RGBA, device=CPU)
    real = black_disks(1, 2 * COUNT)
    reference = Reference.of(extract(real), np.zeros((len(real), 0), np.float32), COUNT, seed=0)
    rows = np.arange(COUNT)
    plan = DiversityPlan([rows], np.zeros((16, 0), np.float32), shared=True)
    return {
        **quality_metrics("judge", [extract(images)], reference),
        **spread_metrics(plan, [images[:16]], real[rows], extract),
        **grain_metrics([images], real),
        **memorization_metrics([images], real, rows, rows + COUNT)[0],
    }


def test_every_metric_of_a_report_sees_alpha() -> None:
    alike, other = measure(black_disks(2)), measure(opaque(black_disks(2)))
    for name in ("judge_kernel", "judge_frechet"):
        assert other[name].value > 10 * abs(alike[name].value), name
    for name in ("judge_coverage", "judge_recall", "spread_pixels", "spread_features"):
        assert other[name].value < 0.1 < 0.7 < alike[name].value, name
    for name in ("grain_checker", "grain_octave"):
        assert (other[name].value, alike[name].value) == (0, pytest.approx(1, abs=0.15)), name
    assert other["distance_ratio"].value > 2 * alike["distance_ratio"].value


class BlackDisks(Generator):
    """Generates premultiplied black images whose alpha is a slope of the noise, or 1."""

    conditional = False

    def __init__(self, is_opaque: bool) -> None:
        super().__init__(NetworkConfig(SIDE, 0, 1, 4, 1, image_channels=4))
        self.is_opaque = is_opaque

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        images = -torch.ones(len(z), 4, SIDE, SIDE)
        images[:, 3] = 1 if self.is_opaque else slopes(z[:, 0])
        return images


def slopes(numbers: Tensor) -> Tensor:
    """Return alpha (N, 16, 16) in [-1, 1] for N numbers."""
    return (0.4 * numbers[:, None, None] * torch.linspace(-1, 1, SIDE)[None, :, None]).clamp(-1, 1)


def test_validation_score_sees_alpha() -> None:
    random = np.random.default_rng(0)
    images = np.zeros((240, SIDE, SIDE, 4), np.uint8)
    numbers = torch.from_numpy(random.standard_normal(240, dtype=np.float32))
    images[..., 3] = (slopes(numbers) * 127.5 + 128).numpy().astype(np.uint8)
    data = Dataset(
        images=images,
        image=RGBA,
        format="disks",
        conditions=Conditions(),
        vectors=np.zeros((240, 0), np.float32),
        ids=[str(row) for row in range(240)],
        duplicate_groups=np.arange(240),
        split_keys=random.integers(2**63, size=240).astype(np.uint64),
        digest="0a1b",
        issues=(),
        notes=(),
        test_prompts={},
    )
    evaluator = CheckpointEvaluator.build(data, np.arange(240), 100, None)
    assert evaluator is not None
    alike, other = (evaluator.score(BlackDisks(is_opaque)) for is_opaque in (False, True))
    assert other["coverage"] == other["spread"] == 0
    assert alike["coverage"] > 0.6 and alike["spread"] > 0.7
    assert other["kernel"] > 100 * max(abs(alike["kernel"]), 0.1)
    assert other["grain"]["octave"] == 0
    assert alike["grain"]["octave"] == pytest.approx(1, abs=0.3)
