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
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.resume_state import FOLDER
from ganport_train.evaluation.judge.storage import METADATA, WEIGHTS
from ganport_train.runs.run_dir import LOCK, lock_folder

TINY = ["--resolution", "16", "--width", "4", "--batch-size", "16", "--val-fraction", "0.2"]


def words(data: Path, out: Path, *more: str) -> list[str]:
    return ["--data", str(data), "--out", str(out), "--device", "cpu", *TINY, *more]


def invoke(data: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(judge, words(data, out, *more))


def error_of(data: Path, out: Path, *more: str) -> str:
    """Return the message of a failing command, which must be a GanportError or a usage error."""
    result = invoke(data, out, *more)
    assert result.exit_code != 0
    if isinstance(result.exception, GanportError):
        return str(result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_judge_writes_files_and_prints_accuracy(tmp_path: Path, faces: Path) -> None:
    out = tmp_path / "judge"
    result = invoke(faces, out, "--epochs", "2", "--seed", "3", "--no-mirror")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in out.iterdir() if path.name != LOCK)
    assert names == [METADATA, WEIGHTS]
    metadata = json.loads((out / METADATA).read_text())
    dataset = load_dataset(faces, resolution=16)
    assert metadata["data"] == {"name": faces.name, "digest": dataset.digest}
    assert metadata["conditions"] == dataset.conditions.to_json()
    assert metadata["settings"]["epochs"] == 2
    assert (metadata["settings"]["seed"], metadata["settings"]["mirror"]) == (3, False)
    assert metadata["training"] + metadata["held_out"] == 130
    lines = result.output.splitlines()
    assert lines[0].startswith(
        f"training on {metadata['training']} images, {metadata['held_out']} held"
    )
    assert lines[1:3] == [
        f"epoch {number} of 2: loss {loss:.4f}" for number, loss in enumerate(metadata["losses"], 1)
    ]
    assert lines[3] == f"accuracy on {metadata['held_out']} held-out images (95 % interval)"
    hair = metadata["accuracy"]["hair"]
    assert lines[4].split() == [
        "hair",
        f"{hair['value']:.2%}",
        f"{hair['low']:.2%}",
        "to",
        f"{hair['high']:.2%}",
    ]
    assert lines[5].split()[0] == "lowest:"
    assert lines[-1].endswith(f"eval-gan score BUNDLE --data {faces} --judge {out} --out REPORT")


def test_judge_of_a_folder_that_another_process_trains_fails(tmp_path: Path, faces: Path) -> None:
    out = tmp_path / "judge"
    unfinished = out / FOLDER / ".epoch-00001.0123456789ab.tmp"
    unfinished.mkdir(parents=True)
    with lock_folder(out):
        assert f"found process {os.getpid()} on " in error_of(faces, out, "--epochs", "1")
        assert unfinished.exists()
    assert invoke(faces, out, "--epochs", "1").exit_code == 0


def test_judge_metadata_has_wilson_intervals(tmp_path: Path, faces: Path) -> None:
    assert invoke(faces, tmp_path / "judge", "--epochs", "1").exit_code == 0
    metadata = json.loads((tmp_path / "judge" / METADATA).read_text())
    z = 1.959963984540054
    for group in metadata["accuracy"].values():
        value, count = group["value"], group["count"]
        assert count == metadata["held_out"]
        center = value + z * z / (2 * count)
        half = z * math.sqrt(value * (1 - value) / count + z * z / (4 * count**2))
        scale = 1 + z * z / count
        assert group["low"] == pytest.approx((center - half) / scale)
        assert group["high"] == pytest.approx((center + half) / scale)
        assert sum(sum(row) for row in group["confusion"]) == count
        labels = group["labels"].values()
        assert sum(part["count"] for part in labels) == count
        hits = sum(part["value"] * part["count"] for part in labels)
        assert hits == pytest.approx(value * count)


def start(log: Path, options: list[str]) -> subprocess.Popen[bytes]:
    program = "from ganport_train.cli.judge import judge; judge()"
    with log.open("wb") as file:
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


def test_judge_after_stop_and_kill_has_the_same_bytes(tmp_path: Path, faces: Path) -> None:
    whole, parts, log = tmp_path / "whole", tmp_path / "parts", tmp_path / "log.txt"
    options = words(faces, parts, "--epochs", "8")
    process = start(log, options)
    wait_for_epoch(process, parts, 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert log.read_text().endswith("resumes after the last complete epoch\n")

    process = start(log, options)
    wait_for_epoch(process, parts, 4)
    process.kill()
    process.wait()
    assert "resuming after epoch" in log.read_text()

    for out in (whole, parts):
        result = invoke(faces, out, "--epochs", "8")
        assert result.exit_code == 0, result.output
    for name in (WEIGHTS, METADATA):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name
    assert Judge.load(parts).metadata.accuracy.keys() == {"hair", "eyes"}


def test_judge_into_a_used_folder_fails(tmp_path: Path, faces: Path) -> None:
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / METADATA).write_text("{}")
    assert "found a folder with a judge" in error_of(faces, tmp_path / "judge")
    (tmp_path / "file").write_text("mine")
    assert "found a file" in error_of(faces, tmp_path / "file")
    # A folder of images with the name of the folder of epochs.
    image = tmp_path / "project" / FOLDER / "1.png"
    image.parent.mkdir(parents=True)
    image.write_text("mine")
    assert "found a folder with other files" in error_of(faces, tmp_path / "project")
    assert image.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "cuda:99"], "cuda:99"),
        (["--device", "gpu"], "auto, cpu, cuda or cuda:N"),
        (["--val-fraction", "nan"], "nan"),
        (["--learning-rate", "nan", "--epochs", "1"], "--learning-rate"),
        (["--resolution", "8"], "'8': a side has 16 to 1024 pixels"),
        (["--width", "2"], "2 is not in the range 4<=x<=128"),
        (["--format", "celeba"], "celeba"),
    ],
)
def test_judge_errors_name_the_option(
    tmp_path: Path, faces: Path, options: list[str], message: str
) -> None:
    assert message in error_of(faces, tmp_path / "judge", *options)
    assert not (tmp_path / "judge" / METADATA).exists()


def test_judge_of_a_missing_data_set_fails(tmp_path: Path) -> None:
    assert "nowhere.zip" in error_of(tmp_path / "nowhere.zip", tmp_path / "judge")
    assert not (tmp_path / "judge").exists()


def test_judge_metadata_escapes_unprintable_names(tmp_path: Path, faces: Path) -> None:
    data = tmp_path / "faces\udcff\x1b.zip"
    data.write_bytes(faces.read_bytes())
    result = invoke(data, tmp_path / "judge", "--epochs", "1")
    assert result.exit_code == 0, result.output
    assert Judge.load(tmp_path / "judge").metadata.fields["data"]["name"] == "faces\\udcff\\x1b.zip"
