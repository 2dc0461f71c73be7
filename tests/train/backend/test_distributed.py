"""Training on several processes: equal weights up to rounding, one writer, a common end."""

import json
import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch

from ganport_models.selection import newest
from ganport_train.backend.distributed import SINGLE, ProcessGroup
from ganport_train.config.parsing import RecipeError
from ganport_train.data import Dataset
from ganport_train.runs.checkpoint_manager import NETWORKS, OPTIMIZERS
from ganport_train.runs.metrics import read_log
from ganport_train.runs.run_dir import SAMPLES, read_config

HERE = Path(__file__).parents[1] / "engine"
RUNS = runpy.run_path(str(HERE / "shared_runs.py"))
CASES, STEPS, HALF = RUNS["CASES"], RUNS["STEPS"], RUNS["HALF"]
TIMING = {"seconds", "images_per_second", "memory_gib"}

# The bound on the difference of two weights after 5 steps in float64. Two processes add numbers in
# another order than one, so a gradient differs by its rounding: up to about 1e-12, because a batch
# norm over a few values magnifies the 2e-16 of float64. Adam divides by sqrt(v) + 1e-8. Where a
# gradient is almost zero, an error e therefore moves a weight by lr * e / 1e-8 in a step: 4e-8 at
# lr = 4e-4, and less where the gradient is larger. Real faults move weights further: 7e-7 to 3e-4
# when gradients are summed and not averaged (which Adam almost cancels), 1e-2 when each batch norm
# sees only the images of its own process.
TOLERANCE = 1e-7


def run_on_two_processes(
    script: str, *arguments: object, cache: Path
) -> subprocess.CompletedProcess[str]:
    """Start a script of this folder on two processes, as torchrun does."""
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    command = [*launch, str(HERE / script), *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANPORT_CACHE": str(cache)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            process.terminate()  # torchrun ends its processes on SIGTERM, not on SIGKILL
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder of decoded images."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def dataset(faces: Path, cache: Path) -> Dataset:
    """Return the drawn faces, loaded."""
    loaded: Dataset = RUNS["dataset"](faces, cache)
    return loaded


@pytest.fixture(scope="module")
def killed(
    faces: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return the folder of a run of two processes of which one was killed, and the result."""
    out = tmp_path_factory.mktemp("shared")
    name, *overrides = (*CASES["normed"], *RUNS["TINY"], f"length.max_images={4 * STEPS}")
    # Otherwise presets would set these options.
    overrides += ["augment.translation=0", "augment.cutout=0", "optimizer.lr_decay_images=250_000"]
    options = [f"--set={override}" for override in (*overrides, "logging.checkpoint_minutes=0")]
    run = ("--data", faces, "--out", out / "killed", "--device", "cpu")
    return out, run_on_two_processes("dying_run.py", name, *run, *options, cache=cache)


@pytest.fixture(scope="module")
def shared(
    faces: Path,
    cache: Path,
    dataset: Dataset,
    killed: tuple[Path, subprocess.CompletedProcess[str]],
) -> Path:
    """Return a folder of runs of two processes; one process alone trained half of one run."""
    out, _ = killed
    RUNS["train"](out / "by one first", "relativistic", dataset, SINGLE, HALF)
    done = run_on_two_processes("shared_runs.py", faces, cache, out, cache=cache)
    assert done.returncode == 0, done.stderr[-4000:]
    return out


@pytest.fixture(scope="module")
def results(shared: Path) -> list[dict[str, Any]]:
    """Return the results that each of the two processes wrote."""
    return [json.loads((shared / f"{rank}.json").read_text()) for rank in range(2)]


def max_difference(one: Path, other: Path) -> float:
    """Return the largest difference between the newest checkpoints of two runs."""
    ours, theirs = (safetensors.torch.load_file(newest(run)[0] / NETWORKS) for run in (one, other))
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


def untimed_records(run: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in TIMING} for record in read_log(run)]


@pytest.mark.parametrize("case", CASES)
def test_train_on_two_processes_equals_one_process(
    tmp_path: Path, shared: Path, dataset: Dataset, case: str
) -> None:
    RUNS["train"](tmp_path, case, dataset, SINGLE)
    assert max_difference(tmp_path / case, shared / case) < TOLERANCE
    single, shared_records = untimed_records(tmp_path / case), untimed_records(shared / case)
    assert len(single) == STEPS
    for ours, theirs in zip(single, shared_records, strict=True):
        assert theirs == pytest.approx(ours, abs=2e-6)


@pytest.mark.parametrize("first", ["one", "two"])
def test_resume_with_another_number_of_processes_trains(
    tmp_path: Path, shared: Path, dataset: Dataset, first: str
) -> None:
    RUNS["train"](tmp_path, "relativistic", dataset, SINGLE)
    parts = shared / f"by {first} first"
    if first == "two":
        assert newest(parts / "relativistic")[1]["step"] == HALF
        RUNS["train"](parts, "relativistic", dataset, SINGLE)
    assert newest(parts / "relativistic")[1]["step"] == STEPS
    assert max_difference(tmp_path / "relativistic", parts / "relativistic") < TOLERANCE


def test_killed_rank_ends_every_rank(killed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, ended = killed
    assert ended.returncode == 1
    assert "(SIGKILL)" in ended.stderr
    # There is no error if torchrun ended the other process first.
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert all(line.startswith("error: process 0 of 2: expected to reach the") for line in errors)
    assert "[rank0]: Traceback" not in ended.stderr


def test_resume_after_a_killed_rank_gives_the_same_bytes(
    shared: Path, results: list[dict[str, Any]]
) -> None:
    assert [found["code"] for found in results] == [0, 0]
    for name in (NETWORKS, OPTIMIZERS):
        whole, parts = (newest(shared / run)[0] / name for run in ("whole", "killed"))
        assert whole.read_bytes() == parts.read_bytes(), name
    assert untimed_records(shared / "whole") == untimed_records(shared / "killed")
    assert read_config(shared / "killed")[1].processes == 2


def test_train_on_two_processes_writes_and_logs_on_rank_0_only(
    shared: Path, results: list[dict[str, Any]]
) -> None:
    assert [found["said"] for found in results] == [True, False]
    steps = [record["step"] for record in read_log(shared / "whole")]
    assert steps == list(range(1, STEPS + 1))
    sheets = [path.name for path in sorted((shared / "whole" / SAMPLES).iterdir())]
    assert sheets == ["000000000.png", f"{4 * STEPS:09d}.png"]


def test_stop_signal_on_one_rank_stops_all_at_the_same_step(
    shared: Path, results: list[dict[str, Any]]
) -> None:
    assert [found["stopped"] for found in results] == [2, 2]
    assert newest(shared / "stopped")[1]["step"] == 2


@pytest.mark.parametrize("when", ["leader fails", "leader fails first"])
def test_synchronized_section_failing_on_rank_0_ends_rank_1(
    results: list[dict[str, Any]], when: str
) -> None:
    assert [found[when] for found in results] == [
        "here: expected room; found none. Make some.",
        "left",
    ]


@pytest.mark.parametrize("when", ["other fails", "other fails after"])
def test_synchronized_section_failing_on_rank_1_ends_rank_0(
    results: list[dict[str, Any]], when: str
) -> None:
    assert [found[when] for found in results] == [
        "left",
        "here: expected room; found none. Make some.",
    ]


def test_synchronized_section_without_failure_continues_on_all_ranks(
    results: list[dict[str, Any]],
) -> None:
    assert [found["none fails"] for found in results] == ["through", "through"]


def test_check_equal_of_different_weights_raises(results: list[dict[str, Any]]) -> None:
    leader, other = (found["torn"] for found in results)
    assert leader.startswith("training on 2 processes: expected the same weights on each; found 1")
    assert other == "left"


def test_train_with_nan_on_one_rank_raises_and_ends_the_other(
    results: list[dict[str, Any]],
) -> None:
    leader, other = (found["blown"] for found in results)
    assert leader.startswith("d_loss at step 3: expected a finite number; found nan")
    assert other == "left"


def test_train_with_an_odd_batch_on_two_processes_raises(results: list[dict[str, Any]]) -> None:
    message = "training.batch_size: expected a multiple of the 2 processes; found 5"
    assert all(found["odd"].startswith(message) for found in results)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_local_rows_cover_the_batch_once(count: int) -> None:
    rows = np.arange(12)
    parts = [rows[ProcessGroup(rank, count).local_rows(12)] for rank in range(count)]
    assert np.concatenate(parts).tolist() == rows.tolist()
    assert {len(part) for part in parts} == {12 // count}


def test_local_rows_of_an_odd_batch_raises() -> None:
    with pytest.raises(RecipeError, match=r"a multiple of the 4 processes.*found 6"):
        ProcessGroup(0, 4).local_rows(6)


def test_module_ganport_train_runs_train_gan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ganport_train", "--list"])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(SystemExit) as end:
        runpy.run_module("ganport_train", run_name="__main__")
    assert end.value.code == 0
    assert "quick " in capsys.readouterr().out
