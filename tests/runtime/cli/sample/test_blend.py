from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Generator


def test_fractions_between_two_requests(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, shows: Any, drawn_again: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "blend", bundle, "--from", "pink hair green eyes", "--to",
                 "black hair", "--steps", 3, "--seed", 5, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    page, pictures = opened(out)
    assert [picture["condition"] for picture in pictures] == [
        {"hair": "pink", "eyes": "green"},
        {"hair": {"pink": 0.5, "black": 0.5}, "eyes": {"green": 0.5, "blue": 0.5}},
        {"hair": "black", "eyes": "blue"},
    ]
    images = drawn_again(bundle, pictures)
    assert all(shows(page, image, 2) for image in images)
    ends = Generator.load(bundle).generate(["pink hair green eyes", "black hair"], seeds=[5, 5])
    assert np.array_equal(images[[0, 2]], ends)


def test_every_kind_of_group_blends(
    run: Any, every_kind: Path, tmp_path: Path, opened: Any
) -> None:
    result = run("sample-gan", "blend", every_kind, "--steps", 5, "--out", tmp_path / "a.png",
                 "--from", "ash hair, cube ball, young, 0.25 age",
                 "--to", "#000000 hair, ball cone, green eyes")  # fmt: skip
    assert result.code == 0
    middle = opened(tmp_path / "a.png")[1][2]["condition"]
    assert middle["hair"] == [96, 96, 96]
    assert middle["objects"] == {"cube": 0.5, "ball": 1, "cone": 0.5}
    assert middle["look"] == {"eyes": {"blue": 0.5, "green": 0.5}, "mood": "calm"}
    assert middle["face"] == {"young": 0.5}
    assert middle["age"] == pytest.approx(0.375)


def test_an_animation_goes_there_and_back(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, frames: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "blend", bundle, "--from", "pink hair", "--to", "black hair", "--steps", 3,
        "--animate", "--out", out)  # fmt: skip
    hair = [picture["condition"]["hair"] for picture in opened(out)[1]]
    half = {"pink": 0.5, "black": 0.5}
    assert hair == ["pink", half, "black", half]
    first, there, _, back = frames(out)
    assert np.array_equal(there, back)
    assert not np.array_equal(first, there)


def test_nothing_to_blend(run: Any, data: Path, tmp_path: Path) -> None:
    result = run("sample-gan", "blend", data / "tiny-unconditional.onnx", "--from", "", "--to", "",
                 "--out", tmp_path / "a.png")  # fmt: skip
    assert result.code == 1
    assert "blend: expected a generator with conditions; found an unconditional one" in result.err
