"""`docs/pictures.md` does what it says: its commands and its Python run, on tiny bundles."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

PAGE = (Path(__file__).parents[4] / "docs/pictures.md").read_text()
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
    """A folder with all the page speaks of."""
    shutil.copytree(bundle, tmp_path / "faces.ganport")
    shutil.copytree(data / "tiny-translator.ganport", tmp_path / "domains.ganport")
    shutil.copytree(data / "tiny-flow.ganport", tmp_path / "flow.ganport")
    for picture in portraits:
        Image.open(picture).save(picture.with_suffix(".jpg"))
    shutil.copy(every_kind, tmp_path / "colours.onnx")
    sheets = tmp_path / "runs/faces/samples"
    sheets.mkdir(parents=True)
    for seen in (0, 100, 200):
        Image.new("RGB", (40, 30), (seen, 0, 0)).save(sheets / f"{seen:09d}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_runs(run: Any, workplace: Path, command: str) -> None:
    words = shlex.split(command.replace("colours.ganport", "colours.onnx"))
    result = run("sample-gan", *words)
    assert result.code == 0, result.err
    assert (workplace / words[words.index("--out") + 1]).stat().st_size


def test_the_page_draws_pictures_again(run: Any, workplace: Path, opened: Any, shows: Any) -> None:
    files = ("nine.png", "between.png", "more.png")
    for name in files:
        (command,) = (command for command in COMMANDS if command.endswith(f"--out {name}"))
        run("sample-gan", *shlex.split(command))
    names: dict[str, Any] = {}
    for source, name in zip(PYTHON, files, strict=True):
        exec(source, names)
        assert isinstance(names["pixels"], np.ndarray)
        assert shows(opened(Path(name))[0], names["pixels"][0], 16)


def test_every_command_stands_on_the_page() -> None:
    from ganport_runtime.cli.sample import sample_gan

    assert {command.split()[0] for command in COMMANDS} == set(sample_gan.commands)
