from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of


def test_more_and_less_of_attributes(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, opened: Any, shows: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "manipulate", flow, "--image", portraits[1], "--attribute",
                 "smiling", "--attribute", "face/glasses", "--strengths", "-1,0, 0.5", "--set",
                 "face=", "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0, result.err
    assert "6 pictures, from bob.png, drawn on cpu" in result.out
    page, pictures = opened(out)
    assert pictures == [
        {"image": sha256_of(portraits[1]), "directions": {name: by}, "condition": {"face": []}}
        for name in ("face/smiling", "face/glasses")
        for by in (-1.0, 0.0, 0.5)
    ]
    generator = Generator.load(flow)
    pixels = np.asarray(Image.open(portraits[1]))
    noise = generator.encode(pixels[None], "no face")
    assert shows(page, pixels, 2)  # nothing added gives the picture back
    for made in pictures:
        ((name, by),) = made["directions"].items()
        moved = noise + np.float32(by) * generator.directions[name]
        assert shows(page, generator.generate("no face", z=moved)[0], 2)


def test_an_animation(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, frames: Any
) -> None:
    out = tmp_path / "a.webp"
    result = run("sample-gan", "manipulate", flow, "--image", portraits[0], "--attribute", "young",
                 "--animate", "--out", out)  # fmt: skip
    assert result.code == 0, result.err
    assert len(frames(out)) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--attribute", "smilling"), "Did you mean 'face/smiling'?"),
        (("--attribute", "smiling", "--strengths", "1,x"), "--strengths: expected numbers from"),
        (("--attribute", "smiling", "--strengths", "nan"), "found 'nan'. Write --strengths -1,0"),
        (("--attribute", "smiling", "--strengths", "1e9"), "numbers from -100 to 100"),
        (("--attribute", "smiling", "--strengths", ""), "--strengths: expected numbers from"),
        (("--attribute", "smiling", "--strengths", ",".join("1" * 5000)), "at most 4096 pictures"),
        (("--attribute", "smiling", "--set", "face=bald"), "condition 'face': expected one of"),
    ],
)
def test_what_cannot_be_manipulated(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, words: Any, message: str
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "manipulate", flow, "--image", portraits[0], *words, "--out", out)
    assert result.code == 1
    assert message in result.err
    assert not out.exists()


def test_a_bundle_without_directions(
    run: Any, bundle: Path, portraits: list[Path], tmp_path: Path
) -> None:
    words = ("--image", portraits[0], "--attribute", "smiling", "--out", tmp_path / "a.png")
    result = run("sample-gan", "manipulate", bundle, *words)
    assert "tiny: expected a bundle with latent directions; found none" in result.err
