from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of
from ganport_runtime.generation.interpolation import spherical


def test_a_row_for_each_pair_of_seeds(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, shows: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "interpolate", bundle, "pink hair", "--seeds", "3, 8,21",
                 "--steps", 3, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    assert "6 pictures, seeds 3, 8, 21, drawn on cpu" in result.out
    page, pictures = opened(out)
    assert [(p["seeds"], p["share"]) for p in pictures] == [
        (seeds, share) for seeds in (["3", "8"], ["8", "21"]) for share in (0.0, 0.5, 1.0)
    ]
    generator = Generator.load(bundle)
    for made in pictures:  # as the documentation makes a picture again
        first, second = generator.noise([int(seed) for seed in made["seeds"]])
        noise = spherical(first, second, [made["share"]])
        assert shows(page, generator.generate(made["condition"], z=noise)[0], 2)
    for seed in (3, 8, 21):
        assert shows(page, generator.generate("pink hair", seed=seed)[0], 2)


def test_an_animation_comes_back_to_the_first_seed(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, frames: Any, shows: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "interpolate", bundle, "--seeds", "3,8", "--steps", 4, "--scale", 2,
        "--animate", "--out", out)  # fmt: skip
    pictures = opened(out)[1]
    assert [p["seeds"] for p in pictures] == [["3", "8"]] * 4 + [["8", "3"]] * 4
    assert [p["share"] for p in pictures] == [0.0, 0.25, 0.5, 0.75] * 2
    pages = frames(out)
    ends = Generator.load(bundle).generate(seeds=[3, 8])
    assert shows(pages[0], ends[0], 2)
    assert shows(pages[4], ends[1], 2)
    assert len({page.shape for page in pages}) == 1


def test_an_unconditional_generator(run: Any, data: Path, tmp_path: Path, opened: Any) -> None:
    out = tmp_path / "a.png"
    run("sample-gan", "interpolate", data / "tiny-unconditional.onnx", "--seeds", "1,2",
        "--out", out)  # fmt: skip
    page, pictures = opened(out)
    assert len(pictures) == 6
    assert page.dtype == np.uint8


def test_the_way_between_pictures_is_straight(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, opened: Any, shows: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "interpolate", flow, "smiling", "--images", *portraits, "--steps",
                 3, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0, result.err
    page, pictures = opened(out)
    digests = [sha256_of(path) for path in portraits]
    assert pictures == [
        {"images": [one, two], "share": share, "condition": {"face": ["smiling"]}}
        for one, two in pairwise(digests)
        for share in (0.0, 0.5, 1.0)
    ]
    generator = Generator.load(flow)
    pixels = np.stack([np.asarray(Image.open(path)) for path in portraits])
    noise = generator.encode(pixels, "smiling")
    middle = generator.generate("smiling", z=(noise[:-1] + noise[1:]) / 2)
    assert all(shows(page, picture, 2) for picture in (*pixels, *middle))


def test_an_animation_comes_back_to_the_first_picture(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, opened: Any, frames: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "interpolate", flow, "--images", *portraits[:2], "--steps", 4, "--animate",
        "--out", out)  # fmt: skip
    one, two = (sha256_of(path) for path in portraits[:2])
    assert [p["images"] for p in opened(out)[1]] == [[one, two]] * 4 + [[two, one]] * 4
    assert len(frames(out)) == 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "interpolate: expected --seeds or --images; found neither. Write --seeds 3,8,21."),
        (("--seeds", "1,2", "--images", "ann.png", "bob.png"), "--images; found both"),
        (("--images", "ann.png"), "--images: expected two pictures or more; found one"),
    ],
)
def test_seeds_or_pictures(
    run: Any, flow: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    result = run("sample-gan", "interpolate", flow, *words, "--out", tmp_path / "a.png")
    assert result.code == 1
    assert message in result.err


def test_a_bundle_that_cannot_encode(
    run: Any, bundle: Path, portraits: list[Path], tmp_path: Path
) -> None:
    words = ("--images", *portraits, "--out", tmp_path / "a.png")
    result = run("sample-gan", "interpolate", bundle, *words)
    assert "a bundle that can encode; found one that can generate" in result.err
