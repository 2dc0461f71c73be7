"""Datasets of drawn sprites: format, reproducible bytes, coverage of labels, errors."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_train.data.check import check_dataset
from ganport_train.data.formats.tagged_csv import MAX_TABLE
from ganport_train.synthetic.sprites.drawing import draw_sprite
from ganport_train.synthetic.writer import (
    MAX_SPRITES,
    image_seed,
    sprite_labels,
    write_sprites,
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("set") / "sprites.zip"
    write_sprites(out, 40, 32, seed=3)
    return out


def test_write_sprites_zip_has_tags_and_images(drawn: Path) -> None:
    with zipfile.ZipFile(drawn) as archive:
        assert archive.namelist() == ["tags.csv", *(f"images/{i}.png" for i in range(40))]
        labels = sprite_labels(3, 7)
        line = f"7,{labels.kind} class {labels.hair} hair {labels.outfit} outfit "
        assert archive.read("tags.csv").decode().splitlines()[7] == line + f"{labels.weapon} weapon"
        sprite = Image.open(io.BytesIO(archive.read("images/7.png")))
        assert (sprite.format, sprite.mode) == ("PNG", "RGBA")
        assert (np.asarray(sprite) == np.asarray(draw_sprite(image_seed(3, 7), labels))).all()


def test_write_sprites_is_a_dataset_without_issues(drawn: Path) -> None:
    report = check_dataset(drawn, resolution=32)
    assert (report.images, report.issues) == (40, [])
    assert list(report.conditions.labels) == ["class", "hair", "outfit", "weapon"]


def test_tags_of_most_sprites_can_be_read() -> None:
    tags = (sprite_labels(0, index).tags() for index in range(MAX_SPRITES))
    assert sum(len(f"{index},{text}\n") for index, text in enumerate(tags)) < MAX_TABLE


def test_sprite_labels_cover_combinations_equally() -> None:
    counts = Counter(sprite_labels(11, index) for index in range(2016 + 500))
    assert len(counts) == 2016
    assert set(counts.values()) == {1, 2}
    assert sprite_labels(11, 0) != sprite_labels(12, 0)
