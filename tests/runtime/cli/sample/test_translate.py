from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of

LABELS = ("smiling", "young", "glasses")


def test_every_picture_in_every_domain(
    run: Any, translator: Path, portraits: list[Path], tmp_path: Path, opened: Any, shows: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "translate", translator, "--images", *portraits, "--scale", 2,
                 "--out", out)  # fmt: skip
    assert result.code == 0, result.err
    assert "12 pictures, from ann.png, bob.png, cleo.png, drawn on cpu" in result.out
    page, pictures = opened(out)
    assert pictures == [
        {"image": sha256_of(path)} | ({"condition": {"face": [label]}} if label else {})
        for path in portraits
        for label in (None, *LABELS)
    ]
    generator = Generator.load(translator)
    for path in portraits:
        pixels = np.asarray(Image.open(path))
        assert shows(page, pixels, 2)
        for label in LABELS:
            assert shows(page, generator.translate(pixels[None], label)[0], 2)


@pytest.mark.parametrize("asked", [("--set", "face=smiling,glasses"), ("smiling glasses",)])
def test_one_request(
    run: Any, translator: Path, portraits: list[Path], tmp_path: Path, opened: Any, asked: Any
) -> None:
    out = tmp_path / "a.png"
    words = [*asked, "--images", portraits[0], "--out", out]
    assert run("sample-gan", "translate", translator, *words).code == 0
    pictures = opened(out)[1]
    assert [picture.get("condition") for picture in pictures] == [
        None,
        {"face": ["smiling", "glasses"]},
    ]


def test_labels_one_after_another(
    run: Any, translator: Path, portraits: list[Path], tmp_path: Path, frames: Any
) -> None:
    out = tmp_path / "a.gif"
    run("sample-gan", "translate", translator, "--images", *portraits, "--animate", "--out", out)
    assert len(frames(out)) == 4


def test_pictures_of_another_size(
    run: Any, translator: Path, tmp_path: Path, opened: Any, shows: Any
) -> None:
    wide = np.zeros((32, 64, 3), np.uint8)
    wide[:, 16:48] = (10, 200, 90)  # what a square around the centre holds
    Image.fromarray(wide).save(tmp_path / "wide.png")
    words = ("translate", translator, "--images", tmp_path / "wide.png", "--out")
    run("sample-gan", *words, tmp_path / "a.png")
    run("sample-gan", *words, tmp_path / "b.png", "--whole")
    cut, squeezed = opened(tmp_path / "a.png"), opened(tmp_path / "b.png")
    green = np.full((8, 8, 3), (10, 200, 90), np.uint8)
    assert shows(cut[0], green, 16)
    assert not shows(squeezed[0], green, 16)
    assert "frame" not in cut[1][0]
    assert {picture["frame"] for picture in squeezed[1]} == {"whole"}


def test_names_of_files_cannot_command_a_terminal(
    run: Any, translator: Path, portraits: list[Path], tmp_path: Path
) -> None:
    bad = portraits[0].rename(tmp_path / "\x1b[2J.png")
    result = run(
        "sample-gan", "translate", translator, "--images", bad, "--out", tmp_path / "a.png"
    )
    assert result.code == 0
    assert "from \\x1b[2J.png" in result.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--images", "nosuchfile"), "nosuchfile: expected an image file; found No such file"),
        (("--images", "."), ".: expected an image file; found a folder or a device"),
        (("--images", "text.png"), "text.png: expected a complete JPEG, PNG or WebP image; found"),
        (("--images", "ann.png", "--set", "face=bald"), "Did you mean"),
        (("--images", *["ann.png"] * 1025), "at most 4096 pictures on a sheet; found 4100"),
        (("--images", *["ann.png"] * 4097), "at most 4096 pictures on a sheet; found 4097"),
    ],
)
def test_what_cannot_be_translated(
    run: Any,
    translator: Path,
    portraits: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("no picture")
    result = run("sample-gan", "translate", translator, *words, "--out", "a.png")
    assert result.code == 1
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not Path("a.png").exists()


def test_a_bundle_that_cannot(
    run: Any, flow: Path, translator: Path, portraits: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "translate", flow, "--images", portraits[0], "--out", out)
    assert "a bundle that can translate; found one that can generate and encode" in result.err
    result = run("sample-gan", "draw", translator, "--out", out)
    assert "a bundle that can generate; found one that can translate" in result.err
