"""Sample grids: fixed conditions and seeds, or fixed images, in the noise of the runtime."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganport_models import Generator, NetworkConfig, Translator, build_generator
from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    SignedMultiHot,
)
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_uint8
from ganport_runtime.noise import normals
from ganport_train.engine import sample_grids

CONDITIONS = Conditions.one_hots({"hair": ["pink", "black", "red"], "eyes": ["blue", "green"]})
IMAGE = ImageFormat((16, 16))
CONFIG = NetworkConfig(resolution=16, condition_size=5, base_channels=2, z_dim=6, embed_dim=4)
SIGNED = Conditions((SignedMultiHot("face", ("Male", "Young")),))


class Brightening(Translator):
    """Adds a quarter of the first element of the condition, and an eighth of the second."""

    def __init__(self) -> None:
        super().__init__(NetworkConfig(16, 2, 1, 1, 1))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z + (condition @ torch.tensor([0.25, 0.125]))[:, None, None, None]


def generator() -> Generator:
    torch.manual_seed(0)
    return build_generator("film_dcgan", CONFIG).eval()


def test_grid_requests_cycle_through_the_labels_of_each_group() -> None:
    requests = sample_grids.grid_requests(CONDITIONS)
    assert [request["hair"] for request in requests] == ["pink", "black", "red"]
    assert [request["eyes"] for request in requests] == ["blue", "green", "blue"]


def test_grid_requests_of_multi_hot_groups_have_one_label() -> None:
    objects = Conditions((MultiHot("objects", ("cube", "ball")), SignedMultiHot("look", ("red",))))
    requests = sample_grids.grid_requests(objects)
    assert requests == [
        {"objects": ["cube"], "look": ["red"]},
        {"objects": ["ball"], "look": ["red"]},
    ]
    objects.encode_many(requests)


def test_grid_requests_of_a_joint_group_name_its_members() -> None:
    hair, eyes = OneHot("hair", ("pink", "red")), OneHot("eyes", ("blue", "black"))
    joint = Conditions((JointOneHot("hair and eyes", (hair, eyes)),))
    requests = sample_grids.grid_requests(joint)
    assert requests == [{"hair": "pink", "eyes": "blue"}, {"hair": "red", "eyes": "black"}]
    joint.encode_many(requests)


def test_generate_grid_image_depends_on_its_seed_and_request() -> None:
    network = generator()
    images = sample_grids.generate_grid(network, CONDITIONS, IMAGE).images
    assert images.shape == (3 * sample_grids.COLUMNS, 16, 16, 3)
    row, seed = 1, 5
    z = torch.from_numpy(normals([seed], (6,)))
    request = sample_grids.grid_requests(CONDITIONS)[row]
    condition = torch.from_numpy(CONDITIONS.encode(request))[None]
    with torch.no_grad():
        single = to_uint8(network(z, condition).numpy())[0]
    in_grid = images[row * sample_grids.COLUMNS + seed]
    assert np.abs(in_grid.astype(int) - single.astype(int)).max() <= 1


def test_save_writes_images_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "samples" / "grid.png"
    grid = sample_grids.generate_grid(generator(), CONDITIONS, IMAGE)
    grid.save(path, "a note")
    first = grid.images[0]
    assert grid.rows[1] == "black hair green eyes"
    with Image.open(path) as sheet:
        assert (sheet.info["note"], sheet.info["seeds"]) == ("a note", "0..7")
        pixels = np.asarray(sheet.convert("RGB"))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, first.shape)[:, :, 0]
    assert (windows == first).all(axis=(2, 3, 4)).any()


def test_translate_grid_has_a_column_per_label(tmp_path: Path) -> None:
    levels = [-0.25, 0.25]
    images = torch.tensor(levels)[:, None, None, None].expand(-1, 3, 16, 16)
    vectors = SIGNED.encode_many([{"face": ["Male"]}, {"face": []}])
    grid = sample_grids.translate_grid(Brightening(), SIGNED, IMAGE, images, vectors)
    assert grid.columns == ["image", "as it is", "Male", "Young"]
    assert grid.rows == ["Male", "no face"]
    expected = [[-0.25, -0.125, -0.625, 0.125], [0.25, -0.125, 0.375, 0.125]]
    shades = to_uint8(np.array(expected, np.float32).reshape(-1, 1, 1, 1).repeat(3, axis=1))
    np.testing.assert_array_equal(grid.images[:, 0, 0], shades[:, 0, 0])
    grid.save(tmp_path / "grid.png", "a note")
    with Image.open(tmp_path / "grid.png") as sheet:
        assert json.loads(sheet.info["requests"]) == [{"face": ["Male"]}, {"face": []}]
        assert json.loads(sheet.info["domains"]) == ["as it is", "Male", "Young"]


class Unchanged(Translator):
    """Returns its images."""

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z


def test_translate_grid_is_limited() -> None:
    many = Conditions((SignedMultiHot("face", tuple(f"label {n}" for n in range(40))),))
    network, images = Unchanged(NetworkConfig(16, 40, 1, 1, 1)), torch.zeros(1, 3, 16, 16)
    vectors = np.full((1, 40), -1, np.float32)
    grid = sample_grids.translate_grid(network, many, IMAGE, images, vectors)
    assert len(grid.columns) == 2 + sample_grids.TRANSLATION_LABELS
