"""Runs that are killed, meet a full disk, or diverge, in real processes on a real disk."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL

import pytest
import torch
from click.testing import CliRunner

from ganport_models import Checkpoint, CheckpointError
from ganport_models.selection import FOLDER, newest
from ganport_train.cli.train import train_gan
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.metrics import SCORES, STATS
from ganport_train.runs.run_dir import SAMPLES

Start = Callable[..., Trainer]
Digests = Callable[[Path], dict[str, str]]
SameRun = Callable[[Path, Path], None]
Timeless = Callable[..., list[dict[str, object]]]
Settings = Callable[..., list[str]]
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def settings(tiny: list[str], faces: Path) -> Settings:
    """Return the arguments of a tiny run of eight steps, each with a checkpoint and a score."""

    def words(run: Path, *more: str) -> list[str]:
        often = ["length.max_images=32", "logging.checkpoint_minutes=0", "logging.eval_images=16"]
        wanted = [word for text in (*tiny, *often, *more) for word in ("--set", text)]
        return ["quick", "--data", str(faces), "--out", str(run), *wanted]

    return words


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path / "cache"))


def complete(*words: str | Path) -> None:
    """Run `train-gan` in this process to the end."""
    result = CliRunner().invoke(train_gan, [str(word) for word in words])
    assert result.exit_code == 0, result.output


@pytest.fixture
def call() -> Call:
    """Run a program in a process of its own."""

    def called(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, words)],
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
            capture_output=True,
            text=True,
            check=False,
        )

    return called


DIVERGING = [
    "method.loss=least_squares",
    "network.norm=none",
    "optimizer.generator=sgd",
    "optimizer.discriminator=sgd",
    "optimizer.generator_lr=1.0",
    "optimizer.discriminator_lr=1.0",
    "recovery.on_divergence=rollback",
    "recovery.lr_factor=0.001",
    "logging.checkpoint_minutes=60",
]
"""Losses are infinite after a few steps, and the run continues from its first checkpoint."""
TRAIN = "from ganport_train.__main__ import train_gan; train_gan()"
KILLED = """
import contextlib, io, os, random, signal, sys
import torch._dynamo  # the optimizers import it, which would take seconds in each child
from ganport_train.cli.train import train_gan

run, *start = sys.argv[1:]
left = 0
with contextlib.redirect_stdout(io.StringIO()):  # imports what reads images, for every child
    train_gan.main([*start, "--dry-run"], standalone_mode=False)

def watch(event, arguments):
    global left
    if event.split(".")[0] in ("open", "os", "shutil") and run in str(arguments[:1]):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
rng = random.Random(5)
kills = 0
while True:
    left = rng.randint(1, 70) if kills < 9 else 0
    child = os.fork()
    if not child:
        sys.stdout = open(os.devnull, "w")
        words = ["--resume", run] if os.path.exists(f"{run}/config.toml") else start
        train_gan.main(words, standalone_mode=False)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        break
    kills += 1
print(kills)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Trains to the end; nine times a kill precedes a random file operation in the run folder."""


@pytest.fixture
def assert_same_run(digests: Digests, timeless: Timeless) -> Callable[[Path, Path], None]:
    """Assert that two runs have the same weights, records and sheets."""

    def check(one: Path, other: Path) -> None:
        assert digests(one) == digests(other)
        for name in (STATS, SCORES):
            assert timeless(one, name) == timeless(other, name)
        sheets = [sorted((run / SAMPLES).iterdir()) for run in (one, other)]
        for ours, theirs in zip(*sheets, strict=True):
            assert (ours.name, ours.read_bytes()) == (theirs.name, theirs.read_bytes())

    return check


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize(
    ("more", "least"),
    [
        pytest.param([], 9, id="healthy"),
        pytest.param(DIVERGING, 3, id="reloaded", marks=pytest.mark.long),
    ],
)
def test_resume_after_kills_at_any_file_operation_gives_the_same_bytes(
    tmp_path: Path,
    settings: Settings,
    call: Call,
    assert_same_run: SameRun,
    more: list[str],
    least: int,
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    complete(*settings(whole, *more))
    result = call(KILLED, killed, *settings(killed, *more))
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= least
    assert_same_run(whole, killed)
    assert not list(killed.rglob(".*.tmp"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a separate file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, stderr=DEVNULL, check=False).returncode:
        pytest.skip("no right to mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_train_on_a_full_disk_keeps_the_last_checkpoint(
    tmp_path: Path, disk: Path, settings: Settings, call: Call, assert_same_run: SameRun
) -> None:
    whole, run = tmp_path / "whole", disk / "run"
    (disk / "ballast").write_bytes(bytes(3 << 19))
    full = call(TRAIN, *settings(run, "logging.keep=100"))
    assert full.returncode == 1
    assert full.stderr.startswith("error: ")
    assert full.stderr.count("\n") == 1
    assert "No space left on device" in full.stderr
    assert f"The last good checkpoint is {newest(run)[0]}. Free some space" in full.stderr
    assert f"train-gan --resume {run}" in full.stderr
    assert not list(run.rglob(".*.tmp"))

    (disk / "ballast").unlink()
    complete("--resume", run)
    complete(*settings(whole, "logging.keep=100"))
    assert_same_run(whole, run)


LIMITED = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); {TRAIN}"


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
def test_train_beyond_the_file_size_limit_keeps_the_last_checkpoint(
    tmp_path: Path, settings: Settings, call: Call
) -> None:
    run = tmp_path / "run"
    complete(*settings(run, "length.max_images=8"))
    limited = call(LIMITED, "--resume", run, "--set", "length.max_images=16")
    assert limited.returncode == 1
    assert "File too large" in limited.stderr
    assert f"The last good checkpoint is {run / FOLDER / '000000002'}. Free" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert Checkpoint.load(run).step == 2


def test_save_to_an_unwritable_folder_raises_with_the_resume_command(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    run = tmp_path / "run"
    session = trainer(run, recipe)
    (run / FOLDER).write_text("in the way")
    with pytest.raises(
        CheckpointError, match=r"Free some space, then continue with: train-gan --res"
    ):
        session.save()
