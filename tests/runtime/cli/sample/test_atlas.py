"""`sample-gan atlas` writes images without labels, and their index."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator

MODES = {"tiny": "RGB", "tiny-gray": "L", "tiny-sprite": "RGBA"}


@pytest.mark.parametrize("name", MODES)
def test_frames_of_the_index_are_the_images(
    run: Any, data: Path, tmp_path: Path, read_sheet: Any, name: str
) -> None:
    bundle, out = data / f"{name}.ganport", tmp_path / "party.png"
    options = ("--seed", 7, "--count", 5, "--columns", 3, "--scale", 2, "--out", out)
    result = run("sample-gan", "atlas", bundle, *options)
    assert result.code == 0, result.err
    index = json.loads((tmp_path / "party.json").read_text())
    generator = Generator.load(bundle)
    atlas = read_sheet(out, mode=MODES[name]).page
    assert index["meta"]["image"] == "party.png"
    assert index["meta"]["digest"] == generator.bundle.digest
    assert (index["meta"]["columns"], index["meta"]["rows"]) == (3, 2)
    for frame in index["frames"]:
        x, y, w, h = (frame["frame"][key] for key in "xywh")
        image = generator.generate(frame["condition"], seed=int(frame["seed"]))[0]
        assert np.array_equal(atlas[y : y + h, x : x + w], image.repeat(2, 0).repeat(2, 1))
    assert [frame["seed"] for frame in index["frames"]] == ["7", "8", "9", "10", "11"]


def test_atlas_of_texts_has_every_request(
    run: Any, data: Path, tmp_path: Path, read_sheet: Any
) -> None:
    (tmp_path / "more.txt").write_text("dark red hair\n")
    result = run(
        *("sample-gan", "atlas", data / "tiny-sprite.ganport", "pink hair", "green eyes"),
        *("--file", tmp_path / "more.txt", "--seed", 3, "--out", tmp_path / "a.png"),
    )
    assert result.code == 0, result.err
    frames = json.loads((tmp_path / "a.json").read_text())["frames"]
    found = [(frame["condition"]["hair"], frame["condition"]["eyes"]) for frame in frames]
    assert found == [("pink", "blue"), ("black", "green"), ("dark red", "blue")]
    entries = read_sheet(tmp_path / "a.png").entries
    assert [entry["condition"] for entry in entries] == [frame["condition"] for frame in frames]
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--animate",), "one image"),
        (("--count", 900, "--columns", 900, "--scale", 64), "16384 pixels"),
    ],
)
def test_atlas_that_cannot_be_written_is_refused(
    run: Any, data: Path, tmp_path: Path, options: tuple[Any, ...], message: str
) -> None:
    result = run(
        "sample-gan", "atlas", data / "tiny.ganport", *options, "--out", tmp_path / "a.webp"
    )
    assert result.code == 1
    assert message in result.err
    assert not list(tmp_path.iterdir())
