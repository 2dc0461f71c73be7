"""Tests of the example that generates many images into a folder."""

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


def read_index(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return value


def test_main_writes_the_images_of_the_index(
    example: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example["main"](["starter", str(tmp_path / "faces"), "--count", "70", "--seed", "5"])
    assert capsys.readouterr().out.startswith(f"70 of 70 images written to {tmp_path}/faces, ")
    generator = Generator.load("starter", "cpu")
    index = read_index(tmp_path / "faces")
    assert index["digest"] == generator.bundle.digest
    assert [entry["seed"] for entry in index["images"]] == [str(5 + i) for i in range(70)]
    assert len({entry["condition"]["hair"] for entry in index["images"]}) == 12
    for entry in (index["images"][0], index["images"][69]):
        (expected,) = generator.generate(entry["condition"], seed=int(entry["seed"]))
        assert np.array_equal(pixels(tmp_path / "faces" / entry["file"]), expected)


def test_main_uses_requests_in_turn(example: dict[str, Any], tmp_path: Path) -> None:
    requests = tmp_path / "requests.txt"
    requests.write_text("pink hair blue eyes\n\nred hair\n")
    example["main"](["starter", str(tmp_path), "--count", "3", "--requests", str(requests)])
    hair = [entry["condition"]["hair"] for entry in read_index(tmp_path)["images"]]
    assert hair == ["pink", "red", "pink"]


def test_main_again_generates_only_missing_images(
    example: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["starter", str(tmp_path), "--count", "9"]
    example["main"](line)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("000002.png", "000008.png"):
        (tmp_path / name).unlink()
    example["main"](line)
    assert "\n2 of 9 images written" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_main_after_a_kill_completes_the_folder(example: dict[str, Any], tmp_path: Path) -> None:
    line = ["starter", str(tmp_path), "--count", "300", "--device", "cpu"]
    with subprocess.Popen([sys.executable, str(EXAMPLE), *line]) as process:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("0*.png")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert read_index(tmp_path)["images"][299]["file"] == "000299.png"
    example["main"](line)
    assert len(list(tmp_path.glob("0*.png"))) == 300
    assert all(pixels(path).shape == (64, 64, 3) for path in tmp_path.glob("0*.png"))


def test_main_with_another_plan_raises_and_changes_nothing(
    example: dict[str, Any], tmp_path: Path
) -> None:
    example["main"](["starter", str(tmp_path), "--count", "2"])
    with pytest.raises(RequestError, match="another folder") as caught:
        example["main"](["starter", str(tmp_path), "--count", "3"])
    assert caught.value.place == str(tmp_path / "index.json")
    assert len(read_index(tmp_path)["images"]) == 2


@pytest.mark.parametrize("count", ["0", "-1", "1000001"])
def test_main_with_an_invalid_count_writes_nothing(
    example: dict[str, Any], tmp_path: Path, count: str
) -> None:
    with pytest.raises(RequestError, match="count"):
        example["main"](["starter", str(tmp_path / "faces"), "--count", count])
    assert not (tmp_path / "faces").exists()


def test_main_with_an_unknown_label_writes_nothing(example: dict[str, Any], tmp_path: Path) -> None:
    requests = tmp_path / "requests.txt"
    requests.write_text("pnk hair\n")
    with pytest.raises(ConditionError, match="Did you mean 'pink'"):
        example["main"](["starter", str(tmp_path / "faces"), "--requests", str(requests)])
    assert not (tmp_path / "faces").exists()


def test_script_prints_an_error_as_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["batch_to_folder.py", str(tmp_path / "no"), str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^error: .*no: expected a bundle; found no such file"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
