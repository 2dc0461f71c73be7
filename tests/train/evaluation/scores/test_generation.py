"""Evaluations of generators with known faults: each fault raises its warning."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.config.recipe import build_conditions
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.evaluation import EvaluationOptions, EvaluationReport
from ganport_train.evaluation.scores.generation import GenerationEvaluation

OPTIONS = EvaluationOptions(count=120, rounds=2, seed=1000, prompt_rounds=4)
SIDE = 32

Score = Callable[..., EvaluationReport]


@pytest.fixture(scope="session")
def score(dataset: Dataset, judge: Judge, cache: Path) -> Score:
    """Evaluate a generator; results with the default options are kept."""
    reports: dict[Generator, EvaluationReport] = {}

    def evaluate(
        generator: Generator, options: EvaluationOptions = OPTIONS, data: Dataset = dataset
    ) -> EvaluationReport:
        evaluation = GenerationEvaluation(
            generator, data, judge, options, cache=cache, log=lambda line: None
        )
        return evaluation.run()

    def score(
        generator: Generator, *options: EvaluationOptions, **data: Dataset
    ) -> EvaluationReport:
        if options or data:
            return evaluate(generator, *options, **data)
        if generator not in reports:
            reports[generator] = evaluate(generator)
        return reports[generator]

    return score


def values(report: EvaluationReport) -> dict[str, float]:
    return {key: metric.value for key, metric in report.metrics.items()}


def raised(report: EvaluationReport) -> set[str]:
    """Return the first part of each warning."""
    return {line.partition(":")[0] for line in report.to_json()["warnings"]}


def test_healthy_generator_raises_no_warning(healthy: Generator, score: Score) -> None:
    report = score(healthy)
    assert raised(report) == set()
    found = values(report)
    assert found["accuracy_hair"] > 0.95
    assert found["accuracy_eyes"] > 0.95
    assert found["joint"] > 0.9
    assert found["judge_coverage"] > 0.85
    assert found["grain_checker"] == pytest.approx(1, abs=0.15)
    assert found["grain_octave"] == pytest.approx(1, abs=0.15)
    assert found["spread_pixels"] == pytest.approx(1, abs=0.15)
    assert found["spread_features"] == pytest.approx(1, abs=0.15)
    assert found["distance_ratio"] == pytest.approx(1, abs=0.15)


def test_collapsed_generator_fails_in_spread(collapsed: Generator, score: Score) -> None:
    report = score(collapsed)
    assert {"collapsed within a condition", "generates near-duplicates"} <= raised(report)
    found = values(report)
    assert found["accuracy_hair"] > 0.95
    assert found["spread_pixels"] < 0.15
    assert found["spread_features"] < 0.15
    assert found["near_duplicates"] == 1


def test_generator_that_ignores_conditions_fails_in_accuracy(
    ignoring: Generator, score: Score
) -> None:
    report = score(ignoring)
    assert raised(report) == {"ignores part of its condition", "ignores a label"}
    found = values(report)
    assert found["accuracy_hair"] == pytest.approx(1 / 4, abs=0.12)
    assert found["accuracy_eyes"] == pytest.approx(1 / 2, abs=0.12)
    assert found["joint"] == pytest.approx(1 / 8, abs=0.1)
    assert found["judge_coverage"] > 0.7


def test_generator_that_copies_fails_only_in_memorization(copying: Generator, score: Score) -> None:
    report = score(copying)
    assert "copies training images" in raised(report)
    found = values(report)
    assert (found["copied"], found["distance_ratio"]) == (1, pytest.approx(0, abs=1e-3))
    assert found["accuracy_hair"] > 0.95
    assert found["judge_coverage"] > 0.85
    assert found["spread_pixels"] > 0.8


def test_distances_rank_generators_by_quality(
    healthy: Generator, ignoring: Generator, collapsed: Generator, score: Score
) -> None:
    good, worse, worst = (values(score(each)) for each in (healthy, ignoring, collapsed))
    for key in ("judge_kernel", "judge_frechet"):
        assert good[key] < worse[key] < worst[key]


def test_report_has_every_part(healthy: Generator, score: Score) -> None:
    report = score(healthy).to_json()
    assert (report["schema_version"], report["kind"]) == (2, "score")
    hair = report["accuracy"]["hair"]
    assert hair["generated"]["count"] == 240
    assert hair["real"]["value"] == pytest.approx(report["metrics"]["accuracy_hair"]["real"])
    assert set(hair["labels"]) == {"red", "green", "blue", "white"}
    assert np.sum(hair["confusion"]["generated"]) == 240
    assert [(row["group"], row["label"]) for row in report["labels"]][:2] == [
        ("hair", "blue"),
        ("hair", "green"),
    ]
    assert all(row["metrics"]["coverage"] > 0.8 for row in report["labels"])
    assert report["headline"] == [
        "accuracy_hair",
        "accuracy_eyes",
        "joint",
        "leak_hair_eyes",
        "leak_eyes_hair",
        "judge_kernel",
        "judge_coverage",
        "spread_pixels",
        "grain_checker",
        "grain_octave",
        "copied",
    ]
    assert report["compared"] == {"generated": 120, "real": 280, "size_matched": 120}
    json.dumps(report, allow_nan=False)


def test_report_has_sheets_of_generated_and_real_images(healthy: Generator, score: Score) -> None:
    sheets = {sheet.title: sheet for sheet in score(healthy).sheets}
    for title in ("Generated and real", "Nearest training images"):
        assert "real images" in sheets[title].note
    assert min(min(sheet.image.size) for sheet in sheets.values()) > 96


def test_report_depends_only_on_the_options(ignoring: Generator, score: Score) -> None:
    few = replace(OPTIONS, count=20, rounds=1)
    first, second = (score(ignoring, few).to_json() for _ in range(2))
    other = score(ignoring, replace(few, seed=5)).to_json()
    assert first == second
    assert first["metrics"] != other["metrics"]


def test_prompt_lists_of_the_data_set_are_reported(
    healthy: Generator, ignoring: Generator, dataset: Dataset, score: Score
) -> None:
    prompts = [{"hair": h, "eyes": e} for h in ("red", "blue") for e in ("dark", "light")]
    data = replace(dataset, test_prompts={"test": prompts * 3})
    few = replace(OPTIONS, count=20, rounds=1)
    good, bad = (score(each, few, data=data) for each in (healthy, ignoring))
    result = good.to_json()["prompt_lists"]["test"]
    assert (result["requests"], result["conditions"], result["rounds"]) == (12, 24, 4)
    assert (result["accuracy"]["count"], result["skipped"]) == (96, 0)
    assert good.metrics["prompts_test"].value > 0.9
    assert good.metrics["prompts_test"].low is not None
    assert "fails a prompt list" in raised(bad)
    assert "Prompt list test" in [sheet.title for sheet in good.sheets]


class Stripes(nn.Module):
    """An unconditional generator of stripes."""

    def forward(self, z: Tensor) -> Tensor:
        rows = torch.tanh(z[:, :1]) * torch.linspace(-1, 1, SIDE)
        return rows[:, None, None, :].expand(-1, 3, SIDE, SIDE) + 0 * z[:, :1, None, None]


def test_unconditional_generator_has_no_accuracy(write: Any, score: Score) -> None:
    generator = Generator.load(write(Stripes(), conditions=Conditions()), "cpu")
    report = score(generator, replace(OPTIONS, count=20, rounds=1)).to_json()
    assert (report["accuracy"], report["labels"], report["misclassified"]) == ({}, [], [])
    assert report["headline"][0] == "judge_kernel"
    assert report["metrics"]["judge_coverage"]["value"] < 0.7  # a good generator has 0.97


def test_prompt_lists_take_the_seeds_after_those_of_the_rounds(
    healthy: Generator, dataset: Dataset, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[list[int]] = []
    generate = healthy.generate

    def recording(requests: Any, **options: Any) -> Any:
        seeds.append(list(options["seeds"]))
        return generate(requests, **options)

    monkeypatch.setattr(healthy, "generate", recording)
    lists = {
        "test": [{"hair": "red", "eyes": "dark"}, {"hair": "blue", "eyes": "light"}],
        "new_test": [{"hair": "white", "eyes": "light"}] * 3,
    }
    options = replace(OPTIONS, count=20, rounds=1, seed=7, prompt_rounds=2)
    score(healthy, options, data=replace(dataset, test_prompts=lists))
    assert seeds[1:5] == [[27, 28], [29, 30], [31, 32, 33], [34, 35, 36]]


def test_prompt_lists_skip_unknown_conditions(
    healthy: Generator, dataset: Dataset, judge: Judge, cache: Path
) -> None:
    more = Conditions.one_hots({"hair": ["blue", "green", "pink", "white"], "eyes": ["dark", "x"]})
    lists = {"test": [{"hair": "pink"}, {"hair": "blue"}], "none": [{"eyes": "x"}]}
    data = replace(dataset, conditions=more, test_prompts=lists)
    other = replace(judge, metadata=replace(judge.metadata, conditions=more))
    options = replace(OPTIONS, count=20, rounds=1)
    evaluation = GenerationEvaluation(
        healthy, data, other, options, cache=cache, log=lambda line: None
    )
    (result,) = evaluation.run().fields["prompt_lists"].values()
    assert (result["skipped"], result["requests"]) == (1, 1)


LABELS = {"hair": ("blue", "green", "red", "white"), "eyes": ("dark", "light")}
PALETTE = {
    "hair": {"blue": "#0000ff", "green": "#00ff00", "red": "#ff0000", "white": "#ffffff"},
    "eyes": {"dark": "#000000", "light": "#ffffff"},
}


class Recoded(nn.Module):
    """A generator with another condition encoding, in front of one that takes labels."""

    def __init__(self, renderer: nn.Module, conditions: Conditions) -> None:
        super().__init__()
        self.renderer = renderer
        pairs = [{"hair": hair, "eyes": eyes} for hair in LABELS["hair"] for eyes in LABELS["eyes"]]
        labels = Conditions.one_hots(LABELS).encode_many(pairs)
        self.register_buffer("known", torch.from_numpy(conditions.encode_many(pairs)))
        self.register_buffer("labels", torch.from_numpy(labels))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        distances = (condition[:, None] - self.known).square().sum(2)
        images: Tensor = self.renderer(z, torch.softmax(-20 * distances, 1) @ self.labels)
        return images


@pytest.mark.parametrize("encoding", ["joint", "rgb"])
def test_generator_of_another_encoding_is_judged_by_its_labels(
    encoding: str, renderer: nn.Module, write: Any, score: Score
) -> None:
    conditions = build_conditions(LABELS, encoding, PALETTE)
    assert conditions is not None
    path = write(Recoded(renderer, conditions), conditions=conditions)
    options = EvaluationOptions(count=80, rounds=1, seed=1000)
    report = score(Generator.load(path, "cpu"), options).to_json()
    assert report["warnings"] == []
    assert min(report["metrics"][f"accuracy_{name}"]["value"] for name in LABELS) > 0.95
    assert set(report["accuracy"]["hair"]["labels"]) == set(LABELS["hair"])
    json.dumps(report, allow_nan=False)
