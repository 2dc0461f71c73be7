from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of

SEED = 2**64 - 1


def test_draw_one_picture(run: Any, bundle: Path, tmp_path: Path, opened: Any) -> None:
    out = tmp_path / "one.png"
    result = run("sample-gan", "draw", bundle, "pink hair", "--out", out, "--seed", SEED)
    assert result.code == 0
    assert result.out == f"{out}: 8 x 8, 1 picture, seed {SEED}, drawn on cpu\n"
    page, pictures = opened(out)
    assert np.array_equal(page, Generator.load(bundle).generate("pink hair", seed=SEED)[0])
    assert pictures == [{"seed": str(SEED), "condition": {"hair": "pink", "eyes": "blue"}}]


def test_the_png_says_which_bundle(run: Any, bundle: Path, tmp_path: Path) -> None:
    run("sample-gan", "draw", bundle, "--out", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        texts = image.text  # type: ignore[attr-defined]
    assert texts["ganport.bundle"] == "tiny"
    assert texts["ganport.digest"] == sha256_of(bundle / "manifest.json")


def test_a_picture_can_be_made_again_from_its_metadata(
    run: Any, bundle: Path, tmp_path: Path, opened: Any
) -> None:
    run("sample-gan", "draw", bundle, "--set", 'hair={"pink":0.5,"black":0.5}', "--out",
        tmp_path / "a.png")  # fmt: skip
    page, (made,) = opened(tmp_path / "a.png")
    again = Generator.load(bundle).generate(made["condition"], seed=int(made["seed"]))
    assert np.array_equal(page, again[0])


def test_draw_several_pictures(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, shows: Any
) -> None:
    out = tmp_path / "many.png"
    run("sample-gan", "draw", bundle, "--set", "hair=dark red", "--set", "eyes=green", "--out", out,
        "--seed", 5, "--count", 4, "--scale", 3)  # fmt: skip
    page, pictures = opened(out)
    assert [picture["seed"] for picture in pictures] == ["5", "6", "7", "8"]
    images = Generator.load(bundle).generate("dark red hair green eyes", seed=5, count=4)
    assert all(shows(page, image, 3) for image in images)


def test_an_unconditional_generator_draws(run: Any, data: Path, tmp_path: Path) -> None:
    bundle = data / "tiny-unconditional.onnx"
    for count in (1, 2):
        result = run("sample-gan", "draw", bundle, "--out", tmp_path / "a.png", "--count", count)
        assert result.code == 0
    result = run("sample-gan", "draw", bundle, "pink hair", "--out", tmp_path / "b.png")
    assert (result.code, "unconditional" in result.err) == (1, True)


def test_pairs(run: Any, bundle: Path, tmp_path: Path, opened: Any, shows: Any) -> None:
    out, lines = tmp_path / "pairs.png", tmp_path / "lines.txt"
    lines.write_text("\ndark red hair\n  black hair, green eyes \r\n", encoding="utf-8-sig")
    result = run("sample-gan", "pairs", bundle, "pink hair", "--file", lines, "--out", out,
                 "--seed", 5)  # fmt: skip
    assert result.code == 0
    page, pictures = opened(out)
    assert [(p["seed"], p["condition"]["hair"]) for p in pictures] == [
        ("5", "pink"), ("5", "dark red"), ("5", "black")
    ]  # fmt: skip
    for image in Generator.load(bundle).generate(
        [p["condition"] for p in pictures], seeds=[5, 5, 5]
    ):
        assert shows(page, image, 16)


def test_pairs_of_several_seeds_make_rows(
    run: Any, bundle: Path, tmp_path: Path, opened: Any
) -> None:
    run("sample-gan", "pairs", bundle, "pink hair", "black hair", "--count", 3, "--seed", 1,
        "--out", tmp_path / "a.png")  # fmt: skip
    _, pictures = opened(tmp_path / "a.png")
    assert [p["seed"] for p in pictures] == ["1", "2", "3"] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"pink hair\n\xff\xfe\x00", ":2: expected text in UTF-8; found the byte 0xff."),
        (b"x" * 2_000_000, ": expected at most 1 MiB of text"),
        (b"pink hair\r\n\nblak hair\n", ":3: condition 'hair': expected one of pink, black"),
        ("pink hair\rblue eyes\u2028noses\r".encode(), ":2: condition text: expected phrases"),
        (b"pink hair pink hair", ":1: condition 'hair': expected one value"),
    ],
)
def test_a_file_of_lines_that_cannot_be_drawn(
    run: Any, bundle: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(content)
    result = run("sample-gan", "pairs", bundle, "--file", lines, "--out", tmp_path / "out.png")
    assert result.code == 1
    assert result.err.startswith(f"error: {lines}{message}")
    assert not (tmp_path / "out.png").exists()


def test_a_webp_is_the_same_page_and_says_the_same(
    run: Any, bundle: Path, tmp_path: Path, opened: Any
) -> None:
    for name in ("a.png", "a.webp"):
        result = run("sample-gan", "draw", bundle, "pink hair", "--seed", 5, "--count", 3,
                     "--out", tmp_path / name)  # fmt: skip
        assert result.code == 0
    (one, said), (two, said_too) = opened(tmp_path / "a.png"), opened(tmp_path / "a.webp")
    assert np.array_equal(one, two)
    assert said == said_too


def test_a_lossy_webp_is_smaller(run: Any, bundle: Path, tmp_path: Path) -> None:
    for name, quality in (("a.webp", ()), ("b.webp", ("--quality", 20))):
        run("sample-gan", "draw", bundle, "--seed", 5, "--scale", 32, *quality,
            "--out", tmp_path / name)  # fmt: skip
    assert (tmp_path / "b.webp").stat().st_size != (tmp_path / "a.webp").stat().st_size
    with Image.open(tmp_path / "b.webp") as image:
        assert not np.array_equal(np.asarray(image), np.asarray(Image.open(tmp_path / "a.webp")))


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_seeds_as_frames(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, frames: Any, shows: Any, name: str
) -> None:
    out = tmp_path / name
    result = run("sample-gan", "draw", bundle, "--seed", 5, "--count", 3, "--scale", 2,
                 "--animate", "--fps", 4, "--out", out)  # fmt: skip
    assert "3 frames, 3 pictures, seeds 5 to 7" in result.out
    pages = frames(out)
    assert [picture["seed"] for picture in opened(out)[1]] == ["5", "6", "7"]
    if name == "a.webp":  # a GIF has its own colours
        images = Generator.load(bundle).generate(seed=5, count=3)
        assert all(shows(page, image, 2) for page, image in zip(pages, images, strict=True))


def test_conditions_as_frames(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, frames: Any, shows: Any, drawn_again: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "pairs", bundle, "pink hair", "black hair", "dark red hair", "--seed", 5,
        "--count", 2, "--scale", 2, "--animate", "--out", out)  # fmt: skip
    pages, pictures = frames(out), opened(out)[1]
    hair = [picture["condition"]["hair"] for picture in pictures]
    assert hair == ["pink", "pink", "black", "black", "dark red", "dark red"]
    for index, image in enumerate(drawn_again(bundle, pictures)):
        assert shows(pages[index // 2], image, 2)
