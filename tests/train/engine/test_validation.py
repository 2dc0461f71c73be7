"""The light score: 1 for a generator as good as real images, low for one that is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Generator, NetworkConfig, Translator
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.data import Dataset
from ganport_train.engine import validation
from ganport_train.engine.validation import MIN_IMAGES, CheckpointEvaluator, combined_score
from ganport_train.evaluation.judge.judge import Judge

CONDITIONS = Conditions.one_hots({"hair": ["pink", "black"], "eyes": ["aqua", "blue"]})
EVERY = [
    "pink hair aqua eyes",
    "pink hair blue eyes",
    "black hair aqua eyes",
    "black hair blue eyes",
]
COUNT = 240


def tinted(vectors: NDArray[np.float32], numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images (N, 16, 16, 3) in -1..1: a tint for each condition, and a slope for each image."""
    slope = np.linspace(-1, 1, 16, dtype=np.float32)
    pictures = np.zeros((len(vectors), 16, 16, 3), np.float32)
    pictures += 0.3 * (vectors[:, None, None, [0, 2, 1]] - 0.5)
    pictures += 0.2 * numbers[:, None, None, None] * slope[None, :, None, None]
    return pictures


@pytest.fixture(scope="module")
def data() -> Dataset:
    random = np.random.default_rng(0)
    vectors = CONDITIONS.encode_many([EVERY[row % 4] for row in range(COUNT)])
    pictures = tinted(vectors, random.standard_normal(COUNT, dtype=np.float32))
    return Dataset(
        images=(pictures.clip(-1, 1) * 127.5 + 128).astype(np.uint8),
        image=ImageFormat(pictures.shape[1:3]),
        format="faces",
        conditions=CONDITIONS,
        vectors=vectors,
        ids=[str(row) for row in range(COUNT)],
        duplicate_groups=np.arange(COUNT),
        split_keys=random.integers(2**63, size=COUNT).astype(np.uint64),
        digest="0a1b",
        issues=(),
        notes=(),
        test_prompts={},
    )


class Drawn(Generator):
    """Draws what the data set holds; `variety` 0 is blind to its noise, `heard` to conditions."""

    def __init__(self, variety: float = 1.0, heard: float = 1.0) -> None:
        super().__init__(NetworkConfig(16, 4, 1, 4, 1))
        self.variety, self.heard = variety, heard

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        vectors = condition.numpy() * self.heard + 0.5 * (1 - self.heard)
        pictures = tinted(vectors, z[:, 0].numpy() * self.variety)
        return torch.from_numpy(pictures).permute(0, 3, 1, 2).clamp(-1, 1)


Measure = Callable[..., dict[str, float]]
Build = Callable[..., CheckpointEvaluator]
LoadJudge = Callable[[Conditions], Judge]


@pytest.fixture
def measured(data: Dataset, build: Build) -> Measure:
    def measure(judge: Judge | None = None, **how: float) -> dict[str, float]:
        return build(data, judge).score(Drawn(**how))

    return measure


@pytest.mark.parametrize(
    ("found", "real", "coverage", "expected"),
    [
        ({}, {}, 0.4, 0.5),
        ({}, {}, 0.9, 1.0),
        ({"hair": 0.9}, {"hair": 0.9}, 0.8, 1.0),
        ({"hair": 0.45, "eyes": 0.1}, {"hair": 0.9, "eyes": 0.8}, 0.8, 0.25),
        ({"hair": 1.0, "eyes": 0.0}, {"hair": 0.9, "eyes": 0.8}, 0.8, 0.0),
        ({"hair": 0.2}, {"hair": 0.0}, 0.4, 0.5),
    ],
)
def test_combined_score_is_the_mean_of_relative_accuracies_times_the_coverage(
    found: dict[str, float], real: dict[str, float], coverage: float, expected: float
) -> None:
    assert combined_score(found, real, coverage, 0.8, {}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("checker", "octave", "expected"),
    [(0.8, 1.25, 1.0), (1.0, 2.5, 0.5), (0.4, 1.0, 0.5), (2.5, 0.2, 0.25), (0.0, 1.0, 0.0)],
)
def test_combined_score_falls_with_grain_and_with_blur(
    checker: float, octave: float, expected: float
) -> None:
    fine = {"checker": checker, "octave": octave}
    assert combined_score({}, {}, 0.8, 0.8, fine) == pytest.approx(expected)


def test_score_of_images_like_real_ones_is_1(measured: Measure) -> None:
    score = measured()
    assert score["coverage"] == pytest.approx(0.75, abs=0.1)
    assert score["score"] == pytest.approx(1, abs=0.1)
    assert score["spread"] == pytest.approx(1, abs=0.15)
    assert score["kernel"] == pytest.approx(0, abs=1)
    assert (score["extractor"], score["eval_images"], score["accuracy"]) == ("pixels", 100, {})


def test_score_of_a_generator_without_noise_has_spread_0(measured: Measure) -> None:
    score = measured(variety=0.0)
    assert score["spread"] == 0
    # One image lies in the balls of its two nearest; a condition has some 25 real ones.
    assert score["coverage"] == pytest.approx(2 / 25, abs=0.05)


class Noisy(Drawn):
    """The same images with a checkerboard on top."""

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        signs = 1 - 2 * (np.indices((16, 16)).sum(axis=0) % 2)
        return super().forward(z, condition) + 0.05 * torch.from_numpy(signs)


def test_score_of_a_checkerboard_is_lower_and_has_grain(data: Dataset, build: Build) -> None:
    scorer = build(data)
    clean, noisy = scorer.score(Drawn()), scorer.score(Noisy())
    assert clean["grain"]["checker"] == pytest.approx(1, abs=0.1)
    assert clean["grain"]["octave"] == pytest.approx(1, abs=0.1)
    assert noisy["grain"]["octave"] > 10
    assert noisy["score"] < 0.2 * clean["score"]


def test_score_of_similar_images_has_a_small_spread(measured: Measure) -> None:
    assert measured(variety=0.3)["spread"] == pytest.approx(0.3, abs=0.05)


def test_score_is_deterministic_and_changes_no_random_state(data: Dataset, build: Build) -> None:
    torch.manual_seed(7)
    np.random.seed(7)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1]
    first, second = (build(data, count=64) for _ in range(2))
    assert first.score(Drawn()) == first.score(Drawn()) == second.score(Drawn())
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(numpy_before, np.random.get_state()[1])


def test_score_with_a_judge_has_accuracies(measured: Measure, load_judge: LoadJudge) -> None:
    judge = load_judge(CONDITIONS)
    score = measured(judge)
    assert score["extractor"] == f"judge {judge.digest[:16]}"
    assert score["real"]["accuracy"] == {"hair": 0.5, "eyes": 0.5}  # type: ignore[index]
    # A generator that ignores its conditions has the accuracy of chance with any judge.
    blind = measured(judge, heard=0.0)
    assert blind["accuracy"] == pytest.approx({"hair": 0.5, "eyes": 0.5}, abs=0.1)


def test_score_without_torch_fidelity_has_no_kernel_distance(
    measured: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured()
    monkeypatch.setattr(validation, "find_spec", lambda name: None)
    assert measured() == {key: value for key, value in whole.items() if key != "kernel"}


def test_build_with_too_few_images_is_none(data: Dataset) -> None:
    assert CheckpointEvaluator.build(data, np.arange(2 * MIN_IMAGES - 1), 100, None) is None
    assert CheckpointEvaluator.build(data, np.arange(COUNT), 0, None) is None
    smallest = CheckpointEvaluator.build(data, np.arange(2 * MIN_IMAGES), 100, None)
    assert smallest is not None
    assert 0 <= smallest.score(Drawn())["score"] <= 1


class Unconditional(Generator):
    """Draws slopes of one tint."""

    conditional = False

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return Drawn()(z, torch.zeros(len(z), 4))


def without_conditions(data: Dataset) -> Dataset:
    return replace(data, conditions=Conditions(), vectors=np.zeros((COUNT, 0), np.float32))


def test_score_of_an_unconditional_generator_has_coverage(data: Dataset, build: Build) -> None:
    score = build(without_conditions(data)).score(Unconditional(NetworkConfig(16, 0, 1, 4, 1)))
    assert score["accuracy"] == {}
    assert 0 < score["spread"] < 1


def test_score_of_an_unconditional_generator_with_a_judge_has_no_accuracy(
    data: Dataset, build: Build, load_judge: LoadJudge
) -> None:
    scorer = build(without_conditions(data), load_judge(CONDITIONS))
    score = scorer.score(Unconditional(NetworkConfig(16, 0, 1, 4, 1)))
    assert score["extractor"].startswith("judge")
    assert score["accuracy"] == score["real"]["accuracy"] == {}


class Still(Translator):
    """Gives every image back as it came; `tints` gives it the tint of its target instead."""

    def __init__(self, tints: bool = False) -> None:
        super().__init__(NetworkConfig(16, 4, 1, 4, 1))
        self.tints = tints

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        if not self.tints:
            return z
        # `tinted` lays twice a fifth of its number between the ends of a slope.
        slope = ((z[:, :, -1, 0] - z[:, :, 0, 0]).mean(dim=1) / 0.4).numpy()
        return torch.from_numpy(tinted(condition.numpy(), slope)).permute(0, 3, 1, 2)


def test_score_of_a_translator_uses_other_images_as_sources(
    data: Dataset, build: Build, load_judge: LoadJudge
) -> None:
    judge = load_judge(CONDITIONS)
    scorer, noisy = build(data, judge, translates=True), build(data, judge)
    assert scorer.sources is not None
    still, tinting = scorer.score(Still()), scorer.score(Still(tints=True))
    # Given back as they came, they show what was requested as often as chance has it.
    assert still["accuracy"] == pytest.approx({"hair": 0.5, "eyes": 0.5}, abs=0.15)
    assert tinting["accuracy"] == pytest.approx(noisy.score(Drawn())["accuracy"], abs=0.1)
    assert still["coverage"] == pytest.approx(tinting["coverage"], abs=0.15)
    assert tinting["spread"] == pytest.approx(1, abs=0.15)


def test_build_for_a_translator_without_judge_is_none(data: Dataset) -> None:
    assert CheckpointEvaluator.build(data, np.arange(COUNT), 100, None, translates=True) is None
