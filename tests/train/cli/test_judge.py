"""`eval-gan judge` as a user meets it: a judge from drawn faces, kills, resumes, refusals."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from ganport_runtime.errors import GanportError
from ganport_train.cli.judge import judge
from ganport_train.data import load_dataset
from ganport_train.evaluation.judge.file import CARD, WEIGHTS
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.resume_state import FOLDER

TINY = ["--resolution", "16", "--width", "4", "--batch", "16", "--val-fraction", "0.2"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def words(data: Path, out: Path, *more: str) -> list[str]:
    return ["--data", str(data), "--out", str(out), "--device", "cpu", *TINY, *more]


def invoke(data: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(judge, words(data, out, *more))


def refusal(data: Path, out: Path, *more: str) -> str:
    """What the command says when it refuses; never a traceback of anything but our own error."""
    result = invoke(data, out, *more)
    assert result.exit_code != 0
    if isinstance(result.exception, GanportError):
        return str(result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_a_judge_is_made_and_says_how_good_it_is(tmp_path: Path, faces: Path) -> None:
    out = tmp_path / "judge"
    result = invoke(faces, out, "--epochs", "2", "--seed", "3", "--no-mirror")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [CARD, WEIGHTS]
    card = json.loads((out / CARD).read_text())
    dataset = load_dataset(faces, resolution=16)
    assert card["data"] == {"name": faces.name, "digest": dataset.digest}
    assert card["conditions"] == dataset.conditions.to_json()
    assert card["settings"]["epochs"] == 2
    assert (card["settings"]["seed"], card["settings"]["mirror"]) == (3, False)
    assert card["training"] + card["held_out"] == 130
    lines = result.output.splitlines()
    assert lines[0].startswith(f"training on {card['training']} pictures, {card['held_out']} held")
    assert lines[1:3] == [
        f"epoch {number} of 2: loss {loss:.4f}" for number, loss in enumerate(card["losses"], 1)
    ]
    assert lines[3] == f"on {card['held_out']} held-out pictures (95 % interval)"
    hair = card["accuracy"]["hair"]
    assert lines[4].split() == [
        "hair",
        f"{hair['value']:.2%}",
        f"{hair['low']:.2%}",
        "to",
        f"{hair['high']:.2%}",
    ]
    assert lines[5].split()[0] == "lowest:"
    assert lines[-1].endswith(f"eval-gan score BUNDLE --data {faces} --judge {out} --out REPORT")


def test_its_intervals_are_wilsons(tmp_path: Path, faces: Path) -> None:
    assert invoke(faces, tmp_path / "judge", "--epochs", "1").exit_code == 0
    card = json.loads((tmp_path / "judge" / CARD).read_text())
    z = 1.959963984540054
    for group in card["accuracy"].values():
        share, count = group["value"], group["count"]
        assert count == card["held_out"]
        middle = share + z * z / (2 * count)
        reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
        scale = 1 + z * z / count
        assert group["low"] == pytest.approx((middle - reach) / scale)
        assert group["high"] == pytest.approx((middle + reach) / scale)
        assert sum(sum(row) for row in group["confusion"]) == count
        labels = group["labels"].values()
        assert sum(part["count"] for part in labels) == count
        hits = sum(part["value"] * part["count"] for part in labels)
        assert hits == pytest.approx(share * count)


def begin(errors: Path, options: list[str]) -> subprocess.Popen[bytes]:
    program = "from ganport_train.cli.judge import judge; judge()"
    with errors.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-c", program, *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )


def wait_for_epoch(process: subprocess.Popen[bytes], out: Path, epoch: int) -> None:
    while process.poll() is None:
        if any(int(path.name[-5:]) >= epoch for path in (out / FOLDER).glob("epoch-*")):
            return
        time.sleep(0.005)
    raise AssertionError(f"ended with {process.returncode} before epoch {epoch}")


def test_a_stopped_and_a_killed_judge_end_with_the_same_bytes(tmp_path: Path, faces: Path) -> None:
    whole, parts, said = tmp_path / "whole", tmp_path / "parts", tmp_path / "said.txt"
    options = words(faces, parts, "--epochs", "12")
    process = begin(said, options)
    wait_for_epoch(process, parts, 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert said.read_text().endswith("the same command goes on after the last whole epoch\n")

    process = begin(said, options)
    wait_for_epoch(process, parts, 5)
    process.kill()
    process.wait()
    assert "going on after epoch" in said.read_text()

    for out in (whole, parts):
        result = invoke(faces, out, "--epochs", "12")
        assert result.exit_code == 0, result.output
    for name in (WEIGHTS, CARD):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name
    assert Judge.load(parts).real.keys() == {"hair", "eyes"}


def test_a_place_that_is_taken_is_refused_and_left_alone(tmp_path: Path, faces: Path) -> None:
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / CARD).write_text("{}")
    assert "found one that holds a judge. Name another" in refusal(faces, tmp_path / "judge")
    (tmp_path / "file").write_text("mine")
    assert "found a file" in refusal(faces, tmp_path / "file")
    # A folder of pictures that happens to be called as that of an unfinished training.
    picture = tmp_path / "project" / FOLDER / "1.png"
    picture.parent.mkdir(parents=True)
    picture.write_text("mine")
    assert "found one that holds other files" in refusal(faces, tmp_path / "project")
    assert picture.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "cuda:99"], "expected a CUDA device that torch can use"),
        (["--device", "gpu"], "expected auto, cpu, cuda or cuda:N"),
        (["--val-fraction", "nan"], "expected a share of the pictures"),
        (["--rate", "nan", "--epochs", "1"], "Give --rate a smaller number"),
        (["--resolution", "8"], "8 is not in the range 16<=x<=1024"),
        (["--width", "2"], "2 is not in the range 4<=x<=128"),
        (["--kind", "celeba"], "celeba"),
    ],
)
def test_refusals_name_the_option(
    tmp_path: Path, faces: Path, options: list[str], message: str
) -> None:
    assert message in refusal(faces, tmp_path / "judge", *options)
    assert not (tmp_path / "judge" / CARD).exists()


def test_a_data_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nowhere.zip" in refusal(tmp_path / "nowhere.zip", tmp_path / "judge")
    assert not (tmp_path / "judge").exists()


def test_a_name_that_cannot_be_printed_does_not_spoil_the_card(tmp_path: Path, faces: Path) -> None:
    data = tmp_path / "faces\udcff\x1b.zip"
    data.write_bytes(faces.read_bytes())
    result = invoke(data, tmp_path / "judge", "--epochs", "1")
    assert result.exit_code == 0, result.output
    assert Judge.load(tmp_path / "judge").card["data"]["name"] == "faces\\udcff\\x1b.zip"
