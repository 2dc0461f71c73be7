from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of
from ganport_runtime.generation.interpolation import spherical


def test_interpolate_writes_a_row_for_each_pair_of_seeds(sample: Any, bundle: Path) -> None:
    words = ("pink hair", "--seeds", "3, 8,21", "--steps", 3, "--scale", 2)
    sheet = sample("interpolate", bundle, *words)
    assert "6 images, seeds 3, 8, 21" in sheet.out
    assert [(entry["seeds"], entry["share"]) for entry in sheet.entries] == [
        (seeds, t) for seeds in (["3", "8"], ["8", "21"]) for t in (0.0, 0.5, 1.0)
    ]
    generator = Generator.load(bundle)
    for entry in sheet.entries:
        first, second = generator.noise([int(seed) for seed in entry["seeds"]])
        noise = spherical(first, second, [entry["share"]])
        assert sheet.shows(generator.generate(entry["condition"], z=noise)[0], 2)
    for seed in (3, 8, 21):
        assert sheet.shows(generator.generate("pink hair", seed=seed)[0], 2)


def test_interpolate_animate_returns_to_the_first_seed(sample: Any, bundle: Path) -> None:
    words = ("--seeds", "3,8", "--steps", 4, "--scale", 2, "--animate")
    sheet = sample("interpolate", bundle, *words, name="a.webp")
    assert [entry["seeds"] for entry in sheet.entries] == [["3", "8"]] * 4 + [["8", "3"]] * 4
    assert [entry["share"] for entry in sheet.entries] == [0.0, 0.25, 0.5, 0.75] * 2
    ends = Generator.load(bundle).generate(seeds=[3, 8])
    assert sheet.shows(ends[0], 2, 0)
    assert sheet.shows(ends[1], 2, 4)
    assert len({page.shape for page in sheet.frames}) == 1


def test_interpolate_of_an_unconditional_generator_writes_six_images(
    sample: Any, data: Path
) -> None:
    sheet = sample("interpolate", data / "tiny-unconditional.onnx", "--seeds", "1,2")
    assert len(sheet.entries) == 6


def test_interpolate_between_images_is_linear(
    sample: Any, flow: Path, portraits: list[Path]
) -> None:
    words = ("smiling", "--images", *portraits, "--steps", 3, "--scale", 2)
    sheet = sample("interpolate", flow, *words)
    assert sheet.entries == [
        {"images": [start, end], "share": t, "condition": {"face": ["smiling"]}}
        for start, end in pairwise(map(sha256_of, portraits))
        for t in (0.0, 0.5, 1.0)
    ]
    generator = Generator.load(flow)
    pixels = np.stack([np.asarray(Image.open(path)) for path in portraits])
    noise = generator.encode(pixels, "smiling")
    middle = generator.generate("smiling", z=(noise[:-1] + noise[1:]) / 2)
    assert all(sheet.shows(image, 2) for image in (*pixels, *middle))


def test_interpolate_animate_returns_to_the_first_image(
    sample: Any, flow: Path, portraits: list[Path]
) -> None:
    words = ("--images", *portraits[:2], "--steps", 4, "--animate")
    sheet = sample("interpolate", flow, *words, name="a.webp")
    way = [sha256_of(path) for path in portraits[:2]]
    assert [entry["images"] for entry in sheet.entries] == [way] * 4 + [way[::-1]] * 4
    assert len(sheet.frames) == 8


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((), "interpolate"),
        (("--seeds", "1,2", "--images", "ann.png", "bob.png"), "interpolate"),
        (("--images", "ann.png"), "--images"),
    ],
)
def test_interpolate_requires_seeds_or_images(
    run: Any, flow: Path, tmp_path: Path, words: tuple[str, ...], place: str
) -> None:
    result = run("sample-gan", "interpolate", flow, *words, "--out", tmp_path / "a.png")
    assert result.code == 1
    assert result.err.startswith(f"error: {place}: ")


def test_interpolate_of_images_requires_an_encoder(
    run: Any, bundle: Path, portraits: list[Path], tmp_path: Path
) -> None:
    words = ("--images", *portraits, "--out", tmp_path / "a.png")
    result = run("sample-gan", "interpolate", bundle, *words)
    assert result.code == 1
    assert "encode" in result.err
