"""The folder of a run: never overwritten, always readable back."""

from pathlib import Path

import pytest
import torch

from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.runs import run_dir
from ganport_train.runs.run_dir import Surroundings


def test_config_comes_back(tmp_path: Path, recipe: Recipe) -> None:
    now = Surroundings.now(tmp_path / "faces.zip", "abc", torch.device("cpu"))
    run_dir.create(tmp_path / "run")
    run_dir.write_config(tmp_path / "run", recipe, now)
    assert run_dir.read_config(tmp_path / "run") == (recipe, now)
    assert now.inexact(now) == []


def test_changes_that_end_exactness_are_named(tmp_path: Path) -> None:
    now = Surroundings.now(tmp_path, "abc", torch.device("cpu"))
    earlier = Surroundings(**(vars(now) | {"threads": now.threads + 1, "data": "elsewhere"}))
    assert now.inexact(earlier) == [f"threads: {now.threads + 1} -> {now.threads}"]


def test_a_run_is_not_overwritten(tmp_path: Path, recipe: Recipe) -> None:
    run = tmp_path / "run"
    run_dir.create(run)
    run_dir.write_config(run, recipe, Surroundings.now(tmp_path, "abc", torch.device("cpu")))
    with pytest.raises(RecipeError, match=r"found one that holds a run\. Go on with train-gan"):
        run_dir.create(run)


def test_what_a_kill_left_of_a_config_is_no_run(tmp_path: Path) -> None:
    (tmp_path / ".config.toml.0a1b.tmp").write_text("half")
    run_dir.create(tmp_path)


def test_a_path_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "caf\udce9.zip"
    with pytest.raises(RecipeError, match="expected a path that is UTF-8"):
        Surroundings.now(data, "abc", torch.device("cpu"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecipeError, match="expected a folder that can be made"):
        run_dir.create(tmp_path / "file" / "run")


@pytest.mark.parametrize("text", [None, "", "run = 3", "title = 't'\n[run]\ndata = 1\n", "="])
def test_a_broken_config_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / run_dir.CONFIG).write_text(text)
    with pytest.raises(RecipeError, match=r"config\.toml"):
        run_dir.read_config(tmp_path)
