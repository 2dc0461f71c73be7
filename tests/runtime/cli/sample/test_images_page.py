"""The commands and the Python code of `docs/images.md` run, on tiny bundles."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.cli.sample import sample_gan

PAGE = (Path(__file__).parents[4] / "docs/images.md").read_text()
COMMANDS = re.findall(r"^sample-gan (.*)$", PAGE, re.M)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture
def workplace(
    tmp_path: Path,
    data: Path,
    bundle: Path,
    every_kind: Path,
    portraits: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Return a folder with every input of the page."""
    shutil.copytree(bundle, tmp_path / "faces.ganport")
    shutil.copytree(data / "tiny-translator.ganport", tmp_path / "domains.ganport")
    shutil.copytree(data / "tiny-flow.ganport", tmp_path / "flow.ganport")
    shutil.copytree(data / "tiny-sprite.ganport", tmp_path / "sprites.ganport")
    for path in portraits:
        Image.open(path).save(path.with_suffix(".jpg"))
    shutil.copy(every_kind, tmp_path / "colors.onnx")
    sheets = tmp_path / "runs/faces/samples"
    sheets.mkdir(parents=True)
    for seen in (0, 100, 200):
        Image.new("RGB", (40, 30), (seen, 0, 0)).save(sheets / f"{seen:09d}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_writes_its_file(run: Any, workplace: Path, command: str) -> None:
    words = shlex.split(command.replace("colors.ganport", "colors.onnx"))
    result = run("sample-gan", *words)
    assert result.code == 0, result.err
    assert (workplace / words[words.index("--out") + 1]).stat().st_size


def test_code_of_the_page_regenerates_images(run: Any, workplace: Path, read_sheet: Any) -> None:
    files = ("nine.png", "between.png", "edited.png")
    for name in files:
        (command,) = (command for command in COMMANDS if command.endswith(f"--out {name}"))
        run("sample-gan", *shlex.split(command))
    names: dict[str, Any] = {}
    for source, name in zip(PYTHON, files, strict=True):
        exec(source, names)
        assert isinstance(names["pixels"], np.ndarray)
        assert read_sheet(Path(name)).shows(names["pixels"][0], 16)


def test_page_contains_every_command() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(sample_gan.commands)
