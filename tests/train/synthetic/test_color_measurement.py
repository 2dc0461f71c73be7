"""The measurement of colours, on drawn faces it was not tuned on."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ganport_runtime.errors import GanportError
from ganport_train.synthetic import background
from ganport_train.synthetic.color_accuracy import drawn
from ganport_train.synthetic.color_measurement import measure
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR

Labels = dict[str, list[str]]


def pictures(count: int, size: int) -> tuple[NDArray[np.uint8], Labels]:
    batches = list(drawn(count, size))
    requests = [request for _, part in batches for request in part]
    labels = {name: [request[name] for request in requests] for name in ("hair", "eyes")}
    return np.concatenate([images for images, _ in batches]), labels


def shares(images: NDArray[np.uint8], asked: Labels) -> tuple[float, float]:
    measured = measure(images)
    hair, eyes = (np.mean(np.array(measured[k]) == asked[k]) for k in ("hair", "eyes"))
    return float(hair), float(eyes)


@pytest.fixture(scope="module")
def fresh() -> tuple[NDArray[np.uint8], Labels]:
    return pictures(360, 64)


def test_fresh_faces_are_measured_right(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    hair, eyes = shares(*fresh)
    assert hair >= 0.99
    assert eyes >= 0.99


@pytest.mark.parametrize(("size", "least"), [(32, 0.97), (48, 0.98), (96, 0.99), (128, 0.99)])
def test_other_sizes(size: int, least: float) -> None:
    hair, eyes = shares(*pictures(120, size))
    assert hair >= 0.99
    assert eyes >= least


def test_blurred_faces(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    images, asked = fresh
    soft = ImageFilter.GaussianBlur(0.7)
    blurred = np.stack([np.asarray(Image.fromarray(image).filter(soft)) for image in images])
    hair, eyes = shares(blurred, asked)
    assert hair >= 0.98
    assert eyes >= 0.97


def test_noisy_faces(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    images, asked = fresh
    noise = np.random.default_rng(1).normal(0, 8, images.shape)
    hair, eyes = shares(np.clip(images + noise, 0, 255).astype(np.uint8), asked)
    assert hair >= 0.98
    assert eyes >= 0.97


@pytest.mark.parametrize("ground", sorted({*HAIR.values(), *EYES.values()}))
def test_backgrounds_do_not_fool_it(
    ground: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(rng: Random) -> Image.Image:
        return Image.new("RGB", (8, 8), ground)

    monkeypatch.setattr(background, "background", plain)
    asked = {"hair": list(HAIR), "eyes": [list(EYES)[k % 10] for k in range(12)]}
    pairs = zip(asked["hair"], asked["eyes"], strict=True)
    images = np.stack([np.asarray(draw_face(70 + k, *pair, 64)) for k, pair in enumerate(pairs)])
    assert measure(images) == asked


def test_it_follows_the_pixels_not_the_seed() -> None:
    images = np.stack(
        [np.asarray(draw_face(4, h, e, 64)) for h, e in (("pink", "green"), ("green", "pink"))]
    )
    assert measure(images) == {"hair": ["pink", "green"], "eyes": ["green", "pink"]}


def test_a_picture_is_measured_alone(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    images = fresh[0][:130]  # more than one batch
    whole = measure(images)
    parts = [measure(images[k : k + 1]) for k in (0, 64, 129)]
    assert [part["eyes"][0] for part in parts] == [whole["eyes"][k] for k in (0, 64, 129)]
    assert [part["hair"][0] for part in parts] == [whole["hair"][k] for k in (0, 64, 129)]


@pytest.mark.parametrize("level", [0, 128, 247, 255])
def test_a_picture_without_a_face_still_gets_labels(level: int) -> None:
    measured = measure(np.full((1, 64, 64, 3), level, np.uint8))
    assert measured["hair"][0] in HAIR
    assert measured["eyes"][0] in EYES


def test_no_pictures_no_labels() -> None:
    assert measure(np.empty((0, 64, 64, 3), np.uint8)) == {"hair": [], "eyes": []}


WRONG = [
    np.zeros((2, 64, 64, 3), np.float32),
    np.zeros((64, 64, 3), np.uint8),
    np.zeros((2, 3, 64, 64), np.uint8),
    np.zeros((2, 64, 32, 3), np.uint8),
    np.zeros((2, 8, 8, 3), np.uint8),
]


@pytest.mark.parametrize("images", WRONG, ids=lambda images: f"{images.dtype}{images.shape}")
def test_other_arrays_are_refused(images: NDArray[np.uint8]) -> None:
    with pytest.raises(GanportError, match=r"images: expected uint8 pictures \(N, S, S, 3\)"):
        measure(images)
