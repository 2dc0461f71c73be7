"""`train-gan` as a user meets it: lists, dry runs, refusals, kills and resumes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from ganport_models import Checkpoint
from ganport_models.card import CARD, WEIGHTS
from ganport_models.choice import newest
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError, GanportWarning
from ganport_train import catalogue
from ganport_train.commands.train import train_gan
from ganport_train.draw.palette import EYES, HAIR
from ganport_train.draw.writer import write_faces
from ganport_train.judge import file
from ganport_train.judge.judge import Judge
from ganport_train.judge.network import JudgeNetwork
from ganport_train.loop import records
from ganport_train.loop.folder import CONFIG, read_config
from ganport_train.loop.snapshots import NETWORKS, OPTIMIZERS

Settings = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def settings(tiny: list[str]) -> Callable[..., list[str]]:
    """The words that set the tiny numbers, a checkpoint at every tick, and what is asked for.

    No score, unless it is asked for.
    """

    def words(*more: str) -> list[str]:
        wanted = [*tiny, "logging.save_minutes=0", "logging.score_pictures=0", *more]
        return [word for text in wanted for word in ("--set", text)]

    return words


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(train_gan, [str(word) for word in words])


def refusal(*words: str | Path) -> str:
    """What the command says when it refuses; never a traceback of anything but our own error."""
    result = invoke(*words)
    assert result.exit_code != 0
    if isinstance(result.exception, GanportError):
        return str(result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_list_names_every_recipe_with_its_source() -> None:
    output = invoke("--list").output
    for name in catalogue.names():
        assert name in output
    assert "report 000, row A1" in output


def test_options_says_what_set_takes() -> None:
    output = invoke("--options").output
    assert "network.features" in output
    assert "method.mismatch" in output


def test_a_dry_run_prints_the_recipe_and_writes_nothing(tmp_path: Path, faces: Path) -> None:
    run = tmp_path / "run"
    words = ["--dry-run", "--set", "length.images=9", "--data", faces, "--out", run]
    output = invoke("anime-cgan", *words, "--set", "data.resolution=64").output
    assert "images = 9" in output
    assert "# generator: 5,688,387 parameters" in output
    assert not run.exists()


def test_a_dry_run_with_data_takes_the_conditions_from_it(faces: Path) -> None:
    output = invoke("quick", "--dry-run", "--data", faces).output
    assert "# discriminator:" in output


def test_a_run_trains_and_says_what_comes_next(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    run = tmp_path / "run"
    result = invoke("quick", "--data", faces, "--out", run, *settings("length.images=12"))
    assert result.exit_code == 0, result.output
    assert f"export-gan {run}" in result.output
    assert Checkpoint.load(run).images == 12
    assert {path.name for path in run.iterdir()} == {
        "config.toml",
        "stats.jsonl",
        "scores.jsonl",
        "samples",
        "checkpoints",
    }


def test_length_may_change_at_resume_and_nothing_else(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    run = tmp_path / "run"
    invoke("quick", "--data", faces, "--out", run, *settings("length.images=8"))
    words = refusal("--resume", run, "--set", "network.features=4", "--set", "training.batch=8")
    assert "network.features: 2 -> 4; training.batch: 4 -> 8" in words
    result = invoke("--resume", run, "--set", "length.images=16")
    assert result.exit_code == 0, result.output
    assert [record["step"] for record in records.read(run)] == [1, 2, 3, 4]
    again = invoke("--resume", run)
    assert again.exit_code == 0
    assert "nothing to do: 16 pictures seen" in again.output


def test_another_data_set_is_refused_at_resume(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    run, other = tmp_path / "run", tmp_path / "other.zip"
    invoke("quick", "--data", faces, "--out", run, *settings("length.images=8"))
    write_faces(other, 130, 16, seed=9)
    assert "found another (digest" in refusal("--resume", run, "--data", other)


def test_the_same_data_may_have_moved(tmp_path: Path, faces: Path, settings: Settings) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved.zip"
    invoke("quick", "--data", faces, "--out", run, *settings("length.images=8"))
    moved.write_bytes(faces.read_bytes())
    result = invoke("--resume", run, "--data", moved, "--set", "length.images=12")
    assert result.exit_code == 0, result.output


def test_refusals_name_the_option(tmp_path: Path, faces: Path) -> None:
    run = tmp_path / "run"
    assert "Name a RECIPE" in refusal()
    assert "needs --data PATH and --out RUN" in refusal("quick")
    assert "--resume does not go with RECIPE" in refusal("quick", "--resume", run)
    assert "config.toml" in refusal("--resume", run)
    (tmp_path / "file.txt").write_text("mine")
    assert "expected a folder; found a file" in refusal(
        "quick", "--data", faces, "--out", tmp_path / "file.txt"
    )
    assert "--resume does not go with --dry-run" in refusal("--resume", run, "--dry-run")
    start = ["quick", "--data", faces, "--out", run]
    assert "Did you mean 'length.images'" in refusal(*start, "--set", "length.image=3")
    assert "expected auto, cpu, cuda" in refusal(*start, "--device", "gpu")
    assert "nowhere.zip" in refusal("quick", "--data", tmp_path / "nowhere.zip", "--out", run)
    assert "power of two" in refusal(*start, "--set", "data.resolution=48")
    assert not run.exists()


def test_what_was_left_out_stays_left_out_at_resume(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    broken, run = tmp_path / "broken", tmp_path / "run"
    with zipfile.ZipFile(faces) as archive:
        archive.extractall(broken)
    (broken / "images" / "7.png").write_bytes(b"no picture")
    start = ["quick", "--data", broken, "--out", run, *settings("length.images=8")]
    assert "7.png" in refusal(*start)
    with pytest.warns(GanportWarning, match=r"7\.png"):
        assert invoke(*start, "--skip-bad").exit_code == 0
    with pytest.warns(GanportWarning, match=r"7\.png"):
        assert invoke("--resume", run, "--set", "length.images=12").exit_code == 0


def test_a_folder_in_use_is_not_touched(tmp_path: Path, faces: Path, settings: Settings) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    words = refusal("quick", "--data", faces, "--out", tmp_path, *settings())
    assert "expected a new or empty folder" in words
    assert (tmp_path / "notes.txt").read_text() == "mine"


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
    while not any(record["step"] >= step for record in records.read(run)):
        # Looked at before the record is: it may have got there since.
        assert not ended, f"{process.returncode} before step {step}: {errors.read_text()}"
        ended = process.poll() is not None
        time.sleep(0.01)


@pytest.mark.parametrize(("precision", "pictures"), [("fp32", 16), ("bf16", 0)])
def test_a_killed_run_ends_with_the_same_weights_and_scores(
    tmp_path: Path, faces: Path, precision: str, pictures: int, settings: Settings
) -> None:
    scored = f"logging.score_pictures={pictures}"
    options = settings("length.images=160", scored, f"training.precision={precision}")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    result = invoke("quick", "--data", faces, "--out", whole, *options)
    assert result.exit_code == 0, result.output

    errors = tmp_path / "errors.txt"
    process = begin(errors, "quick", "--data", faces, "--out", killed, *options)
    for step in (7, 23):
        wait_for_step(process, killed, step, errors)
        process.kill()
        process.wait()
        process = begin(errors, "--resume", killed)
    assert process.wait() == 0, errors.read_text()

    for name in (WEIGHTS, NETWORKS, OPTIMIZERS):
        assert (newest(whole)[0] / name).read_bytes() == (newest(killed)[0] / name).read_bytes(), (
            name
        )
    assert [record["step"] for record in records.read(killed)] == list(range(1, 41))
    steps = [line["step"] for line in records.read(killed, records.SCORES)]
    assert steps == (list(range(1, 41)) if pictures else [])
    for name, figure in ((records.STATS, "d_loss"), (records.SCORES, "score")):
        found = [[r[figure] for r in records.read(run, name)] for run in (whole, killed)]
        assert found[0] == found[1]


def test_ctrl_c_saves_and_exits(tmp_path: Path, faces: Path, settings: Settings) -> None:
    run = tmp_path / "run"
    options = settings("length.images=1000000", "logging.save_minutes=60")
    errors = tmp_path / "errors.txt"
    process = begin(errors, "quick", "--data", faces, "--out", run, *options)
    wait_for_step(process, run, 5, errors)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "Traceback" not in errors.read_text()
    assert Checkpoint.load(run).step == records.read(run)[-1]["step"] >= 5


def judge_of(folder: Path, labels: dict[str, list[str]], seed: int = 0) -> Path:
    """An untrained judge on disk."""
    conditions = Conditions.one_hots(labels)
    torch.manual_seed(seed)
    facts = {
        "conditions": conditions.to_json(),
        "resolution": 16,
        "width": 4,
        "settings": {"held_out": 0.1},
        "accuracy": {name: {"value": 0.9} for name in labels},
    }
    file.save(folder, JudgeNetwork(conditions.size, 4), facts)
    return folder


def test_training_imports_nothing_of_other_extras() -> None:
    # torchvision is of its own, but takes a second that runs without a judge can do without.
    others = "{'onnxruntime', 'scipy', 'torch_fidelity', 'torchvision'}"
    program = (
        f"import sys, ganport_train.commands.train; sys.exit(bool({others} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


COLOURS = {"hair": sorted(HAIR), "eyes": sorted(EYES)}


def test_a_judge_scores_a_run_and_may_change(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = judge_of(tmp_path / "one", COLOURS), judge_of(tmp_path / "two", COLOURS, seed=1)
    run, scored = tmp_path / "run", settings("length.images=4", "logging.score_pictures=16")
    started = invoke("quick", "--data", faces, "--out", run, "--judge", one, *scored)
    assert started.exit_code == 0, started.output
    assert re.search(r"score \d\.\d+: hair \d\.\d+ \(real 0\.90\)", started.output)
    longer = ["--set", "length.images=8"]
    assert "another judge" not in invoke("--resume", run, *longer).output
    longer = ["--set", "length.images=12"]
    assert "note: another judge" in invoke("--resume", run, "--judge", two, *longer).output
    longer = ["--set", "length.images=16"]
    assert invoke("--resume", run, "--judge", "none", *longer).exit_code == 0
    digests = [Judge.load(judge).digest[:16] for judge in (one, one, two)]
    extractors = [line["extractor"] for line in records.read(run, records.SCORES)]
    assert extractors == [*(f"judge {digest}" for digest in digests), "pixels"]
    assert read_config(run)[1].judge == ""


def test_a_judge_that_cannot_serve_is_refused_before_anything_is_made(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    other.mkdir()
    start = ["quick", "--data", faces, "--out", run, *settings("logging.score_pictures=16")]
    words = refusal(*start, "--judge", judge_of(other, {"hats": ["top", "bowler"]}))
    assert "--judge: expected a judge of the run's conditions: hair, eyes; found hats" in words
    assert "judge.json" in refusal(*start, "--judge", tmp_path / "nowhere")
    assert not run.exists()


def test_a_collapsed_run_ends_with_4_and_goes_on_when_asked(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    # A generator that never learns draws nearly one picture.
    still = ["optimizer.generator_rate=0", "logging.score_pictures=16", "logging.warm_up=0"]
    run, start = tmp_path / "run", settings("length.images=12", *still)
    result = invoke("quick", "--data", faces, "--out", run, "--stop-when-collapsed", *start)
    assert result.exit_code == 4
    assert result.output.count("warning: collapsed: the spread within a condition is 0.") == 2
    assert f"go on all the same: train-gan --resume {run}" in result.output
    assert newest(run)[1]["step"] == 2
    assert invoke("--resume", run).exit_code == 0
    assert newest(run)[1]["step"] == 3


def test_a_run_from_before_an_option_resumes(
    tmp_path: Path, faces: Path, settings: Settings
) -> None:
    run = tmp_path / "run"
    invoke("quick", "--data", faces, "--out", run, *settings("length.images=8"))
    newer = ("kind =", "attributes =", "score_pictures =", "warm_up =", "stop_when", "judge")
    lines = (run / CONFIG).read_text().splitlines()
    old = [line for line in lines if not line.startswith(newer)]
    assert len(lines) - len(old) == 7
    (run / CONFIG).write_text("\n".join(old))
    card = newest(run)[0] / CARD
    recipe = json.loads(card.read_text())
    for section, names in (("data", ("kind", "attributes")), ("logging", ("score_pictures",))):
        for name in names:
            del recipe["recipe"][section][name]
    card.write_text(json.dumps(recipe))
    result = invoke("--resume", run, "--set", "length.images=12")
    assert result.exit_code == 0, result.output
    assert newest(run)[1]["step"] == 3
