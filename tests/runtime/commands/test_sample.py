import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.files import sha256_of

SEED = 2**64 - 1


@pytest.fixture
def bundle(data: Path) -> Path:
    return data / "tiny.ganport"


def opened(path: Path) -> tuple[Any, list[dict[str, Any]]]:
    with Image.open(path) as image:
        texts = image.text  # type: ignore[attr-defined]
        return np.asarray(image), json.loads(texts["ganport.pictures"])


def shows(page: Any, picture: Any, scale: int) -> bool:
    """Whether the page shows the picture, enlarged, anywhere."""
    large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = large.shape[:2]
    corners = np.argwhere((page[: 1 - height, : 1 - width] == large[0, 0]).all(axis=2))
    return any(np.array_equal(page[y : y + height, x : x + width], large) for y, x in corners)


def test_draw_one_picture(run: Any, bundle: Path, tmp_path: Path) -> None:
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
    run: Any, bundle: Path, tmp_path: Path
) -> None:
    run("sample-gan", "draw", bundle, "--set", 'hair={"pink":0.5,"black":0.5}', "--out",
        tmp_path / "a.png")  # fmt: skip
    page, (made,) = opened(tmp_path / "a.png")
    again = Generator.load(bundle).generate(made["condition"], seed=int(made["seed"]))
    assert np.array_equal(page, again[0])


def test_draw_several_pictures(run: Any, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "many.png"
    run("sample-gan", "draw", bundle, "--set", "hair=dark red", "--set", "eyes=green", "--out", out,
        "--seed", 5, "--count", 4, "--scale", 3)  # fmt: skip
    page, pictures = opened(out)
    assert [picture["seed"] for picture in pictures] == ["5", "6", "7", "8"]
    images = Generator.load(bundle).generate("dark red hair green eyes", seed=5, count=4)
    assert all(shows(page, image, 3) for image in images)


@pytest.mark.parametrize("count", [1, 2])
def test_matrix(run: Any, bundle: Path, tmp_path: Path, count: int) -> None:
    out = tmp_path / "matrix.png"
    result = run("sample-gan", "matrix", bundle, "--rows", "hair", "--columns", "eyes",
                 "--out", out, "--seed", 5, "--count", count, "--scale", 2)  # fmt: skip
    assert result.code == 0
    page, pictures = opened(out)
    assert len(pictures) == 6 * count
    assert {picture["seed"] for picture in pictures} == {"5", "6"} if count == 2 else {"5"}
    generator = Generator.load(bundle)
    for made in pictures:
        image = generator.generate(made["condition"], seed=int(made["seed"]))[0]
        assert shows(page, image, 2)
    assert [p["condition"]["eyes"] for p in pictures[:2]] == ["blue", "green"]


def test_pairs(run: Any, bundle: Path, tmp_path: Path) -> None:
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


def test_pairs_of_several_seeds_make_rows(run: Any, bundle: Path, tmp_path: Path) -> None:
    run("sample-gan", "pairs", bundle, "pink hair", "black hair", "--count", 3, "--seed", 1,
        "--out", tmp_path / "a.png")  # fmt: skip
    _, pictures = opened(tmp_path / "a.png")
    assert [p["seed"] for p in pictures] == ["1", "2", "3"] * 2


def test_an_unconditional_generator_draws(run: Any, data: Path, tmp_path: Path) -> None:
    bundle = data / "tiny-unconditional.onnx"
    for count in (1, 2):
        result = run("sample-gan", "draw", bundle, "--out", tmp_path / "a.png", "--count", count)
        assert result.code == 0
    result = run("sample-gan", "draw", bundle, "pink hair", "--out", tmp_path / "b.png")
    assert (result.code, "unconditional" in result.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("draw", "B", "pnik hair"), "Did you mean 'pink'?"),
        (("draw", "B", "--set", "hair"), "--set: expected GROUP=VALUE; found 'hair'"),
        (("draw", "B", "--set", "hiar=pink"), "Did you mean 'hair'?"),
        (("draw", "B", "pink hair", "--set", "hair=black"), "condition 'hair': expected one value"),
        (("draw", "B", "--set", "hair={"), "expected valid JSON"),
        (("draw", "B", "--set", 'hair={"pink":0.4}'), "sum to 0.4"),
        (("draw", "B", "--seed", "-1"), "seed: expected an integer"),
        (("draw", "B", "--device", "tpu"), "device: expected auto"),
        (("matrix", "B", "--rows", "hair", "--columns", "hair"), "different groups"),
        (("matrix", "B", "--rows", "hair", "--columns", "age"), "one of the groups hair, eyes"),
        (("matrix", "B", "--rows", "hair", "--columns", "eyes", "--set", "hair=pink"),
         "different groups"),
        (("matrix", "B", "--rows", "hair", "--columns", "eyes", "--count", "4000"),
         "at most 4096 pictures on a sheet"),
        (("pairs", "B"), "at least one text; found none"),
        (("pairs", "B", "--file", "nosuchfile"),
         "nosuchfile: expected a text file; found No such file or directory. Check the path."),
        (("draw", "nosuchbundle"), "nosuchbundle: expected a bundle; found nothing there"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(
    run: Any, bundle: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    arguments = tuple(str(bundle) if argument == "B" else argument for argument in arguments)
    result = run("sample-gan", *arguments, "--out", tmp_path / "out.png")
    assert result.code == 1
    assert message in result.err
    assert result.err.startswith("error: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a.jpg", "a name ending in .png"),
        ("missing/a.png", "an existing folder; found nothing there"),
        ("folder.png", "a file to write; found a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_loaded(
    run: Any, tmp_path: Path, out: str, message: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    result = run("sample-gan", "draw", "nosuchbundle", "--out", tmp_path / out)
    assert result.code == 1
    assert message in result.err


def test_usage_errors_exit_2(run: Any, bundle: Path) -> None:
    assert run("sample-gan", "draw", bundle).code == 2
    assert run("sample-gan", "draw", bundle, "--count", 0, "--out", "a.png").code == 2
    assert run("sample-gan", "paint").code == 2


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
