from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of

SEED = 2**64 - 1


def test_draw_of_one_seed_writes_the_image(sample: Any, bundle: Path) -> None:
    sheet = sample("draw", bundle, "pink hair", "--seed", SEED)
    assert f"1 image, seed {SEED}" in sheet.out
    assert np.array_equal(sheet.page, Generator.load(bundle).generate("pink hair", seed=SEED)[0])
    assert sheet.entries == [{"seed": str(SEED), "condition": {"hair": "pink", "eyes": "blue"}}]


def test_draw_records_the_bundle(sample: Any, bundle: Path) -> None:
    with Image.open(sample("draw", bundle).path) as image:
        texts = image.text  # type: ignore[attr-defined]
    assert texts["ganport.bundle"] == "tiny"
    assert texts["ganport.digest"] == sha256_of(bundle / "manifest.json")


def test_metadata_regenerates_the_image(sample: Any, bundle: Path) -> None:
    sheet = sample("draw", bundle, "--set", 'hair={"pink":0.5,"black":0.5}')
    assert np.array_equal(sheet.page, sheet.regenerate(bundle)[0])


def test_draw_of_several_seeds_writes_a_sheet(sample: Any, bundle: Path) -> None:
    settings = ("--set", "hair=dark red", "--set", "eyes=green")
    sheet = sample("draw", bundle, *settings, "--seed", 5, "--count", 4, "--scale", 3)
    assert [entry["seed"] for entry in sheet.entries] == ["5", "6", "7", "8"]
    images = Generator.load(bundle).generate("dark red hair green eyes", seed=5, count=4)
    assert all(sheet.shows(image, 3) for image in images)


def test_draw_of_an_unconditional_generator_takes_no_text(
    run: Any, sample: Any, data: Path, tmp_path: Path
) -> None:
    bundle = data / "tiny-unconditional.onnx"
    for count in (1, 2):
        sample("draw", bundle, "--count", count)
    result = run("sample-gan", "draw", bundle, "pink hair", "--out", tmp_path / "b.png")
    assert (result.code, "unconditional" in result.err) == (1, True)


def test_list_writes_an_image_for_each_text(sample: Any, bundle: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("\ndark red hair\n  black hair, green eyes \r\n", encoding="utf-8-sig")
    sheet = sample("list", bundle, "pink hair", "--file", lines, "--seed", 5)
    found = [(entry["seed"], entry["condition"]["hair"]) for entry in sheet.entries]
    assert found == [("5", "pink"), ("5", "dark red"), ("5", "black")]
    assert all(sheet.shows(image, 16) for image in sheet.regenerate(bundle))


def test_list_with_several_seeds_writes_rows(sample: Any, bundle: Path) -> None:
    sheet = sample("list", bundle, "pink hair", "black hair", "--count", 3, "--seed", 1)
    assert [entry["seed"] for entry in sheet.entries] == ["1", "2", "3"] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"pink hair\n\xff\xfe\x00", ":2: expected text in UTF-8; found the byte 0xff"),
        (b"x" * 2_000_000, ": expected at most 1 MiB of text"),
        (b"pink hair\r\n\nblak hair\n", ":3: condition 'hair'"),
        ("pink hair\rblue eyes\u2028noses\r".encode(), ":2: condition text"),
        (b"pink hair pink hair", ":1: condition 'hair'"),
    ],
)
def test_list_with_an_invalid_file_fails_with_the_line(
    run: Any, bundle: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(content)
    result = run("sample-gan", "list", bundle, "--file", lines, "--out", tmp_path / "out.png")
    assert result.code == 1
    assert result.err.startswith(f"error: {lines}{message}")
    assert not (tmp_path / "out.png").exists()


def test_draw_of_webp_and_png_gives_equal_pixels_and_metadata(sample: Any, bundle: Path) -> None:
    png, webp = (
        sample("draw", bundle, "pink hair", "--seed", 5, "--count", 3, name=name)
        for name in ("a.png", "a.webp")
    )
    assert np.array_equal(png.page, webp.page)
    assert png.entries == webp.entries


def test_draw_with_quality_writes_a_lossy_webp(sample: Any, bundle: Path) -> None:
    words = ("draw", bundle, "--seed", 5, "--scale", 32)
    exact, lossy = sample(*words, name="a.webp"), sample(*words, "--quality", 20, name="b.webp")
    assert lossy.path.stat().st_size != exact.path.stat().st_size
    assert not np.array_equal(lossy.page, exact.page)


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_draw_animate_writes_seeds_as_frames(sample: Any, bundle: Path, name: str) -> None:
    words = ("--seed", 5, "--count", 3, "--scale", 2, "--animate", "--fps", 4)
    sheet = sample("draw", bundle, *words, name=name)
    assert "3 frames, 3 images, seeds 5 to 7" in sheet.out
    assert [entry["seed"] for entry in sheet.entries] == ["5", "6", "7"]
    if name == "a.webp":  # a GIF has a palette
        images = Generator.load(bundle).generate(seed=5, count=3)
        assert all(sheet.shows(image, 2, frame) for frame, image in enumerate(images))


def test_list_animate_writes_requests_as_frames(sample: Any, bundle: Path) -> None:
    texts = ("pink hair", "black hair", "dark red hair")
    words = ("--seed", 5, "--count", 2, "--scale", 2, "--animate")
    sheet = sample("list", bundle, *texts, *words, name="a.webp")
    hair = [entry["condition"]["hair"] for entry in sheet.entries]
    assert hair == ["pink", "pink", "black", "black", "dark red", "dark red"]
    for index, image in enumerate(sheet.regenerate(bundle)):
        assert sheet.shows(image, 2, index // 2)


def test_draw_takes_several_settings_after_one_option(sample: Any, bundle: Path) -> None:
    sheet = sample("draw", bundle, "--set", "hair=black", "eyes=green")
    assert sheet.entries[0]["condition"] == {"hair": "black", "eyes": "green"}


@pytest.mark.parametrize("ending", ["", "/"])
def test_output_in_a_folder_has_the_name_of_the_command(
    run: Any, bundle: Path, tmp_path: Path, ending: str
) -> None:
    assert run("sample-gan", "draw", bundle, "--out", f"{tmp_path}{ending}").code == 0
    more = ("--count", 2, "--animate", "--out", f"{tmp_path}{ending}")
    assert run("sample-gan", "draw", bundle, *more).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"draw.png", "draw.gif"}


def test_output_in_a_missing_folder_fails(run: Any, bundle: Path, tmp_path: Path) -> None:
    result = run("sample-gan", "draw", bundle, "--out", f"{tmp_path}/missing/")
    assert result.code == 1
    assert "Create the folder first" in result.err


def test_draw_takes_a_precision(run: Any, bundle: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "a.png")
    assert run("sample-gan", "draw", bundle, "--precision", "fp32", *out).code == 0
    result = run("sample-gan", "draw", bundle, "--precision", "fp16", *out)
    assert result.code == 1
    assert "an ONNX graph in fp16" in result.err
