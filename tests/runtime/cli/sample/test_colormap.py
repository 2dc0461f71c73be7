from pathlib import Path
from typing import Any

import numpy as np


def test_hue_by_lightness(
    run: Any, every_kind: Path, tmp_path: Path, opened: Any, shows: Any, drawn_again: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "colormap", every_kind, "--group", "hair", "--hues", 3,
                 "--lightnesses", 3, "--seed", 5, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    page, pictures = opened(out)
    assert [picture["condition"]["hair"] for picture in pictures] == [
        "#ff8080", "#80ff80", "#8080ff",
        "#ff0000", "#00ff00", "#0000ff",
        "#800000", "#008000", "#000080",
    ]  # fmt: skip
    assert {picture["seed"] for picture in pictures} == {"5"}
    for image in drawn_again(every_kind, pictures):
        assert shows(page, image, 2)


def test_the_colour_asked_for_stands_below_its_picture(
    run: Any, every_kind: Path, tmp_path: Path, opened: Any, shows: Any, drawn_again: Any
) -> None:
    out = tmp_path / "a.png"
    run("sample-gan", "colormap", every_kind, "--group", "sky", "--hues", 2, "--lightnesses", 1,
        "--saturation", 50, "--seed", 5, "--scale", 3, "--out", out)  # fmt: skip
    page, pictures = opened(out)
    for image, colour in zip(
        drawn_again(every_kind, pictures), ((191, 64, 64), (64, 191, 191)), strict=True
    ):
        strip = np.full((1, 8, 3), colour, np.uint8)
        assert shows(page, np.concatenate([image, strip]), 3)
