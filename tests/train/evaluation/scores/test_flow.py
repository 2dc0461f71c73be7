from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganport_models import Flow, NetworkConfig
from ganport_runtime.generator import Generator
from ganport_train.evaluation.scores.evaluation import EvaluationOptions
from ganport_train.evaluation.scores.flow import (
    FlowLikelihood,
    LabeledImages,
    reconstruction_metric,
)
from ganport_train.evaluation.scores.generation import GenerationEvaluation

TINY = Path(__file__).parents[3] / "runtime" / "data" / "tiny-flow.ganport"
CPU = torch.device("cpu")


class Slope(Flow):
    """A flow with the density 1 - a + 2 a x of every pixel x in (0, 1); a is the condition."""

    def likelihood(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        assert not self.training
        slope = condition[:, :1, None, None]
        return pixels, (1 - slope + 2 * slope * pixels).log().flatten(1).sum(1)


def likelihood() -> FlowLikelihood:
    return FlowLikelihood(Slope(NetworkConfig(16, 1, 1, 1, 1)), CPU)


def test_bits_of_uniform_noise_are_8() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    assert likelihood().bits(images, np.zeros((20, 1), np.float32), 0) == pytest.approx([8] * 20)


def test_bits_of_a_known_density_equal_its_integral() -> None:
    levels = np.array([0, 64, 255])
    images = np.repeat(levels.astype(np.uint8), 32 * 32 * 3).reshape(3, 32, 32, 3)
    # The mean of ln 2x over x in k/256 .. (k+1)/256, by the integral of ln.
    ends = [(levels + add) / 256 for add in (0, 1)]
    areas = [np.where(x > 0, x * np.log(2 * np.maximum(x, 1e-300)) - x, 0) for x in ends]
    expected = 8 - 256 * (areas[1] - areas[0]) / math.log(2)
    found = likelihood().bits(images, np.ones((3, 1), np.float32), 0)
    assert found == pytest.approx(expected.tolist(), abs=0.08)
    assert found[1:] == pytest.approx(expected[1:].tolist(), abs=1e-3)
    assert likelihood().bits(images, np.ones((3, 1), np.float32), 0) == found
    assert likelihood().bits(images, np.ones((3, 1), np.float32), 1) != found


@pytest.fixture(scope="module")
def tiny() -> Generator:
    return Generator.load(TINY, "cpu")


def requests(count: int) -> list[dict[str, Any]]:
    return [{"face": [["smiling"], ["young"], []][row % 3]} for row in range(count)]


def test_reconstruction_metric_of_a_bundle_is_small(tiny: Generator, noisy: Any) -> None:
    sample = LabeledImages(noisy(tiny.conditions, requests(33), 8).images, requests(33))
    metric = reconstruction_metric(tiny, sample)
    assert metric.value < 1
    assert (metric.real, metric.unit, metric.better) == (0.0, "", "lower")
    assert "33 held-out images" in metric.note
    # Another condition than that of the encoding does not restore the image.
    other = reconstruction_metric(IgnoresRequests(TINY), sample)
    assert other.value > 5


class IgnoresRequests:
    """A bundle that generates only for its default condition."""

    def __init__(self, path: Path) -> None:
        self.bundle = Generator.load(path, "cpu")
        self.encode = self.bundle.encode

    def generate(self, requests: Any, z: Any) -> Any:
        return self.bundle.generate(None, z=z)


def evaluate(
    tiny: Generator, noisy: Any, untrained: Any, cache: Path, **options: Any
) -> GenerationEvaluation:
    evaluation = GenerationEvaluation(
        tiny,
        noisy(tiny.conditions, requests(60), 8),
        untrained(tiny.conditions),
        EvaluationOptions(count=30, rounds=1, val_fraction=options.pop("val_fraction", 0.2)),
        cache=cache,
        log=options.pop("log", lambda line: None),
        **options,
    )
    evaluation.run()
    return evaluation


def test_evaluation_of_a_flow_run_measures_bits_and_reconstruction(
    tiny: Generator, noisy: Any, untrained: Any, tmp_path: Path
) -> None:
    messages: list[str] = []
    likelihood = FlowLikelihood(Slope(NetworkConfig(16, 3, 1, 1, 1)), CPU)
    report = evaluate(
        tiny, noisy, untrained, tmp_path, likelihood=likelihood, log=messages.append
    ).report
    assert messages[-1] == "7/7 encoding real images"
    assert {"spread_pixels", "copied", "accuracy_face"} <= set(report.metrics)
    assert report.metrics["reconstruction"].value < 1
    for key in ("bits", "training_bits"):
        metric = report.metrics[key]
        assert metric.low is not None and metric.low <= metric.value <= (metric.high or 0)
    assert report.notes == []


def test_evaluation_of_a_flow_bundle_notes_what_is_missing(
    tiny: Generator, noisy: Any, untrained: Any, tmp_path: Path
) -> None:
    alone = evaluate(tiny, noisy, untrained, tmp_path).report
    assert [note.partition(":")[0] for note in alone.notes] == ["a bundle holds no likelihood"]
    assert "bits" not in alone.metrics
    seen = evaluate(tiny, noisy, untrained, tmp_path, val_fraction=0.0).report
    assert seen.notes[-1].startswith("no image was held out")
    assert "reconstruction" not in seen.metrics
