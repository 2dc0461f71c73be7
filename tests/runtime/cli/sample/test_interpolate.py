from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of
from ganport_runtime.generation.interpolation import spherical


def test_interpolate_writes_a_row_for_each_pair_of_seeds(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, contains: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "interpolate", bundle, "pink hair", "--seeds", "3, 8,21",
                 "--steps", 3, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    assert "6 images, seeds 3, 8, 21" in result.out
    page, entries = read_file(out)
    assert [(entry["seeds"], entry["share"]) for entry in entries] == [
        (seeds, t) for seeds in (["3", "8"], ["8", "21"]) for t in (0.0, 0.5, 1.0)
    ]
    generator = Generator.load(bundle)
    for entry in entries:
        first, second = generator.noise([int(seed) for seed in entry["seeds"]])
        noise = spherical(first, second, [entry["share"]])
        assert contains(page, generator.generate(entry["condition"], z=noise)[0], 2)
    for seed in (3, 8, 21):
        assert contains(page, generator.generate("pink hair", seed=seed)[0], 2)


def test_interpolate_animate_returns_to_the_first_seed(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, read_frames: Any, contains: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "interpolate", bundle, "--seeds", "3,8", "--steps", 4, "--scale", 2,
        "--animate", "--out", out)  # fmt: skip
    entries = read_file(out)[1]
    assert [entry["seeds"] for entry in entries] == [["3", "8"]] * 4 + [["8", "3"]] * 4
    assert [entry["share"] for entry in entries] == [0.0, 0.25, 0.5, 0.75] * 2
    pages = read_frames(out)
    ends = Generator.load(bundle).generate(seeds=[3, 8])
    assert contains(pages[0], ends[0], 2)
    assert contains(pages[4], ends[1], 2)
    assert len({page.shape for page in pages}) == 1


def test_interpolate_of_an_unconditional_generator_writes_six_images(
    run: Any, data: Path, tmp_path: Path, read_file: Any
) -> None:
    out = tmp_path / "a.png"
    run("sample-gan", "interpolate", data / "tiny-unconditional.onnx", "--seeds", "1,2",
        "--out", out)  # fmt: skip
    page, entries = read_file(out)
    assert len(entries) == 6
    assert page.dtype == np.uint8


def test_interpolate_between_images_is_linear(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, read_file: Any, contains: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "interpolate", flow, "smiling", "--images", *portraits, "--steps",
                 3, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0, result.err
    page, entries = read_file(out)
    digests = [sha256_of(path) for path in portraits]
    assert entries == [
        {"images": [start, end], "share": t, "condition": {"face": ["smiling"]}}
        for start, end in pairwise(digests)
        for t in (0.0, 0.5, 1.0)
    ]
    generator = Generator.load(flow)
    pixels = np.stack([np.asarray(Image.open(path)) for path in portraits])
    noise = generator.encode(pixels, "smiling")
    middle = generator.generate("smiling", z=(noise[:-1] + noise[1:]) / 2)
    assert all(contains(page, image, 2) for image in (*pixels, *middle))


def test_interpolate_animate_returns_to_the_first_image(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, read_file: Any, read_frames: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "interpolate", flow, "--images", *portraits[:2], "--steps", 4, "--animate",
        "--out", out)  # fmt: skip
    first, second = (sha256_of(path) for path in portraits[:2])
    assert [entry["images"] for entry in read_file(out)[1]] == [[first, second]] * 4 + [
        [second, first]
    ] * 4
    assert len(read_frames(out)) == 8


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
