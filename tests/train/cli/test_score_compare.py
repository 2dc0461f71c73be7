import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from ganport_runtime.errors import RequestError
from ganport_train.cli.score import compare
from ganport_train.config import recipes
from ganport_train.runs.run_dir import RunEnvironment, read_config, write_config


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs with different learning rates; the second has the better score."""
    folders = []
    for name, rate, score in (("slow", "1e-4", 0.25), ("fast", "1e-3", 0.5)):
        folder = tmp_path / name
        folder.mkdir()
        recipe = recipes.load("quick", [f"optimizer.generator_lr={rate}"])
        surroundings = RunEnvironment.current(tmp_path / "data", "ab12", torch.device("cpu"))
        write_config(folder, recipe, surroundings)
        rows = [
            {"step": n, "images": 64 * n, "epoch": n / 4, "seconds": 6.0 * n, "g_loss": 1 / n}
            for n in range(1, 11)
        ]
        (folder / "stats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        line = {"step": 10, "images": 640, "epoch": 2.5, "extractor": "pixels", "score": score}
        (folder / "scores.jsonl").write_text(json.dumps(line) + "\n")
        folders.append(folder)
    return folders


def invoke(*arguments: object, columns: int = 200) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(compare, words)


def test_compare_prints_differences_and_best_values(runs: list[Path]) -> None:
    result = invoke(*runs)
    assert result.exit_code == 0, result.output
    head, slow, fast, legend = result.stdout.splitlines()
    for title in ("run", "recipe", "optimizer.generator_lr", "images seen", "minutes"):
        assert title in head
    title = "Small, fast conditional GAN for firs…"
    assert slow.split("  ")[0:3] == ["slow", title, "0.0001"]
    assert slow.split()[-4:] == ["640", "1.0", "25.0%", "25.0%"]
    assert fast.split()[-5:] == ["0.001", "640", "1.0", "50.0%*", "50.0%*"]
    assert legend == "* the best of its column"


@pytest.mark.parametrize("columns", [60, 90, 200])
def test_compare_wraps_to_the_terminal(runs: list[Path], columns: int) -> None:
    lines = invoke(*runs, columns=columns).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert sum(line.startswith("fast") for line in lines) == {60: 3, 90: 2, 200: 1}[columns]


def test_compare_writes_a_page_with_curves(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke(*runs, "--out", out)
    assert result.stdout.splitlines()[-1] == f"wrote {out / 'compare.html'}"
    page = (out / "compare.html").read_text()
    assert page.count("<svg") == 2  # the generator loss and the validation score
    assert page.count('class="line c0"') == page.count('class="line c1"') == 2
    assert '<td class="best"><span>50.0%</span></td>' in page
    data = json.loads((out / "compare.json").read_text())
    assert [run["name"] for run in data["runs"]] == ["slow", "fast"]
    assert data["runs"][1]["options"] == {"optimizer.generator_lr": "0.001"}


def test_compare_over_an_earlier_comparison_gives_the_same_bytes(
    runs: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = [invoke(*runs, "--out", out), (out / "compare.html").read_bytes()]
    assert invoke(*runs, "--out", out).stdout == first[0].stdout
    assert (out / "compare.html").read_bytes() == first[1]


def test_compare_escapes_titles(runs: list[Path], tmp_path: Path) -> None:
    recipe, environment = read_config(runs[0])
    title = "<script>alert(1)</script>"
    write_config(runs[0], replace(recipe, title=title), environment)
    assert invoke(*runs, "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "compare.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_compare_notes_a_collapse(runs: list[Path]) -> None:
    line = {"step": 20, "extractor": "pixels", "score": 0.125, "collapsed": True}
    with (runs[1] / "scores.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert "note: fast collapsed at its last validation score" in invoke(*runs).stdout


def test_compare_into_a_folder_with_other_files_fails(runs: list[Path], tmp_path: Path) -> None:
    result = invoke(*runs, "--out", runs[0])
    assert isinstance(result.exception, RequestError)
    assert result.exception.place == f"--out {runs[0]}"
    assert (runs[0] / "config.toml").exists()


def test_compare_without_runs_is_a_usage_error() -> None:
    assert invoke().exit_code == 2
