"""Tests of the character screen, on the dummy driver of SDL."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pygame
import pytest
from PIL import Image

from ganport_runtime import Bundle, Generator

EXAMPLE = Path(__file__).parents[2] / "examples" / "pygame_portraits.py"
Example = dict[str, Any]


@pytest.fixture(scope="module")
def example() -> Iterator[Example]:
    before = os.environ.get("SDL_VIDEODRIVER")
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    pygame.font.init()
    yield runpy.run_path(str(EXAMPLE), run_name="pygame_portraits")
    pygame.quit()
    del os.environ["SDL_VIDEODRIVER"]
    if before is not None:
        os.environ["SDL_VIDEODRIVER"] = before


class BlockingGenerator(Generator):
    """A generator whose runs wait until the gate is opened."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.gate = Event()

    def run_rows(self, parts: Any) -> Any:
        self.gate.wait()
        return super().run_rows(parts)


def press(*keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def test_play_does_not_wait_for_images(example: Example) -> None:
    generator = BlockingGenerator(Bundle.open("starter"), "cpu")
    game = example["Game"](generator)
    assert len(game.play(20)) == 20  # a loop that waits for an image would hang here
    assert not game.screen.faces
    generator.gate.set()
    game.play(60)
    assert len(game.screen.faces) == example["PARTY"]
    assert game.close() >= example["PARTY"]


def test_finished_face_is_the_image_of_its_seed_and_caption(example: Example) -> None:
    generator = Generator.load("starter", "cpu")
    loader = example["FaceLoader"](generator)
    loader.request(3)
    loader.request(3)  # cancels the first
    loader.close()
    ((slot, face),) = loader.take_finished()
    assert slot == 3
    (expected,) = generator.generate(face.caption, seed=face.seed)
    assert pygame.image.tobytes(face.image, "RGB") == expected.tobytes()
    assert face.name == example["name_of"](face.seed)
    assert list(loader.take_finished()) == []


def test_keys_and_mouse_select_and_escape_quits(example: Example) -> None:
    game = example["Game"](Generator.load("starter", "cpu"))
    press(pygame.K_RIGHT, pygame.K_UP)
    game.play(1)
    assert game.screen.selected == 9  # one to the right, and from the top row to the bottom row
    clicks = [{"pos": (420, 80), "button": 1}, {"pos": (5, 5), "button": 1}]
    for click in clicks:
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, click))
    game.play(1)
    assert game.screen.selected == 0
    press(pygame.K_ESCAPE)
    assert len(game.play(None)) == 1
    game.close()


def test_report_omits_the_start_and_counts_late_frames(example: Example) -> None:
    durations = [0.5] * 30 + [0.016] * 98 + [0.020, 0.040]
    assert example["format_report"](durations, 24) == (
        "130 frames, 24 faces; median 16.0 ms per frame, 99th percentile 20.0 ms, 1 late"
    )


def test_script_saves_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "screen.png"
    line = [sys.executable, str(EXAMPLE), "--frames", "75", "--headless", "--save", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    match = re.search(r"^75 frames, (\d+) faces; median [\d.]+ ms", done.stdout, re.M)
    assert match
    assert int(match[1]) >= 12
    with Image.open(path) as image:
        screen = np.asarray(image.convert("RGB")).astype(int)
    assert screen.shape == (600, 1024, 3)
    portraits = [screen[80:180, 420 + 148 * column : 520 + 148 * column] for column in range(4)]
    assert all(portrait.std() > 20 for portrait in portraits)
    assert np.abs(portraits[0] - portraits[1]).mean() > 10


def test_script_prints_an_error_as_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pygame_portraits.py", "nowhere"])
    with pytest.raises(SystemExit, match=r"^error: nowhere: expected a bundle; found no such file"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
