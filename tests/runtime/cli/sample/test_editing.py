from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of

LABELS = ("smiling", "young", "glasses")


def test_translate_writes_every_label_of_every_image(
    sample: Any, translator: Path, portraits: list[Path]
) -> None:
    sheet = sample("translate", translator, "--images", *portraits, "--scale", 2)
    assert "12 images, from ann.png, bob.png, cleo.png" in sheet.out
    assert sheet.entries == [
        {"image": sha256_of(path)} | ({"condition": {"face": [label]}} if label else {})
        for path in portraits
        for label in (None, *LABELS)
    ]
    generator = Generator.load(translator)
    for path in portraits:
        pixels = np.asarray(Image.open(path))
        assert sheet.shows(pixels, 2)
        for label in LABELS:
            assert sheet.shows(generator.translate(pixels[None], label)[0], 2)


@pytest.mark.parametrize("request_words", [("--set", "face=smiling,glasses"), ("smiling glasses",)])
def test_translate_with_a_request_writes_one_column(
    sample: Any, translator: Path, portraits: list[Path], request_words: Any
) -> None:
    entries = sample("translate", translator, *request_words, "--images", portraits[0]).entries
    found = [entry.get("condition") for entry in entries]
    assert found == [None, {"face": ["smiling", "glasses"]}]


def test_translate_animate_writes_labels_as_frames(
    sample: Any, translator: Path, portraits: list[Path]
) -> None:
    sheet = sample("translate", translator, "--images", *portraits, "--animate", name="a.gif")
    assert len(sheet.frames) == 4


def test_translate_crops_images_unless_no_crop(
    sample: Any, translator: Path, tmp_path: Path
) -> None:
    wide = np.zeros((32, 64, 3), np.uint8)
    wide[:, 16:48] = (10, 200, 90)  # the center square
    Image.fromarray(wide).save(tmp_path / "wide.png")
    words = ("translate", translator, "--images", tmp_path / "wide.png")
    cropped, resized = sample(*words), sample(*words, "--no-crop", name="b.png")
    green = np.full((8, 8, 3), (10, 200, 90), np.uint8)
    assert cropped.shows(green, 16)
    assert not resized.shows(green, 16)
    assert "frame" not in cropped.entries[0]
    assert {entry["frame"] for entry in resized.entries} == {"whole"}


def test_translate_prints_file_names_without_control_characters(
    sample: Any, translator: Path, portraits: list[Path], tmp_path: Path
) -> None:
    bad = portraits[0].rename(tmp_path / "\x1b[2J.png")
    assert "from \\x1b[2J.png" in sample("translate", translator, "--images", bad).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--images", "nosuchfile"), "error: nosuchfile: "),
        (("--images", "."), "error: .: "),
        (("--images", "text.png"), "error: text.png: "),
        (("--images", "ann.png", "--set", "face=bald"), "Write one of them exactly"),
        (("--images", *["ann.png"] * 1025), "found 4100"),
        (("--images", *["ann.png"] * 4097), "found 4097"),
    ],
)
def test_translate_with_an_invalid_input_fails(
    run: Any,
    translator: Path,
    portraits: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("not an image")
    result = run("sample-gan", "translate", translator, *words, "--out", "a.png")
    assert result.code == 1
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not Path("a.png").exists()


def test_command_on_another_kind_of_bundle_fails(
    run: Any, flow: Path, translator: Path, portraits: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "translate", flow, "--images", portraits[0], "--out", out)
    assert "translate" in result.err
    result = run("sample-gan", "draw", translator, "--out", out)
    assert "generate" in result.err


def test_edit_writes_multiples_of_latent_directions(
    sample: Any, flow: Path, portraits: list[Path]
) -> None:
    words = ("--attribute", "smiling", "--attribute", "face/glasses", "--strengths", "-1,0, 0.5")
    more = ("--set", "face=", "--scale", 2)
    sheet = sample("edit", flow, "--image", portraits[1], *words, *more)
    assert "6 images, from bob.png" in sheet.out
    assert sheet.entries == [
        {
            "image": sha256_of(portraits[1]),
            "directions": {name: strength},
            "condition": {"face": []},
        }
        for name in ("face/smiling", "face/glasses")
        for strength in (-1.0, 0.0, 0.5)
    ]
    generator = Generator.load(flow)
    pixels = np.asarray(Image.open(portraits[1]))
    noise = generator.encode(pixels[None], "no face")
    assert sheet.shows(pixels, 2)  # strength 0
    for entry in sheet.entries:
        ((name, strength),) = entry["directions"].items()
        edited = noise + np.float32(strength) * generator.directions[name]
        assert sheet.shows(generator.generate("no face", z=edited)[0], 2)


def test_edit_animate_writes_strengths_as_frames(
    sample: Any, flow: Path, portraits: list[Path]
) -> None:
    words = ("--image", portraits[0], "--attribute", "young", "--animate")
    assert len(sample("edit", flow, *words, name="a.webp").frames) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--attribute", "smilling"), "Did you mean 'face/smiling'?"),
        (("--attribute", "smiling", "--strengths", "1,x"), "error: --strengths: "),
        (("--attribute", "smiling", "--strengths", "nan"), "found 'nan'"),
        (("--attribute", "smiling", "--strengths", "1e9"), "-100 to 100"),
        (("--attribute", "smiling", "--strengths", ""), "error: --strengths: "),
        (("--attribute", "smiling", "--strengths", ",".join("1" * 5000)), "found 5000"),
        (("--attribute", "smiling", "--set", "face=bald"), "error: condition 'face': "),
    ],
)
def test_edit_with_an_invalid_option_fails(
    run: Any, flow: Path, portraits: list[Path], tmp_path: Path, words: Any, message: str
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "edit", flow, "--image", portraits[0], *words, "--out", out)
    assert result.code == 1
    assert message in result.err
    assert not out.exists()


def test_edit_without_latent_directions_fails(
    run: Any, bundle: Path, portraits: list[Path], tmp_path: Path
) -> None:
    words = ("--image", portraits[0], "--attribute", "smiling", "--out", tmp_path / "a.png")
    result = run("sample-gan", "edit", bundle, *words)
    assert result.err.startswith("error: tiny: ")
