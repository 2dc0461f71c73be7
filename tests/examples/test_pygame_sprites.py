"""Tests of the meadow and of the guide to sprites, on the dummy driver of SDL."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pygame
import pytest
from click.testing import CliRunner
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.cli.sample import sample_gan

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "pygame_sprites.py"
GUIDE = ROOT / "docs" / "sprites.md"
Example = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def display() -> Iterator[None]:
    before = os.environ.get("SDL_VIDEODRIVER")
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    yield
    pygame.quit()
    del os.environ["SDL_VIDEODRIVER"]
    if before is not None:
        os.environ["SDL_VIDEODRIVER"] = before


@pytest.fixture(scope="module")
def example() -> Example:
    return runpy.run_path(str(EXAMPLE), run_name="pygame_sprites")


@pytest.fixture(scope="module")
def sprites() -> Generator:
    return Generator.load("starter-sprites", "cpu")


def test_atlas_holds_the_sprites_of_its_index(example: Example, sprites: Generator) -> None:
    atlas, index = example["generate_atlas"](sprites, 7)
    requests = [entry["conditions"] for entry in index["frames"]]
    expected = sprites.generate(requests, seed=7)
    for entry, sprite in zip(index["frames"], expected, strict=True):
        x, y, w, h = (entry["frame"][key] for key in "xywh")
        assert (atlas[y : y + h, x : x + w] == sprite).all()
    assert index["meta"]["size"] == {"w": atlas.shape[1], "h": atlas.shape[0]}


def test_walker_reaches_its_target_and_rests(example: Example) -> None:
    walker = example["Walker"](pygame.Surface((8, 8)), 20.0, 50.0, Random(0), (30.0, 50.0))
    walker.update(0.25)
    assert (walker.x, walker.left) == (24.5, False)
    for _ in range(10):
        walker.update(0.1)
    assert abs(walker.x - 30) < 1
    assert walker.rest > 0


def test_keys_invite_others_and_quit(example: Example, sprites: Generator) -> None:
    game = example["Game"](sprites, None, 7)
    before = game.walkers
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_SPACE))
    assert game.play(1) == 1
    assert game.walkers is not before
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE))
    assert game.play(None) == 1


def test_script_writes_atlas_and_screen(tmp_path: Path) -> None:
    line = [sys.executable, str(EXAMPLE), "--frames", "20", "--headless"]
    line += ["--atlas", str(tmp_path / "party"), "--save", str(tmp_path / "meadow.png")]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "20 frames, 24 characters"
    with Image.open(tmp_path / "party.png") as atlas:
        assert (atlas.size, atlas.mode) == ((192, 128), "RGBA")
    assert len(json.loads((tmp_path / "party.json").read_text())["frames"]) == 24
    with Image.open(tmp_path / "meadow.png") as image:
        screen = np.asarray(image.convert("RGB"))
    assert screen.shape == (540, 960, 3)
    assert (screen.reshape(180, 3, 320, 3, 3) == screen[::3, ::3][:, None, :, None]).all()
    assert len(np.unique(screen.reshape(-1, 3), axis=0)) > 30


def test_script_refuses_a_bundle_without_transparency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pygame_sprites.py", "starter", "--headless"])
    with pytest.raises(SystemExit, match="no transparency"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")


def test_guide_makes_an_atlas_and_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = GUIDE.read_text(encoding="utf-8")
    party, game = re.findall(r"```(?:text|python)\n(.*?)```", page, re.DOTALL)
    Path("party.txt").write_text(party)
    command = shlex.split(re.findall(r"^sample-gan (atlas .*)$", page, re.MULTILINE)[0])
    result = CliRunner().invoke(sample_gan, [command[0], "starter-sprites", *command[2:]])
    assert result.exit_code == 0, result.output
    with Image.open("party.png") as image:
        sheet = np.asarray(image.convert("RGBA"))
    assert sheet.shape == (128, 192, 4)
    pygame.display.init()
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    monkeypatch.setattr(pygame, "quit", lambda: None)
    exec(game, {})
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    visible = sheet[..., 3] == 255
    assert (shown[::4, ::4][visible] == sheet[visible][:, :3]).all()
    assert (shown[::4, ::4][~visible] == (92, 150, 84)).all()
