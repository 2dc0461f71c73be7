"""`train-gan` as a user meets it: lists, dry runs, a run, and what is refused."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ganport_models import Checkpoint
from ganport_train.config import recipes
from ganport_train.runs.run_dir import LOCK

Settings = Callable[..., list[str]]
Invoke = Callable[..., Result]
Refusal = Callable[..., str]


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Write a recipe with a preset for few images and one for many."""
    file = tmp_path / "few.toml"
    file.write_text(
        'extends = "quick"\ntitle = "few"\n[presets]\nfrom_1_000 = ["training.batch_size=7"]\n'
        'below_1_000 = ["training.batch_size=6", "length.max_images=18"]\n'
    )
    return file


def test_list_names_recipes_with_their_sources(invoke: Invoke) -> None:
    output = invoke("--list").output
    for name in recipes.names():
        assert name in output
    assert "report 000, row A1" in output


def test_options_lists_the_options_of_set(invoke: Invoke) -> None:
    output = invoke("--options").output
    assert "network.base_channels" in output
    assert "method.mismatch_weight" in output


def test_dry_run_prints_the_recipe_and_writes_nothing(
    tmp_path: Path, faces: Path, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    words = ["--dry-run", "--set", "length.max_images=9", "--data", faces, "--out", run]
    output = invoke("anime-cgan", *words, "--set", "data.resolution=64").output
    assert "images = 9" in output
    assert "# generator: 5,688,387 parameters" in output
    assert not run.exists()


def test_dry_run_with_data_uses_its_conditions(faces: Path, invoke: Invoke) -> None:
    output = invoke("quick", "--dry-run", "--data", faces).output
    assert "# discriminator:" in output


def test_list_and_dry_run_show_presets(few: Path, faces: Path, invoke: Invoke) -> None:
    words = "preset for fewer than 1,000 images: training.batch_size = 6, length.max_images = 18"
    listed = next(
        line for line in invoke("--list").output.splitlines() if "fewer than 1,000 images" in line
    )
    assert "augment.translation = 0.125" in listed
    without_data = invoke(few, "--dry-run").output
    assert "[presets]" in without_data
    assert (
        f"# {words}\n# preset for 1,000 images or more: training.batch_size = 7\n" in without_data
    )
    output = invoke(few, "--dry-run", "--data", faces, "--set", "training.batch_size=9").output
    assert "[presets]" not in output
    assert "batch_size = 9\n" in output
    assert "# preset for fewer than 1,000 images: length.max_images = 18\n# generator:" in output


def test_start_applies_presets_and_resume_keeps_the_result(
    tmp_path: Path, few: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    words = [word for word in settings() if word != "--set"]
    given = [word for text in words if "batch" not in text for word in ("--set", text)]
    result = invoke(few, "--data", faces, "--out", run, *given)
    assert result.exit_code == 0, result.output
    assert "preset for fewer than 1,000 images: training.batch_size = 6" in result.output
    assert Checkpoint.load(run).images == 18
    config = (run / "config.toml").read_text()
    assert "presets" not in config
    assert "batch_size = 6\n" in config
    again = invoke("--resume", run, "--set", "length.max_images=24")
    assert again.exit_code == 0, again.output
    assert "preset for" not in again.output
    assert Checkpoint.load(run).images == 24


def test_start_with_an_invalid_preset_fails(tmp_path: Path, faces: Path, refusal: Refusal) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "quick"\n[presets]\nfrom_9_000 = ["training.batch_size=1"]\n')
    words = refusal(file, "--data", faces, "--out", tmp_path / "run")
    assert (
        "mine.toml: presets.from_9_000: training.batch_size: expected a number of at least 2"
        in words
    )
    assert not (tmp_path / "run").exists()


def test_start_trains_and_prints_the_next_command(
    tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    result = invoke("quick", "--data", faces, "--out", run, *settings("length.max_images=12"))
    assert result.exit_code == 0, result.output
    assert f"export-gan {run}" in result.output
    assert Checkpoint.load(run).images == 12
    assert {path.name for path in run.iterdir()} - {LOCK} == {
        "config.toml",
        "stats.jsonl",
        "scores.jsonl",
        "samples",
        "checkpoints",
    }


def test_errors_name_the_option(tmp_path: Path, faces: Path, refusal: Refusal) -> None:
    run = tmp_path / "run"
    assert "Name a RECIPE" in refusal()
    assert "needs --data PATH and --out RUN" in refusal("quick")
    assert "--resume excludes RECIPE" in refusal("quick", "--resume", run)
    assert "config.toml" in refusal("--resume", run)
    (tmp_path / "file.txt").write_text("mine")
    assert "expected a folder; found a file" in refusal(
        "quick", "--data", faces, "--out", tmp_path / "file.txt"
    )
    assert "--resume excludes --dry-run" in refusal("--resume", run, "--dry-run")
    start = ["quick", "--data", faces, "--out", run]
    assert "Did you mean 'length.max_images'" in refusal(*start, "--set", "length.image=3")
    assert "expected auto, cpu, cuda" in refusal(*start, "--device", "gpu")
    assert "nowhere.zip" in refusal("quick", "--data", tmp_path / "nowhere.zip", "--out", run)
    assert "multiples of 4" in refusal(*start, "--set", "data.resolution=50")
    assert not run.exists()


def test_error_of_images_without_labels_names_a_recipe(faces: Path, refusal: Refusal) -> None:
    words = ["quick", "--data", faces, "--set", "data.format=images", "--dry-run"]
    assert "a recipe without conditions: anime-dcgan" in refusal(*words)


def test_start_in_a_used_folder_fails_and_changes_nothing(
    tmp_path: Path, faces: Path, settings: Settings, refusal: Refusal
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    words = refusal("quick", "--data", faces, "--out", tmp_path, *settings())
    assert "expected a new or empty folder" in words
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_start_imports_no_package_of_other_extras() -> None:
    # torchvision is of its own, but takes a second that runs without a judge can do without.
    others = "{'onnxruntime', 'scipy', 'torch_fidelity', 'torchvision'}"
    program = f"import sys, ganport_train.cli.train; sys.exit(bool({others} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
