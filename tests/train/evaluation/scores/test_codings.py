"""A judge of hair and eyes reads bundles of every coding: what is asked is said in its labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.config.condition_encoding import coded
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.evaluation import Options
from ganport_train.evaluation.scores.generation import Generation

VOCABULARY = {"hair": ("blue", "green", "red", "white"), "eyes": ("dark", "light")}
PALETTE = {
    "hair": {"blue": "#0000ff", "green": "#00ff00", "red": "#ff0000", "white": "#ffffff"},
    "eyes": {"dark": "#000000", "light": "#ffffff"},
}
LABELS = Conditions.one_hots(VOCABULARY)


class Coded(nn.Module):
    """Draws as the artist does, who is told in labels what comes in another coding."""

    def __init__(self, artist: nn.Module, conditions: Conditions) -> None:
        super().__init__()
        self.artist = artist
        pairs = [
            {"hair": hair, "eyes": eyes}
            for hair in VOCABULARY["hair"]
            for eyes in VOCABULARY["eyes"]
        ]
        self.register_buffer("known", torch.from_numpy(conditions.encode_many(pairs)))
        self.register_buffer("labels", torch.from_numpy(LABELS.encode_many(pairs)))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        apart = (condition[:, None] - self.known).square().sum(2)
        drawn: Tensor = self.artist(z, torch.softmax(-20 * apart, 1) @ self.labels)
        return drawn


@pytest.mark.parametrize("coding", ["joint", "rgb"])
def test_pairs_and_colours_are_judged_by_their_labels(
    coding: str, artist: nn.Module, dataset: Dataset, judge: Judge, write: Any, cache: Path
) -> None:
    conditions = coded(VOCABULARY, coding, PALETTE)
    assert conditions is not None
    path = write(Coded(artist, conditions), conditions=conditions)
    scoring = Generation(
        Generator.load(path, "cpu"),
        dataset,
        judge,
        Options(count=80, rounds=1, seed=1000),
        cache=cache,
        say=lambda line: None,
    )
    report = scoring.run().to_json()
    assert report["warnings"] == []
    assert min(report["figures"][f"accuracy_{name}"]["value"] for name in VOCABULARY) > 0.95
    assert set(report["accuracy"]["hair"]["labels"]) == set(VOCABULARY["hair"])
    json.dumps(report, allow_nan=False)
