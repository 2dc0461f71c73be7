"""Evaluation of a generator whose conditions have a group of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.generator import Generator
from ganport_train.evaluation.scores.evaluation import EvaluationOptions
from ganport_train.evaluation.scores.generation import GenerationEvaluation

SIDE = 32
EVERY_KIND = Conditions(
    (
        JointOneHot("look", (OneHot("hair", ("red", "blue")), OneHot("eyes", ("dark", "light")))),
        MultiHot("objects", ("cube", "ball", "cone"), (), 2),
        SignedMultiHot("face", ("smiling", "bald")),
        Rgb("skin", "#804020", (-1.0, 1.0)),
        Scalar("age", 20, 0, 100),
    )
)


class Waves(nn.Module):
    """A generator whose images depend on every number of noise and condition."""

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        waves = torch.arange(1, condition.shape[1] + 1) * torch.linspace(0, 1, SIDE)[:, None]
        rows = torch.sin(waves) @ (condition / 8).T
        images = torch.tanh(rows.T[:, None, :, None] + z[:, :3, None, None] / 2)
        return images.expand(-1, 3, SIDE, SIDE)


def request(row: int) -> dict[str, Any]:
    return {
        "look": {"hair": ("red", "blue")[row % 2], "eyes": ("dark", "light")[row // 2 % 2]},
        "objects": (["cube"], ["ball", "cone"], ["cone"])[row % 3],
        "face": (["smiling"], [])[row % 2],
        "skin": (row % 256, 128, 255 - row % 256),
        "age": row % 100,
    }


def test_every_kind_of_group_is_evaluated(
    write: Any, untrained: Any, noisy: Any, tmp_path: Path
) -> None:
    requests = [request(row) for row in range(120)]
    dataset = noisy(EVERY_KIND, requests, SIDE, test_prompts={"test": requests[:3]})
    generator = Generator.load(write(Waves(), conditions=EVERY_KIND), "cpu")
    options = EvaluationOptions(count=60, rounds=2, prompt_rounds=2)
    judge = untrained(EVERY_KIND)
    evaluation = GenerationEvaluation(
        generator, dataset, judge, options, cache=tmp_path, log=lambda line: None
    )
    report = evaluation.run().to_json()
    assert list(report["accuracy"]) == ["look", "objects", "face", "skin", "age"]
    assert {row["group"] for row in report["labels"]} == {"look", "objects", "face"}
    assert report["prompt_lists"]["test"]["conditions"] == 3 + 4 + 3 * 2 + 3 + 3
    assert "almost no real images" in report["metrics"]["spread_pixels"]["note"]
    titles = {sheet.title for sheet in evaluation.report.sheets}
    assert {"Generated and real", "Prompt list test"} <= titles
    json.dumps(report, allow_nan=False)
