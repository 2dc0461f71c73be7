"""Thousands of pictures into a folder: the plan first, then what is missing of it."""

import json
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime import ConditionError, Generator, RequestError

EXAMPLE = Path(__file__).parents[2] / "examples" / "batch_to_folder.py"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLE), run_name="batch_to_folder")


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def index_of(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return value


def test_every_picture_is_the_one_the_index_names(
    example: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example["main"](["starter", str(tmp_path / "faces"), "--count", "70", "--seed", "5"])
    assert capsys.readouterr().out.startswith(f"70 of 70 pictures drawn into {tmp_path}/faces, ")
    generator = Generator.load("starter", "cpu")
    index = index_of(tmp_path / "faces")
    assert index["digest"] == generator.bundle.digest
    assert [entry["seed"] for entry in index["pictures"]] == [str(5 + i) for i in range(70)]
    assert len({entry["condition"]["hair"] for entry in index["pictures"]}) == 12
    for entry in (index["pictures"][0], index["pictures"][69]):
        (expected,) = generator.generate(entry["condition"], seed=int(entry["seed"]))
        assert np.array_equal(pixels(tmp_path / "faces" / entry["file"]), expected)


def test_requests_are_taken_in_turn(example: dict[str, Any], tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("pink hair blue eyes\n\nred hair\n")
    example["main"](["starter", str(tmp_path), "--count", "3", "--wanted", str(wanted)])
    asked = [entry["condition"]["hair"] for entry in index_of(tmp_path)["pictures"]]
    assert asked == ["pink", "red", "pink"]


def test_a_second_run_draws_only_what_is_missing(
    example: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["starter", str(tmp_path), "--count", "9"]
    example["main"](line)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("000002.png", "000008.png"):
        (tmp_path / name).unlink()
    example["main"](line)
    assert "\n2 of 9 pictures drawn" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_killed_run_is_finished_by_the_same_line(example: dict[str, Any], tmp_path: Path) -> None:
    line = ["starter", str(tmp_path), "--count", "300", "--device", "cpu"]
    with subprocess.Popen([sys.executable, str(EXAMPLE), *line]) as process:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("0*.png")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert index_of(tmp_path)["pictures"][299]["file"] == "000299.png"
    example["main"](line)
    assert len(list(tmp_path.glob("0*.png"))) == 300
    assert all(pixels(path).shape == (64, 64, 3) for path in tmp_path.glob("0*.png"))


def test_another_plan_is_refused_and_changes_nothing(
    example: dict[str, Any], tmp_path: Path
) -> None:
    example["main"](["starter", str(tmp_path), "--count", "2"])
    with pytest.raises(RequestError, match="name another folder") as caught:
        example["main"](["starter", str(tmp_path), "--count", "3"])
    assert caught.value.place == str(tmp_path / "index.json")
    assert len(index_of(tmp_path)["pictures"]) == 2


@pytest.mark.parametrize("count", ["0", "-1", "1000001"])
def test_a_count_out_of_range_writes_nothing(
    example: dict[str, Any], tmp_path: Path, count: str
) -> None:
    with pytest.raises(RequestError, match="count"):
        example["main"](["starter", str(tmp_path / "faces"), "--count", count])
    assert not (tmp_path / "faces").exists()


def test_an_unknown_label_names_the_nearest_and_writes_nothing(
    example: dict[str, Any], tmp_path: Path
) -> None:
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("pnk hair\n")
    with pytest.raises(ConditionError, match="Did you mean 'pink'"):
        example["main"](["starter", str(tmp_path / "faces"), "--wanted", str(wanted)])
    assert not (tmp_path / "faces").exists()


def test_a_mistake_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["batch_to_folder.py", str(tmp_path / "no"), str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^error: .*no: expected a bundle; found no such file"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
