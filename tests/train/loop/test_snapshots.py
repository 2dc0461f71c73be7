"""Which checkpoints stay: the newest, and the best."""

from pathlib import Path
from typing import Any

import pytest

from ganport_models import Shape, build_generator
from ganport_models.choice import FOLDER, choose
from ganport_train.loop.snapshots import State, save

SHAPE = Shape(resolution=16, condition_size=2, features=1, latent=4, embedding=4)


def write(run: Path, scores: list[float | None], keep: int, **more: Any) -> list[int]:
    generator = build_generator("film_dcgan", SHAPE)
    for step, score in enumerate(scores):
        card: dict[str, Any] = {"step": step, "images": step}
        if score is not None:
            scale = {"extractor": "pixels", "pictures": 8, "collapsed": False}
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
    choice = choose(tmp_path)
    assert (choice.card["step"], choice.card["score"]["score"]) == (0, 0.7)
