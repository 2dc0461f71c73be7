"""Sheets of an image-to-image run: a picture a row, a label switched a column."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganport_models import NetworkConfig, Translator
from ganport_runtime.conditions import (
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    SignedMultiHot,
)
from ganport_runtime.images.encode import to_uint8
from ganport_train.engine import sample_grids, translation_grids

CPU = torch.device("cpu")
SIGNED = Conditions((SignedMultiHot("face", ("Male", "Young")),))


class Brighter(Translator):
    """Adds a quarter of the first number of the condition, and an eighth of the second."""

    def __init__(self) -> None:
        super().__init__(NetworkConfig(16, 2, 1, 1, 1))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z + (condition @ torch.tensor([0.25, 0.125]))[:, None, None, None]


def test_a_row_shows_the_picture_its_own_domain_and_each_label_switched(tmp_path: Path) -> None:
    levels = [-0.25, 0.25]
    images = torch.tensor(levels)[:, None, None, None].expand(-1, 3, 16, 16)
    vectors = SIGNED.encode_many([{"face": ["Male"]}, {"face": []}])
    page = translation_grids.page(Brighter(), SIGNED, images, vectors, CPU)
    assert page.columns == ["picture", "as it is", "Male", "Young"]
    assert page.rows == ["Male", "no face"]
    expected = [[-0.25, -0.125, -0.625, 0.125], [0.25, -0.125, 0.375, 0.125]]
    shades = to_uint8(np.array(expected, np.float32).reshape(-1, 1, 1, 1).repeat(3, axis=1))
    np.testing.assert_array_equal(page.pictures[:, 0, 0], shades[:, 0, 0])
    sample_grids.save(tmp_path / "sheet.png", page, "a note")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.info["note"] == "a note"
        assert json.loads(sheet.info["requests"]) == [{"face": ["Male"]}, {"face": []}]
        assert json.loads(sheet.info["domains"]) == ["as it is", "Male", "Young"]


def test_a_label_is_switched_as_its_group_has_it() -> None:
    conditions = Conditions(
        (
            OneHot("hair", ("red", "blue")),
            MultiHot("objects", ("cube", "ball")),
            SignedMultiHot("face", ("old",)),
            Rgb("skin", "#804020"),
        )
    )
    own = conditions.encode({"hair": "red", "objects": ["ball"], "face": ["old"]})
    found = {label: row[0] for label, row in translation_grids.switched(conditions, own[None])}
    assert list(found) == ["red", "blue", "cube", "ball", "old"]
    changes = {
        "red": {},
        "blue": {"hair": "blue"},
        "cube": {"objects": ["cube", "ball"]},
        "ball": {"objects": []},
        "old": {"face": []},
    }
    for label, change in changes.items():
        asked = {"hair": "red", "objects": ["ball"], "face": ["old"], **change}
        np.testing.assert_array_equal(found[label], conditions.encode(asked), err_msg=label)


def test_a_sheet_has_room_for_so_many_labels() -> None:
    many = Conditions((SignedMultiHot("face", tuple(f"label {n}" for n in range(40))),))
    vectors = np.full((1, 40), -1, np.float32)
    assert len(list(translation_grids.switched(many, vectors))) == translation_grids.LABELS
