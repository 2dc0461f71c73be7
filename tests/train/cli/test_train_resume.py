"""`train-gan --resume`: what may change and what may not."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ganport_models.metadata import METADATA
from ganport_models.selection import newest
from ganport_runtime.errors import GanportWarning
from ganport_train.runs.metrics import read_log
from ganport_train.runs.run_dir import CONFIG, read_config
from ganport_train.synthetic.writer import write_faces

Settings = Callable[..., list[str]]
Invoke = Callable[..., Result]
Refusal = Callable[..., str]


def test_resume_with_another_length_trains_and_with_another_option_fails(
    tmp_path: Path,
    faces: Path,
    settings: Settings,
    invoke: Invoke,
    refusal: Refusal,
) -> None:
    run = tmp_path / "run"
    invoke("quick", "--data", faces, "--out", run, *settings("length.max_images=8"))
    words = refusal(
        "--resume", run, "--set", "network.base_channels=4", "--set", "training.batch_size=8"
    )
    assert "network.base_channels: 2 -> 4; training.batch_size: 4 -> 8" in words
    result = invoke("--resume", run, "--set", "length.max_images=16")
    assert result.exit_code == 0, result.output
    assert [record["step"] for record in read_log(run)] == [1, 2, 3, 4]
    again = invoke("--resume", run)
    assert again.exit_code == 0
    assert "nothing to do: 16 training images" in again.output


def test_run_records_its_base_recipe_and_what_was_auto_and_resume_keeps_both(
    tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    run, own = tmp_path / "run", tmp_path / "own.toml"
    own.write_text('extends = "quick"\ntitle = "mine"\n')
    words = settings("length.max_images=4", "data.mode=rgb")  # and a precision
    assert invoke(own, "--data", faces, "--out", run, *words).exit_code == 0
    first = read_config(run)[1]
    assert first.base_recipe == "quick"
    assert set(first.resolved) == {"data.pixelated", "data.palette"}
    result = invoke("--resume", run, "--set", "length.max_images=8")
    assert result.exit_code == 0, result.output
    again = read_config(run)[1]
    assert (again.base_recipe, again.resolved) == (first.base_recipe, first.resolved)


def test_resume_of_a_run_that_records_no_base_recipe_trains(
    tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    invoke("quick", "--data", faces, "--out", run, *settings("length.max_images=4"))
    lines = (run / CONFIG).read_text().splitlines()
    first, last = lines.index('base_recipe = "quick"'), lines.index("resolved = [")
    end = lines.index("]", last)
    kept = [*lines[:first], *lines[first + 1 : last], *lines[end + 1 :]]
    (run / CONFIG).write_text("\n".join(kept))
    assert read_config(run)[1].resolved == ()
    result = invoke("--resume", run, "--set", "length.max_images=8")
    assert result.exit_code == 0, result.output
    assert [record["step"] for record in read_log(run)] == [1, 2]
    again = read_config(run)[1]
    assert (again.base_recipe, again.resolved) == ("", ())


def test_resume_with_another_data_set_fails(
    tmp_path: Path,
    faces: Path,
    settings: Settings,
    invoke: Invoke,
    refusal: Refusal,
) -> None:
    run, other = tmp_path / "run", tmp_path / "other.zip"
    invoke("quick", "--data", faces, "--out", run, *settings("length.max_images=8"))
    write_faces(other, 130, 16, seed=9)
    assert "found another one (digest" in refusal("--resume", run, "--data", other)


def test_resume_with_moved_data_trains(
    tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved.zip"
    invoke("quick", "--data", faces, "--out", run, *settings("length.max_images=8"))
    moved.write_bytes(faces.read_bytes())
    result = invoke("--resume", run, "--data", moved, "--set", "length.max_images=12")
    assert result.exit_code == 0, result.output


def test_resume_keeps_skip_bad(
    tmp_path: Path,
    faces: Path,
    settings: Settings,
    invoke: Invoke,
    refusal: Refusal,
) -> None:
    broken, run = tmp_path / "broken", tmp_path / "run"
    with zipfile.ZipFile(faces) as archive:
        archive.extractall(broken)
    (broken / "images" / "7.png").write_bytes(b"no picture")
    start = ["quick", "--data", broken, "--out", run, *settings("length.max_images=8")]
    assert "7.png" in refusal(*start)
    with pytest.warns(GanportWarning, match=r"7\.png"):
        assert invoke(*start, "--skip-bad").exit_code == 0
    with pytest.warns(GanportWarning, match=r"7\.png"):
        assert invoke("--resume", run, "--set", "length.max_images=12").exit_code == 0


def test_resume_of_a_run_without_a_newer_option_trains(
    tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    invoke("quick", "--data", faces, "--out", run, *settings("length.max_images=8"))
    starts = ("format =", "attributes =", "eval_images =", "collapse_grace", "stop_when", "judge")
    lines = (run / CONFIG).read_text().splitlines()
    old = [line for line in lines if not line.startswith(starts)]
    assert len(lines) - len(old) == 7
    (run / CONFIG).write_text("\n".join(old))
    metadata = newest(run)[0] / METADATA
    saved = json.loads(metadata.read_text())
    newer = {
        "data": ("format", "attributes"),
        "logging": ("eval_images", "collapse_grace_images", "stop_when_collapsed"),
    }
    for section, names in newer.items():
        for name in names:
            del saved["recipe"][section][name]
    metadata.write_text(json.dumps(saved))
    result = invoke("--resume", run, "--set", "length.max_images=12")
    assert result.exit_code == 0, result.output
    assert newest(run)[1]["step"] == 3
