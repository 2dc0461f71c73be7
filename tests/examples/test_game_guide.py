"""Tests of the guide for game programmers: its programs run, on the dummy driver of SDL."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pygame
import pytest

from ganport_runtime import Generator

GUIDE = Path(__file__).parents[2] / "docs" / "game.md"
GAME, TYPED = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bool], np.ndarray]:
    """Return a function that plays until a face is shown, or a second one; it returns the window.

    A face changes the title of the window.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")

    def run(press: bool) -> np.ndarray:
        events = [pygame.KEYDOWN, pygame.QUIT] if press else [pygame.QUIT]
        shown: list[np.ndarray] = []

        def set_caption(_: str) -> None:
            shown.append(pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1))
            pygame.event.post(pygame.event.Event(events.pop(0), key=pygame.K_SPACE))

        with monkeypatch.context() as patch:
            patch.setattr(pygame.display, "set_caption", set_caption)
            exec(GAME, {})
        return shown[-1]

    return run


def test_game_shows_the_saved_face_again(play: Callable[[bool], np.ndarray]) -> None:
    first = play(True)
    saved = json.loads(Path("face.json").read_text())
    again = play(False)
    assert np.array_equal(again, first)
    pixels = Generator.load("starter", "cpu").generate(saved["request"], seed=saved["seed"])[0]
    small = again.reshape(64, 8, 64, 8, 3).mean(axis=(1, 3))
    assert np.abs(small - pixels).mean() < 20
    assert not np.array_equal(play(True), first)


def test_typed_text_with_an_unknown_label_names_a_similar_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exec(TYPED, {})
    assert "Did you mean 'pink'?" in capsys.readouterr().out
