"""Which checkpoints stay, the newest and the best, and what lies in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganport_models import NetworkConfig, build_generator
from ganport_models.metadata import WEIGHTS, read_metadata
from ganport_models.selection import FOLDER, select_checkpoint
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.bundle.safetensors_reader import read_tensors
from ganport_train.runs.checkpoint_io import State, save

SHAPE = NetworkConfig(resolution=16, condition_size=2, base_channels=1, z_dim=4, embed_dim=4)


def write(run: Path, scores: list[float | None], keep: int, **more: Any) -> list[int]:
    generator = build_generator("film_dcgan", SHAPE)
    for step, score in enumerate(scores):
        card: dict[str, Any] = {"step": step, "images": step}
        if score is not None:
            scale = {"extractor": "pixels", "eval_images": 8, "collapsed": False}
            card["score"] = {"score": score, **scale, **more}
        save(run, State({}, {}), generator, card, keep=keep)
    return [int(folder.name) for folder in sorted((run / FOLDER).iterdir())]


@pytest.mark.parametrize(
    ("scores", "keep", "left"),
    [
        ([0.1, 0.9, 0.2, 0.3, 0.4], 2, [1, 3, 4]),
        ([0.1, 0.2, 0.3, 0.4], 2, [2, 3]),
        ([0.9, 0.2, 0.95, 0.3], 1, [2, 3]),
        ([None, None, None], 1, [2]),
        ([0.5, None, None, None], 1, [0, 3]),
    ],
)
def test_the_newest_are_kept_and_the_best(
    tmp_path: Path, scores: list[float | None], keep: int, left: list[int]
) -> None:
    assert write(tmp_path, scores, keep) == left


def test_a_checkpoint_keeps_its_score(tmp_path: Path) -> None:
    write(tmp_path, [0.7, 0.2], keep=1)
    choice = select_checkpoint(tmp_path)
    assert (choice.metadata["step"], choice.metadata["score"]["score"]) == (0, 0.7)


def test_the_directions_of_a_flow_are_named_by_the_card(tmp_path: Path) -> None:
    generator = build_generator("film_dcgan", SHAPE)
    card: dict[str, Any] = {"step": 3, "images": 3}
    # A slice of a wider tensor, in an order of its own, as a network on a GPU may give it.
    wide = torch.arange(96.0).reshape(2, 3, 4, 4).to(memory_format=torch.channels_last)
    folder = save(
        tmp_path, State({}, {}), generator, card, keep=1, directions={"face/old": wide[1]}
    )
    assert set(read_metadata(folder)["files"]) >= {DIRECTIONS_NAME, WEIGHTS}
    data = (folder / DIRECTIONS_NAME).read_bytes()
    found = read_tensors(data, DIRECTIONS_NAME)
    np.testing.assert_array_equal(found["face/old"], wide[1].numpy())
    plain = save(tmp_path, State({}, {}), generator, card | {"step": 4}, keep=1)
    assert DIRECTIONS_NAME not in read_metadata(plain)["files"]
