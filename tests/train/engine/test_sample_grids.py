"""Sheets of a run: the same conditions and seeds always, drawn with the runtime's own noise."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganport_models import Generator, NetworkConfig, build_generator
from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    SignedMultiHot,
)
from ganport_runtime.images.encode import to_uint8
from ganport_runtime.noise import normals
from ganport_train.engine import sample_grids

CONDITIONS = Conditions.one_hots({"hair": ["pink", "black", "red"], "eyes": ["blue", "green"]})
SHAPE = NetworkConfig(resolution=16, condition_size=5, base_channels=2, z_dim=6, embed_dim=4)
CPU = torch.device("cpu")


def generator() -> Generator:
    torch.manual_seed(0)
    return build_generator("film_dcgan", SHAPE).eval()


def test_rows_walk_through_the_labels_of_each_group() -> None:
    asked = sample_grids.requests(CONDITIONS)
    assert [request["hair"] for request in asked] == ["pink", "black", "red"]
    assert [request["eyes"] for request in asked] == ["blue", "green", "blue"]


def test_a_picture_is_what_its_seed_and_request_give() -> None:
    network = generator()
    pictures = sample_grids.draw(network, CONDITIONS, CPU)
    assert pictures.shape == (3 * sample_grids.COLUMNS, 16, 16, 3)
    row, seed = 1, 5
    z = torch.from_numpy(normals([seed], (6,)))
    condition = torch.from_numpy(CONDITIONS.encode(sample_grids.requests(CONDITIONS)[row]))[None]
    with torch.no_grad():
        alone = to_uint8(network(z, condition).numpy())[0]
    apart = np.abs(pictures[row * sample_grids.COLUMNS + seed].astype(int) - alone.astype(int))
    assert apart.max() <= 1


def test_the_sheet_holds_those_pictures_and_says_how_they_were_made(tmp_path: Path) -> None:
    path = tmp_path / "samples" / "sheet.png"
    page = sample_grids.page(generator(), CONDITIONS, CPU)
    sample_grids.save(path, page, "a note")
    first = page.pictures[0]
    assert page.rows[1] == "black hair green eyes"
    with Image.open(path) as sheet:
        assert (sheet.info["note"], sheet.info["seeds"]) == ("a note", "0..7")
        pixels = np.asarray(sheet.convert("RGB"))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, first.shape)[:, :, 0]
    assert (windows == first).all(axis=(2, 3, 4)).any()


def test_a_sheet_of_several_labels_asks_for_each_alone() -> None:
    objects = Conditions((MultiHot("objects", ("cube", "ball")), SignedMultiHot("look", ("red",))))
    assert sample_grids.requests(objects) == [
        {"objects": ["cube"], "look": ["red"]},
        {"objects": ["ball"], "look": ["red"]},
    ]
    objects.encode_many(sample_grids.requests(objects))


def test_a_sheet_asks_a_joint_group_by_its_members() -> None:
    hair, eyes = OneHot("hair", ("pink", "red")), OneHot("eyes", ("blue", "black"))
    joint = Conditions((JointOneHot("hair and eyes", (hair, eyes)),))
    assert sample_grids.requests(joint) == [
        {"hair": "pink", "eyes": "blue"},
        {"hair": "red", "eyes": "black"},
    ]
    joint.encode_many(sample_grids.requests(joint))
