"""The run folder: an existing run is never overwritten, and its config is read again."""

import os
import socket
from pathlib import Path

import pytest
import torch

from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.runs import run_dir
from ganport_train.runs.run_dir import LockedError, RunEnvironment, lock_folder

CPU = torch.device("cpu")


def test_read_config_returns_what_was_written(tmp_path: Path, recipe: Recipe) -> None:
    environment = RunEnvironment.current(tmp_path / "faces.zip", "abc", CPU)
    run_dir.create_run_dir(tmp_path / "run")
    run_dir.write_config(tmp_path / "run", recipe, environment)
    assert run_dir.read_config(tmp_path / "run") == (recipe, environment)
    assert environment.nondeterminism_notes(environment) == []


def test_read_config_of_schema_1_has_new_names(tmp_path: Path) -> None:
    (tmp_path / run_dir.CONFIG).write_text(SCHEMA_1)
    recipe, environment = run_dir.read_config(tmp_path)
    assert (recipe.training.batch_size, recipe.network.base_channels) == (8, 4)
    assert (recipe.ema.rampup_ratio, recipe.length.max_images) == (0.1, 24)
    assert recipe.recovery.on_divergence == "rollback"
    assert (environment.rollback.step, environment.rollback.lr_factor) == (3, 0.5)


def test_nondeterminism_notes_name_each_change(tmp_path: Path) -> None:
    environment = RunEnvironment.current(tmp_path, "abc", CPU)
    threads = environment.threads + 1
    previous = RunEnvironment(**(vars(environment) | {"threads": threads, "data": "elsewhere"}))
    assert environment.nondeterminism_notes(previous) == [f"threads: {threads} -> {threads - 1}"]


def test_create_run_dir_of_a_run_raises(tmp_path: Path, recipe: Recipe) -> None:
    run = tmp_path / "run"
    run_dir.create_run_dir(run)
    run_dir.write_config(run, recipe, RunEnvironment.current(tmp_path, "abc", CPU))
    with pytest.raises(RecipeError, match="found a folder with a run"):
        run_dir.create_run_dir(run)


def test_create_run_dir_ignores_temporary_files(tmp_path: Path) -> None:
    (tmp_path / ".config.toml.0a1b.tmp").write_text("half")
    run_dir.create_run_dir(tmp_path)


def test_create_run_dir_below_a_file_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecipeError, match=r"--out .*file/run"):
        run_dir.create_run_dir(tmp_path / "file" / "run")


def test_environment_path_that_is_not_utf8_raises(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--data"):
        RunEnvironment.current(tmp_path / "caf\udce9.zip", "abc", CPU)


@pytest.mark.parametrize(("digest", "name"), [("ab12", "judge"), ("", "")])
def test_environment_has_the_path_of_a_loaded_judge(tmp_path: Path, digest: str, name: str) -> None:
    environment = RunEnvironment.current(tmp_path, "abc", CPU, False, tmp_path / "judge", digest)
    assert (Path(environment.judge).name, environment.judge_digest) == (name, digest)


@pytest.mark.parametrize("text", [None, "", "run = 3", "title = 't'\n[run]\ndata = 1\n", "="])
def test_read_config_corrupt_file_raises(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / run_dir.CONFIG).write_text(text)
    with pytest.raises(RecipeError, match=r"config\.toml"):
        run_dir.read_config(tmp_path)


def test_lock_folder_names_the_holder_until_its_end(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        with pytest.raises(LockedError) as caught, lock_folder(tmp_path):
            pass
        assert f"found process {os.getpid()} on {socket.gethostname()} since 20" in str(
            caught.value
        )
        run_dir.check_empty(tmp_path)
        (tmp_path / run_dir.HOLDER).write_text("[" * 100_000)
        with pytest.raises(LockedError, match="found another process"), lock_folder(tmp_path):
            pass
    with lock_folder(tmp_path):
        pass


def test_lock_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(RecipeError, match="expected a writable folder"),
        lock_folder(tmp_path / "file"),
    ):
        pass


SCHEMA_1 = """
title = "Small, fast conditional GAN"
[network]
features = 4
[average]
ramp = 0.1
[training]
batch = 8
[recovery]
on_divergence = "reload"
[length]
images = 24
[run]
data = "faces.zip"
data_digest = "abc"
device = "cpu"
threads = 1
python_version = "3.12"
torch_version = "2.11"
numpy_version = "2.0"
[run.rollback]
step = 3
share = 0.5
reason = "nan in d_loss at step 5"
"""
