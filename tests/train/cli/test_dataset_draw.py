"""`ganport dataset draw` on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from click.testing import CliRunner

from ganport_runtime.errors import GanportError
from ganport_train.cli.dataset_draw import draw
from ganport_train.synthetic.scene_labels import MAX_SCENES
from ganport_train.synthetic.writer import MAX_SPRITES


def run(*arguments: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(draw, ["faces", *arguments])
    return result.exit_code, result.output, result.exception


def test_draw_faces_writes_zip(tmp_path: Path) -> None:
    out = str(tmp_path / "x.zip")
    code, output, _ = run(
        "--count", "10", "--size", "16", "--out", out, "--workers", "1", "--seed", "4"
    )
    assert code == 0
    assert output == f"{out}: 10 faces, 16x16, seed 4\n"
    assert len(zipfile.ZipFile(out).namelist()) == 11


def test_draw_force_replaces(tmp_path: Path) -> None:
    arguments = ("--count", "1", "--size", "16", "--workers", "1", "--out", str(tmp_path / "x"))
    assert run(*arguments)[0] == 0
    code, _, error = run(*arguments)
    assert code == 1
    assert isinstance(error, GanportError)
    assert "--force" in str(error)
    assert run(*arguments, "--force")[0] == 0


def test_draw_imports_no_torch() -> None:
    code = "import sys, ganport_train.cli.dataset; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def run_shapes(*arguments: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(draw, ["shapes", "--size", "16", "--workers", "1", *arguments])
    return result.exit_code, result.output, result.exception


def test_draw_shapes_samples_labels(tmp_path: Path) -> None:
    out = str(tmp_path / "x.zip")
    code, output, _ = run_shapes("--count", "4", "--out", out)
    assert code == 0
    assert output.splitlines()[-1] == f"{out}: 4 scenes, 16x16, seed 0"
    assert zipfile.ZipFile(out).namelist()[-1] == "images/scene_000001_0.png"


def test_draw_shapes_of_more_images_than_can_be_read_draws_nothing(tmp_path: Path) -> None:
    code, _, error = run_shapes("--count", str(MAX_SCENES + 1), "--out", str(tmp_path / "x"))
    assert code == 1
    assert isinstance(error, GanportError)
    assert (error.place, error.found) == ("count", str(MAX_SCENES + 1))
    assert not list(tmp_path.iterdir())
    assert f"{MAX_SCENES:,}" in run_shapes("--help")[1]


def test_draw_shapes_reads_label_file(tmp_path: Path) -> None:
    labels = {"b_0.png": ["red cube"], "b_1.png": ["red cube", "gray sphere"]}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    out = tmp_path / "x"
    arguments = ("--labels", str(tmp_path / "labels.json"), "--out", str(out))
    assert run_shapes(*arguments)[:2] == (0, f"{out}: 2 scenes, 16x16, seed 0\n")
    assert json.loads((out / "train.json").read_text()) == labels
    assert sorted(path.name for path in (out / "images").iterdir()) == list(labels)
    assert run_shapes(*arguments, "--count", "1", "--force")[0] == 0
    assert [path.name for path in (out / "images").iterdir()] == ["b_0.png"]


def test_draw_shapes_without_count_or_labels_exits_with_2(tmp_path: Path) -> None:
    code, output, _ = run_shapes("--out", str(tmp_path / "x"))
    assert code == 2
    assert "Give --count N, or --labels FILE, or both." in output


def test_draw_shapes_invalid_labels_raise(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text('{"../a.png": ["red cube"]}')
    code, _, error = run_shapes("--labels", str(tmp_path / "train.json"), "--out", "x.zip")
    assert code == 1
    assert isinstance(error, GanportError)
    assert error.found == "'../a.png'"


def run_sprites(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(draw, ["sprites", "--workers", "1", *arguments])
    return result.exit_code, result.output


def test_draw_sprites_writes_zip(tmp_path: Path) -> None:
    out = str(tmp_path / "x.zip")
    assert run_sprites("--count", "3", "--out", out) == (
        0,
        f"{out}: 3 sprites, 32x32, seed 0\n",
    )
    assert len(zipfile.ZipFile(out).namelist()) == 4


def test_draw_help_states_the_most_images() -> None:
    assert "at most 1,000,000." in run("--help")[1]
    assert f"at most {MAX_SPRITES:,}." in run_sprites("--help")[1]


def test_draw_sprites_of_another_size_exits_with_2(tmp_path: Path) -> None:
    code, output = run_sprites("--count", "3", "--size", "40", "--out", str(tmp_path / "x"))
    assert code == 2
    assert "'40' is not one of '32', '48'" in output
