"""Bits per dimension against closed forms, and pictures that come back from their noise."""

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
from ganport_train.evaluation.scores.evaluation import Options
from ganport_train.evaluation.scores.flow import Likelihood, Sample, reconstruction
from ganport_train.evaluation.scores.generation import Generation

TINY = Path(__file__).parents[3] / "runtime" / "data" / "tiny-flow.ganport"
CPU = torch.device("cpu")


class Slope(Flow):
    """Every pixel x in (0, 1) has the density 1 - a + 2 a x; a is the condition."""

    def likelihood(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        assert not self.training
        slope = condition[:, :1, None, None]
        return pixels, (1 - slope + 2 * slope * pixels).log().flatten(1).sum(1)


def likelihood() -> Likelihood:
    return Likelihood(Slope(NetworkConfig(16, 1, 1, 1, 1)), CPU)


def test_uniform_noise_has_eight_bits() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    assert likelihood().bits(images, np.zeros((20, 1), np.float32), 0) == pytest.approx([8] * 20)


def test_a_known_density_has_the_bits_of_its_integral() -> None:
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


def asked(count: int) -> list[dict[str, Any]]:
    return [{"face": [["smiling"], ["young"], []][row % 3]} for row in range(count)]


def test_pictures_come_back_through_the_bundles_own_graphs(tiny: Generator, noisy: Any) -> None:
    dataset = noisy(tiny.conditions, asked(33), 8)
    sample = Sample(dataset.images, dataset.vectors)
    figure = reconstruction(tiny, tiny.conditions, sample)
    assert figure.value < 1
    assert (figure.real, figure.unit, figure.better) == (0.0, "", "lower")
    assert "33 held-out pictures" in figure.note
    # Under another condition than it was encoded with, a picture does not come back.
    other = reconstruction(_Forgetful(TINY), tiny.conditions, sample)
    assert other.value > 5


class _Forgetful:
    """A bundle that draws under its default whatever it is asked for."""

    def __init__(self, path: Path) -> None:
        self.bundle = Generator.load(path, "cpu")
        self.conditions = self.bundle.conditions
        self.encode = self.bundle.encode

    def generate(self, requests: Any, z: Any) -> Any:
        return self.bundle.generate(None, z=z)


def scored(tiny: Generator, noisy: Any, untrained: Any, cache: Path, **more: Any) -> Generation:
    scoring = Generation(
        tiny,
        noisy(tiny.conditions, asked(60), 8),
        untrained(tiny.conditions),
        Options(count=30, rounds=1, held_out=more.pop("held_out", 0.2)),
        cache=cache,
        say=more.pop("say", lambda line: None),
        **more,
    )
    scoring.run()
    return scoring


def test_a_flow_is_scored_as_what_it_draws_and_as_what_it_encodes(
    tiny: Generator, noisy: Any, untrained: Any, tmp_path: Path
) -> None:
    told: list[str] = []
    one = Likelihood(Slope(NetworkConfig(16, 3, 1, 1, 1)), CPU)
    report = scored(tiny, noisy, untrained, tmp_path, likelihood=one, say=told.append).report
    assert told[-1] == "7/7 encoding real pictures"
    assert {"spread_pixels", "copied", "accuracy_face"} <= set(report.figures)
    assert report.figures["reconstruction"].value < 1
    for key in ("bits", "training_bits"):
        figure = report.figures[key]
        assert figure.low is not None and figure.low <= figure.value <= (figure.high or 0)
    assert report.notes == []


def test_what_a_bundle_alone_cannot_say_is_noted(
    tiny: Generator, noisy: Any, untrained: Any, tmp_path: Path
) -> None:
    alone = scored(tiny, noisy, untrained, tmp_path).report
    assert alone.notes == [
        "a bundle holds no likelihood: score a flow's run for its bits per dimension"
    ]
    assert "bits" not in alone.figures
    seen = scored(tiny, noisy, untrained, tmp_path, held_out=0.0).report
    assert seen.notes[-1].startswith("no picture that the flow never saw")
    assert "reconstruction" not in seen.figures
