"""`sample-gan` writes the images of the library, and exits with the code of what went wrong."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import product
import pytest
import recorded
from PIL import Image

TINY, FLOW = product.DATA / "tiny.ganport", product.DATA / "tiny-flow.ganport"
EVERY, CHANGER = product.DATA / "tiny-every-kind.onnx", product.DATA / "tiny-translator.ganport"
GOOD: dict[str, tuple[object, ...]] = {
    "one.png": ("draw", TINY, "pink hair green eyes", "--seed", 7),
    "one.webp": ("draw", TINY, "--set", "hair=pink", "--set", "eyes=green", "--seed", 7),
    "several.png": ("draw", "faces.ganport", "pink hair", "--seed", 2**64 - 2, "--count", 4),
    "blended.png": ("draw", TINY, "--set", 'hair={"pink": 0.5, "black": 0.5}', "--seed", 1),
    "pairs.png": ("pairs", TINY, "pink hair", "black hair green eyes", "--seed", 3),
    "matrix.png": ("matrix", TINY, "--rows", "hair", "--columns", "eyes", "--seed", 7),
    "sweep.png": ("sweep", EVERY, "--over", "age", "--steps", 3, "--seed", 7, "--count", 2),
    "sweep.gif": ("sweep", TINY, "--over", "hair", "--seed", 7, "--animate"),
    "colormap.png": (
        *("colormap", EVERY, "--group", "hair", "--hues", 3, "--lightnesses", 2),
        *("--seed", 7),
    ),
    "blend.png": ("blend", TINY, "--from", "pink hair", "--to", "black hair", "--steps", 3),
    "blend.webp": ("blend", TINY, "--from", "pink hair", "--to", "", "--seed", 1, "--animate"),
    "between.png": ("interpolate", TINY, "pink hair", "--seeds", "3,8", "--steps", 3),
    "way.png": ("interpolate", FLOW, "young", "--images", "a.png", "b.png", "--steps", 3),
    "translate.png": ("translate", CHANGER, "--images", "a.png", "b.png"),
    "asked.png": ("translate", CHANGER, "smiling", "--images", "wide.png", "--whole"),
    "manipulate.png": (
        *("manipulate", FLOW, "--image", "a.png", "--attribute", "smiling"),
        *("--strengths", "-1,0,1"),
    ),
}
"""By the file it writes."""
PLAIN = ("--device", "cpu", "--scale", 1)
BAD: dict[str, tuple[int, tuple[object, ...]]] = {
    "no command": (2, ()),
    "unknown command": (2, ("paint",)),
    "no --out": (2, ("draw", TINY)),
    "no such option": (2, ("draw", TINY, "--out", "x.png", "--sea", 1)),
    "no number": (2, ("draw", TINY, "--out", "x.png", "--count", "many")),
    "out of range": (2, ("draw", TINY, "--out", "x.png", "--count", 0)),
    "no bundle": (1, ("draw", "nowhere.ganport", "--out", "x.png")),
    "no bundle of ours": (1, ("draw", "a.png", "--out", "x.png")),
    "wrong label": (1, ("draw", TINY, "pnk hair", "--out", "x.png")),
    "wrong seed": (1, ("draw", TINY, "--seed", 2**64, "--out", "x.png")),
    "wrong ending": (1, ("draw", TINY, "--out", "x.txt")),
    "no folder": (1, ("draw", TINY, "--out", "nowhere/x.png")),
    "wrong device": (1, ("draw", TINY, "--device", "abacus", "--out", "x.png")),
    "wrong group": (1, ("matrix", TINY, "--rows", "hare", "--columns", "eyes", "--out", "x.png")),
    "no color group": (1, ("colormap", TINY, "--group", "hair", "--out", "x.png")),
    "no translator": (1, ("translate", TINY, "--images", "a.png", "--out", "x.png")),
    "no flow": (1, ("manipulate", TINY, "--image", "a.png", "--attribute", "x", "--out", "x.png")),
    "one seed": (1, ("interpolate", TINY, "--seeds", "3", "--out", "x.png")),
    "no image": (1, ("translate", CHANGER, "--images", "faces.zip", "--out", "x.png")),
    "no run": (1, ("history", "nowhere", "--out", "x.gif")),
}
CALLS = {
    "--version": ("sample-gan", "--version"),
    "--help": ("sample-gan", "--help"),
    "scaled.png": (
        *("sample-gan", "draw", TINY, "pink hair green eyes", "--seed", 7, "--scale", 3),
        *("--out", "scaled.png"),
    ),
    **{name: ("sample-gan", *words, *PLAIN, "--out", name) for name, words in GOOD.items()},
    **{name: ("sample-gan", *words) for name, (_, words) in BAD.items()},
}


def prepare(folder: Path) -> None:
    """Write the images that commands read."""
    for name, image in zip("ab", recorded.images(2, 8), strict=True):
        Image.fromarray(image).save(folder / f"{name}.png")
    wide = np.repeat(recorded.images(1, 8)[0], 2, axis=1)
    Image.fromarray(wide).save(folder / "wide.png")


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def origin(path: Path) -> list[dict[str, Any]]:
    """Return how each image of a file was made, as the file says."""
    texts = product.public("ganport_runtime.pictures.metadata")(path)
    assert texts.keys() == {"ganport.bundle", "ganport.digest", "ganport.pictures"}
    entries: list[dict[str, Any]] = product.original(
        json.loads(texts["ganport.pictures"]), "metadata"
    )
    return entries


@pytest.mark.parametrize("name", GOOD)
def test_command_writes_its_file(calls: product.Calls, work: Path, name: str) -> None:
    outcome = calls[name]
    assert outcome.code == 0, outcome.err
    with Image.open(work / name) as image:
        assert image.format == name.rpartition(".")[2].upper()
    assert origin(work / name)


@pytest.mark.parametrize("name", BAD)
def test_command_that_cannot_exits_with_its_code(
    calls: product.Calls, work: Path, name: str
) -> None:
    outcome = calls[name]
    assert outcome.code == BAD[name][0], outcome.err
    assert outcome.err.strip() or name == "no command"
    assert "Traceback" not in outcome.err
    assert not (work / "x.png").exists()


@pytest.mark.parametrize("name", ["--version", "--help"])
def test_command_tells_of_itself(calls: product.Calls, name: str) -> None:
    assert calls[name].code == 0
    assert calls[name].out.strip()


@pytest.mark.parametrize("name", ["one.png", "one.webp"])
def test_draw_one_writes_the_image_of_the_library(
    calls: product.Calls, work: Path, name: str
) -> None:
    assert calls[name].code == 0
    (expected,) = recorded.opened("tiny.ganport").generate("pink hair green eyes", seed=7)
    assert np.array_equal(pixels(work / name), expected)
    assert origin(work / name) == [{"seed": "7", "condition": {"hair": "pink", "eyes": "green"}}]


def test_draw_scaled_repeats_pixels(calls: product.Calls, work: Path) -> None:
    assert calls["scaled.png"].code == 0
    plain = pixels(work / "one.png")
    assert np.array_equal(pixels(work / "scaled.png"), plain.repeat(3, axis=0).repeat(3, axis=1))


def test_draw_several_takes_consecutive_seeds(calls: product.Calls, work: Path) -> None:
    assert calls["several.png"].code == 0
    seeds = [entry["seed"] for entry in origin(work / "several.png")]
    assert seeds == [str(2**64 - 2), str(2**64 - 1), "0", "1"]
    shown(work / "several.png", recorded.opened("faces.ganport"))


@pytest.mark.parametrize("name", ["pairs.png", "matrix.png", "sweep.png", "colormap.png"])
def test_sheet_shows_what_it_tells(calls: product.Calls, work: Path, name: str) -> None:
    assert calls[name].code == 0
    bundle = EVERY.name if name in ("sweep.png", "colormap.png") else TINY.name
    count = {"pairs.png": 2}.get(name, 6)
    assert shown(work / name, recorded.opened(bundle)) == count


def shown(sheet: Path, generator: Any) -> int:
    """Check that every image a sheet tells of stands on it, and return how many there are."""
    page = pixels(sheet)
    entries = origin(sheet)
    for entry in entries:
        (image,) = generator.generate(entry["condition"], seed=int(entry["seed"]))
        assert stands_on(page, image), entry
    return len(entries)


def stands_on(page: Any, image: Any) -> bool:
    """Return whether an image lies somewhere on a page."""
    height, width, _ = image.shape
    corners = np.argwhere((page == image[0, 0]).all(axis=2))
    parts = (page[top : top + height, left : left + width] for top, left in corners)
    return any(np.array_equal(part, image) for part in parts)


def test_blend_tells_weights_between_its_ends(calls: product.Calls, work: Path) -> None:
    assert calls["blend.png"].code == 0
    hair = [entry["condition"]["hair"] for entry in origin(work / "blend.png")]
    assert hair == ["pink", {"pink": 0.5, "black": 0.5}, "black"]
    shown(work / "blend.png", recorded.opened("tiny.ganport"))


def test_interpolate_seeds_tells_shares_between_them(calls: product.Calls, work: Path) -> None:
    assert calls["between.png"].code == 0
    told = origin(work / "between.png")
    assert [(entry["seeds"], entry["share"]) for entry in told] == [
        (["3", "8"], share) for share in (0.0, 0.5, 1.0)
    ]
    generator = recorded.opened("tiny.ganport")
    ends = product.member(generator, "noise")([3, 8])
    z = product.public("ganport_runtime.interpolation.spherical")(*ends, [0.0, 0.5, 1.0])
    for image in generator.generate(told[0]["condition"], z=z):
        assert stands_on(pixels(work / "between.png"), image)


def test_images_of_ones_own_are_named_by_their_digest(calls: product.Calls, work: Path) -> None:
    digests = [hashlib.sha256((work / f"{name}.png").read_bytes()).hexdigest() for name in "ab"]
    assert calls["translate.png"].code == calls["way.png"].code == 0
    told = origin(work / "translate.png")
    assert {entry["image"] for entry in told} == set(digests)
    assert len(told) == 2 * (1 + 3)  # as it came, and each label alone
    assert [(entry["images"], entry["share"]) for entry in origin(work / "way.png")] == [
        (digests, share) for share in (0.0, 0.5, 1.0)
    ]


def test_translate_whole_image_is_squeezed_and_says_so(calls: product.Calls, work: Path) -> None:
    assert calls["asked.png"].code == 0
    told = origin(work / "asked.png")
    assert [entry.get("frame") for entry in told] == ["whole"] * len(told)
    assert told[-1]["condition"] == {"face": ["smiling"]}


def test_manipulate_adds_multiples_of_a_direction(calls: product.Calls, work: Path) -> None:
    assert calls["manipulate.png"].code == 0
    told = origin(work / "manipulate.png")
    added = [entry["directions"]["face/smiling"] for entry in told]
    assert added == [-1, 0, 1]
    flow = recorded.opened("tiny-flow.ganport")
    direction = product.member(flow, "directions")["face/smiling"]
    z = flow.encode(recorded.images(1, 8), told[-1]["condition"]) + direction
    (image,) = flow.generate(told[-1]["condition"], z=z)
    assert stands_on(pixels(work / "manipulate.png"), image)


@pytest.mark.parametrize(("name", "frames"), [("sweep.gif", 3), ("blend.webp", 2 * 24 - 2)])
def test_animation_has_a_frame_for_each_column(
    calls: product.Calls, work: Path, name: str, frames: int
) -> None:
    assert calls[name].code == 0
    with Image.open(work / name) as image:
        assert image.n_frames == frames
