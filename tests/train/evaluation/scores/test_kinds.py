"""Conditions of every kind go the whole way, from what is asked to the report."""

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
from ganport_train.evaluation.scores.evaluation import Options
from ganport_train.evaluation.scores.generation import Generation

SIDE = 32
EVERY = Conditions(
    (
        JointOneHot("look", (OneHot("hair", ("red", "blue")), OneHot("eyes", ("dark", "light")))),
        MultiHot("objects", ("cube", "ball", "cone"), (), 2),
        SignedMultiHot("face", ("smiling", "bald")),
        Rgb("skin", "#804020", (-1.0, 1.0)),
        Scalar("age", 20, 0, 100),
    )
)


class Sum(nn.Module):
    """A picture that every number of noise and condition moves."""

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        waves = torch.arange(1, condition.shape[1] + 1) * torch.linspace(0, 1, SIDE)[:, None]
        lines = torch.sin(waves) @ (condition / 8).T
        picture = torch.tanh(lines.T[:, None, :, None] + z[:, :3, None, None] / 2)
        return picture.expand(-1, 3, SIDE, SIDE)


def request(row: int) -> dict[str, Any]:
    return {
        "look": {"hair": ("red", "blue")[row % 2], "eyes": ("dark", "light")[row // 2 % 2]},
        "objects": (["cube"], ["ball", "cone"], ["cone"])[row % 3],
        "face": (["smiling"], [])[row % 2],
        "skin": (row % 256, 128, 255 - row % 256),
        "age": row % 100,
    }


def test_every_kind_of_group_is_scored(
    write: Any, untrained: Any, noisy: Any, tmp_path: Path
) -> None:
    asked = [request(row) for row in range(120)]
    dataset = noisy(EVERY, asked, SIDE, trials={"test": asked[:3]})
    generator = Generator.load(write(Sum(), conditions=EVERY), "cpu")
    options = Options(count=60, rounds=2, draws=2)
    scoring = Generation(
        generator, dataset, untrained(EVERY), options, cache=tmp_path, say=lambda line: None
    )
    report = scoring.run().to_json()
    assert list(report["accuracy"]) == ["look", "objects", "face", "skin", "age"]
    assert {row["group"] for row in report["conditions"]} == {"look", "objects", "face"}
    assert report["trials"]["test"]["objects"] == 3 + 4 + 3 * 2 + 3 + 3
    assert "hardly two real pictures" in report["figures"]["spread_pixels"]["note"]
    assert {"Drawn and real", "Test list test"} <= {sheet.title for sheet in scoring.report.sheets}
    json.dumps(report, allow_nan=False)
