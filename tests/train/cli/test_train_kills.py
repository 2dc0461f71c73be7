"""`train-gan` killed and interrupted: a resumed run ends like an uninterrupted one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

from ganport_models import Checkpoint
from ganport_models.selection import FOLDER
from ganport_train.runs.metrics import SCORES, STATS, read_log

Settings = Callable[..., list[str]]
Invoke = Callable[..., Result]


def begin(errors: Path, *words: str | Path) -> subprocess.Popen[bytes]:
    program = "from ganport_train.__main__ import train_gan; train_gan()"
    with errors.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-c", program, *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )


def wait_for_step(process: subprocess.Popen[bytes], run: Path, step: int, errors: Path) -> None:
    ended = False
    while not any(record["step"] >= step for record in read_log(run)):
        # Check before the log is read: the process may reach the step in between.
        assert not ended, f"{process.returncode} before step {step}: {errors.read_text()}"
        ended = process.poll() is not None
        time.sleep(0.01)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("precision", "images"), [("fp32", 16), pytest.param("bf16", 0, marks=pytest.mark.long)]
)
def test_resume_after_a_kill_gives_the_same_weights_and_scores(
    tmp_path: Path,
    faces: Path,
    precision: str,
    images: int,
    settings: Settings,
    invoke: Invoke,
    digests: Callable[[Path], dict[str, str]],
) -> None:
    scored = f"logging.eval_images={images}"
    options = settings("length.max_images=48", scored, f"training.precision={precision}")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    result = invoke("quick", "--data", faces, "--out", whole, *options)
    assert result.exit_code == 0, result.output

    errors = tmp_path / "errors.txt"
    process = begin(errors, "quick", "--data", faces, "--out", killed, *options)
    wait_for_step(process, killed, 3, errors)
    kill(process)
    process = begin(errors, "--resume", killed)
    wait_for_step(process, killed, 7, errors)
    kill(process)
    result = invoke("--resume", killed)
    assert result.exit_code == 0, result.output

    assert digests(whole) == digests(killed)
    assert [record["step"] for record in read_log(killed)] == list(range(1, 13))
    steps = [line["step"] for line in read_log(killed, SCORES)]
    assert steps == (list(range(1, 13)) if images else [])
    for name, figure in ((STATS, "d_loss"), (SCORES, "score")):
        found = [[r[figure] for r in read_log(run, name)] for run in (whole, killed)]
        assert found[0] == found[1]


def test_interrupt_of_a_locked_run_saves_and_allows_to_resume(
    tmp_path: Path,
    faces: Path,
    settings: Settings,
    invoke: Invoke,
    refusal: Callable[..., str],
) -> None:
    run, errors = tmp_path / "run", tmp_path / "errors.txt"
    options = settings("length.max_images=1000000", "logging.checkpoint_minutes=60")
    start = ["quick", "--data", faces, "--out", run, *options]
    process = begin(errors, *start)
    wait_for_step(process, run, 5, errors)
    unfinished = run / FOLDER / ".000000001.0123456789ab.tmp"
    unfinished.mkdir(parents=True)
    assert f"found process {process.pid} on " in refusal("--resume", run)
    assert "found a folder with a run" in refusal(*start)
    assert unfinished.exists()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "Traceback" not in errors.read_text()
    step = Checkpoint.load(run).step
    assert step == read_log(run)[-1]["step"] >= 5
    result = invoke("--resume", run, "--set", f"length.max_images={4 * step + 4}")
    assert result.exit_code == 0, result.output
    assert not unfinished.exists()
