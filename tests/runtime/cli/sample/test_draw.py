from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of

SEED = 2**64 - 1


def test_draw_of_one_seed_writes_the_image(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any
) -> None:
    out = tmp_path / "one.png"
    result = run("sample-gan", "draw", bundle, "pink hair", "--out", out, "--seed", SEED)
    assert result.code == 0
    assert f"1 image, seed {SEED}" in result.out
    page, entries = read_file(out)
    assert np.array_equal(page, Generator.load(bundle).generate("pink hair", seed=SEED)[0])
    assert entries == [{"seed": str(SEED), "condition": {"hair": "pink", "eyes": "blue"}}]


def test_draw_records_the_bundle(run: Any, bundle: Path, tmp_path: Path) -> None:
    run("sample-gan", "draw", bundle, "--out", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        texts = image.text  # type: ignore[attr-defined]
    assert texts["ganport.bundle"] == "tiny"
    assert texts["ganport.digest"] == sha256_of(bundle / "manifest.json")


def test_metadata_regenerates_the_image(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any
) -> None:
    run("sample-gan", "draw", bundle, "--set", 'hair={"pink":0.5,"black":0.5}', "--out",
        tmp_path / "a.png")  # fmt: skip
    page, (entry,) = read_file(tmp_path / "a.png")
    again = Generator.load(bundle).generate(entry["condition"], seed=int(entry["seed"]))
    assert np.array_equal(page, again[0])


def test_draw_of_several_seeds_writes_a_sheet(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, contains: Any
) -> None:
    out = tmp_path / "many.png"
    run("sample-gan", "draw", bundle, "--set", "hair=dark red", "--set", "eyes=green", "--out", out,
        "--seed", 5, "--count", 4, "--scale", 3)  # fmt: skip
    page, entries = read_file(out)
    assert [entry["seed"] for entry in entries] == ["5", "6", "7", "8"]
    images = Generator.load(bundle).generate("dark red hair green eyes", seed=5, count=4)
    assert all(contains(page, image, 3) for image in images)


def test_draw_of_an_unconditional_generator_takes_no_text(
    run: Any, data: Path, tmp_path: Path
) -> None:
    bundle = data / "tiny-unconditional.onnx"
    for count in (1, 2):
        result = run("sample-gan", "draw", bundle, "--out", tmp_path / "a.png", "--count", count)
        assert result.code == 0
    result = run("sample-gan", "draw", bundle, "pink hair", "--out", tmp_path / "b.png")
    assert (result.code, "unconditional" in result.err) == (1, True)


def test_list_writes_an_image_for_each_text(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, contains: Any
) -> None:
    out, lines = tmp_path / "pairs.png", tmp_path / "lines.txt"
    lines.write_text("\ndark red hair\n  black hair, green eyes \r\n", encoding="utf-8-sig")
    result = run("sample-gan", "list", bundle, "pink hair", "--file", lines, "--out", out,
                 "--seed", 5)  # fmt: skip
    assert result.code == 0
    page, entries = read_file(out)
    assert [(entry["seed"], entry["condition"]["hair"]) for entry in entries] == [
        ("5", "pink"), ("5", "dark red"), ("5", "black")
    ]  # fmt: skip
    for image in Generator.load(bundle).generate(
        [entry["condition"] for entry in entries], seeds=[5, 5, 5]
    ):
        assert contains(page, image, 16)


def test_list_with_several_seeds_writes_rows(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any
) -> None:
    run("sample-gan", "list", bundle, "pink hair", "black hair", "--count", 3, "--seed", 1,
        "--out", tmp_path / "a.png")  # fmt: skip
    _, entries = read_file(tmp_path / "a.png")
    assert [entry["seed"] for entry in entries] == ["1", "2", "3"] * 2


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


def test_draw_of_webp_and_png_gives_equal_pixels_and_metadata(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any
) -> None:
    for name in ("a.png", "a.webp"):
        result = run("sample-gan", "draw", bundle, "pink hair", "--seed", 5, "--count", 3,
                     "--out", tmp_path / name)  # fmt: skip
        assert result.code == 0
    (png, png_entries), (webp, webp_entries) = (
        read_file(tmp_path / "a.png"),
        read_file(tmp_path / "a.webp"),
    )
    assert np.array_equal(png, webp)
    assert png_entries == webp_entries


def test_draw_with_quality_writes_a_lossy_webp(run: Any, bundle: Path, tmp_path: Path) -> None:
    for name, quality in (("a.webp", ()), ("b.webp", ("--quality", 20))):
        run("sample-gan", "draw", bundle, "--seed", 5, "--scale", 32, *quality,
            "--out", tmp_path / name)  # fmt: skip
    assert (tmp_path / "b.webp").stat().st_size != (tmp_path / "a.webp").stat().st_size
    with Image.open(tmp_path / "b.webp") as image:
        assert not np.array_equal(np.asarray(image), np.asarray(Image.open(tmp_path / "a.webp")))


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_draw_animate_writes_seeds_as_frames(
    run: Any,
    bundle: Path,
    tmp_path: Path,
    read_file: Any,
    read_frames: Any,
    contains: Any,
    name: str,
) -> None:
    out = tmp_path / name
    result = run("sample-gan", "draw", bundle, "--seed", 5, "--count", 3, "--scale", 2,
                 "--animate", "--fps", 4, "--out", out)  # fmt: skip
    assert "3 frames, 3 images, seeds 5 to 7" in result.out
    pages = read_frames(out)
    assert [entry["seed"] for entry in read_file(out)[1]] == ["5", "6", "7"]
    if name == "a.webp":  # a GIF has a palette
        images = Generator.load(bundle).generate(seed=5, count=3)
        assert all(contains(page, image, 2) for page, image in zip(pages, images, strict=True))


def test_list_animate_writes_requests_as_frames(
    run: Any,
    bundle: Path,
    tmp_path: Path,
    read_file: Any,
    read_frames: Any,
    contains: Any,
    regenerate: Any,
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "list", bundle, "pink hair", "black hair", "dark red hair", "--seed", 5,
        "--count", 2, "--scale", 2, "--animate", "--out", out)  # fmt: skip
    pages, entries = read_frames(out), read_file(out)[1]
    hair = [entry["condition"]["hair"] for entry in entries]
    assert hair == ["pink", "pink", "black", "black", "dark red", "dark red"]
    for index, image in enumerate(regenerate(bundle, entries)):
        assert contains(pages[index // 2], image, 2)


def test_draw_takes_several_settings_after_one_option(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "draw", bundle, "--set", "hair=black", "eyes=green", "--out", out)
    assert result.code == 0, result.err
    assert read_file(out)[1][0]["condition"] == {"hair": "black", "eyes": "green"}


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
