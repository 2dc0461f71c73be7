"""A character screen: new faces are drawn in the background while the frame rate holds.

    python examples/pygame_portraits.py                    # space: other faces; escape: leave
    python examples/pygame_portraits.py --frames 600 --headless --save screen.png

It needs numpy, onnxruntime and pygame. The batcher draws on a thread of its own; once a frame the
loop takes what is done, and never waits. With `--frames` it asks for other faces by itself, twice
a second, and says in the end how long a frame took.
"""

from __future__ import annotations

import argparse
import math
import os
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pygame

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher, GenerationResult
from ganport_runtime.errors import GanportError

SIZE = (1024, 600)
RATE = 60
COLUMNS, ROWS = 4, 3
PARTY = COLUMNS * ROWS
SMALL, LARGE = 136, 320
FADE = 0.35  # seconds
NIGHT, DUSK, GOLD, PALE = (22, 20, 38), (58, 38, 74), (240, 196, 108), (222, 216, 232)


@dataclass(frozen=True)
class Face:
    """Somebody on the screen: who, how asked for, and the picture."""

    name: str
    caption: str
    seed: int
    picture: pygame.Surface
    since: float


class Casting:
    """Orders faces and hands out those that are drawn; nothing here waits for a picture."""

    def __init__(self, generator: Generator) -> None:
        self.arrivals = 0
        self._generator = generator
        # A short run leaves the next frame its share of the processor.
        self._batcher = Batcher(generator, max_batch=4)
        self._ordered: dict[int, tuple[str, Future[GenerationResult]]] = {}

    def order(self, place: int) -> None:
        """Ask for somebody new at `place`; whoever was on the way there is called off."""
        seed = secrets.randbits(32)
        groups = self._generator.conditions.fields
        chance = Random(seed)
        asked = {name: chance.choice(g.labels) for name, g in groups.items() if g.kind == "one_hot"}
        if place in self._ordered:
            self._ordered[place][1].cancel()
        caption = self._generator.conditions.caption(asked)
        self._ordered[place] = caption, self._batcher.submit(asked, seed=seed)

    def arrived(self) -> Iterator[tuple[int, Face]]:
        """Those whose pictures are done, with their places."""
        for place in [p for p, (_, future) in self._ordered.items() if future.done()]:
            caption, future = self._ordered.pop(place)
            drawn = future.result()
            pixels = drawn.images[0]
            picture = pygame.image.frombuffer(pixels.tobytes(), pixels.shape[1::-1], "RGB")
            self.arrivals += 1
            yield place, Face(name_of(drawn.seeds[0]), caption, drawn.seeds[0], picture, now())

    def close(self) -> None:
        self._batcher.close()


class Screen:
    """The party on the right, the one looked at on the left, drifting lights behind them."""

    def __init__(self, window: pygame.Surface) -> None:
        self.faces: dict[int, Face] = {}
        self.chosen = 0
        self._window = window
        self._dusk = _dusk(SIZE)
        self._glow = _glow(28)
        self._large, self._middle, self._little = (
            pygame.font.Font(None, size) for size in (52, 28, 22)
        )
        self._small: dict[int, tuple[Face, pygame.Surface]] = {}
        self._portrait: tuple[Face, pygame.Surface] | None = None

    def paint(self, status: str) -> None:
        """Draw one frame."""
        self._window.blit(self._dusk, (0, 0))
        self._paint_lights()
        for place in range(PARTY):
            self._paint_small(place)
        if self.chosen in self.faces:
            self._paint_chosen(self.faces[self.chosen])
        self._write(self._little, status, (40, SIZE[1] - 34), (150, 140, 170))

    def place_at(self, point: tuple[int, int]) -> int | None:
        """The place of the small portrait under a point of the window."""
        hits = [place for place in range(PARTY) if _frame(place).collidepoint(point)]
        return hits[0] if hits else None

    def _paint_lights(self) -> None:
        moment = now()
        for light in range(24):
            x = (light * 173 + moment * (8 + light % 5 * 4)) % (SIZE[0] + 60) - 60
            y = light * 97 % SIZE[1] + 24 * math.sin(moment * 0.6 + light)
            self._window.blit(self._glow, (x, y), special_flags=pygame.BLEND_RGB_ADD)

    def _paint_small(self, place: int) -> None:
        frame = _frame(place)
        pygame.draw.rect(self._window, (34, 30, 52), frame, border_radius=12)
        face = self.faces.get(place)
        if face is not None:
            if self._small.get(place, (None,))[0] is not face:
                self._small[place] = face, _rounded(face.picture, SMALL - 8, 9)
            self._show(self._small[place][1], frame, face)
        edge = GOLD if place == self.chosen else (74, 66, 96)
        pygame.draw.rect(self._window, edge, frame, width=3, border_radius=12)

    def _paint_chosen(self, face: Face) -> None:
        frame = pygame.Rect(40, 62, LARGE, LARGE)
        pygame.draw.rect(self._window, (34, 30, 52), frame, border_radius=18)
        if self._portrait is None or self._portrait[0] is not face:
            self._portrait = face, _rounded(face.picture, LARGE - 12, 14)
        self._show(self._portrait[1], frame, face)
        pygame.draw.rect(self._window, GOLD, frame, width=4, border_radius=18)
        self._write(self._large, face.name, (42, 402), PALE)
        self._write(self._middle, face.caption, (42, 448), GOLD)
        self._write(self._little, f"seed {face.seed}", (42, 482), (150, 140, 170))

    def _show(self, picture: pygame.Surface, frame: pygame.Rect, face: Face) -> None:
        shown = min(1.0, (now() - face.since) / FADE)
        picture.set_alpha(round(255 * shown))
        at = picture.get_rect(center=frame.center).move(0, round(10 * (1 - shown) ** 2))
        self._window.blit(picture, at)

    def _write(
        self, font: pygame.font.Font, words: str, at: tuple[int, int], ink: tuple[int, int, int]
    ) -> None:
        self._window.blit(font.render(words, True, ink), at)


class Game:
    """The loop: events, arrivals, a frame."""

    def __init__(self, generator: Generator) -> None:
        self._casting = Casting(generator)
        self.window = pygame.display.set_mode(SIZE)
        self.screen = Screen(self.window)
        pygame.display.set_caption("ganport portraits")
        self.running = True
        self.new_party()

    def new_party(self) -> None:
        for place in range(PARTY):
            self._casting.order(place)

    def play(self, frames: int | None) -> list[float]:
        """Run until it is left, or for so many frames; returns the seconds of each."""
        clock, took = pygame.time.Clock(), list[float]()
        before = now()
        while self.running and (frames is None or len(took) < frames):
            for event in pygame.event.get():
                self._react(event)
            if frames is not None and len(took) % (RATE // 2) == RATE // 2 - 1:
                self.new_party()
            self.screen.faces.update(self._casting.arrived())
            self.screen.paint(f"space: other faces     {clock.get_fps():.0f} frames a second")
            pygame.display.flip()
            clock.tick(RATE)
            took.append(now() - before)
            before += took[-1]
        return took

    def close(self) -> int:
        """Stop drawing; returns how many faces came."""
        self._casting.close()
        return self._casting.arrivals

    def _react(self, event: pygame.event.Event) -> None:
        if event.type == pygame.QUIT:
            self.running = False
        elif event.type == pygame.MOUSEBUTTONDOWN:
            place = self.screen.place_at(event.pos)
            self.screen.chosen = self.screen.chosen if place is None else place
        elif event.type == pygame.KEYDOWN:
            self._press(event.key)

    def _press(self, key: int) -> None:
        steps = {
            pygame.K_LEFT: -1,
            pygame.K_RIGHT: 1,
            pygame.K_UP: -COLUMNS,
            pygame.K_DOWN: COLUMNS,
        }
        self.running = key != pygame.K_ESCAPE
        self.screen.chosen = (self.screen.chosen + steps.get(key, 0)) % PARTY
        if key == pygame.K_SPACE:
            self.new_party()


def name_of(seed: int) -> str:
    """A name that belongs to a seed, as its face does."""
    chance = Random(seed)
    starts, ends = ("A", "Mi", "Ka", "Lu", "Yu", "Se", "Ri", "No"), ("ra", "ko", "lia", "ne", "mi")
    return chance.choice(starts) + "".join(chance.sample(ends, chance.choice((1, 2))))


def report(took: list[float], faces: int) -> str:
    """What a run came to, in one line."""
    steady = sorted(took[RATE // 2 :] or took)  # the first frames load fonts and open the window
    late = sum(seconds > 1.5 / RATE for seconds in steady)
    return (
        f"{len(took)} frames, {faces} faces; a frame took {statistics.median(steady) * 1e3:.1f} ms "
        f"(99 of 100: {steady[math.ceil(len(steady) * 0.99) - 1] * 1e3:.1f} ms), {late} late"
    )


def now() -> float:
    return time.perf_counter()


def _frame(place: int) -> pygame.Rect:
    row, column = divmod(place, COLUMNS)
    return pygame.Rect(400 + column * (SMALL + 12), 62 + row * (SMALL + 12), SMALL, SMALL)


def _rounded(picture: pygame.Surface, side: int, radius: int) -> pygame.Surface:
    scaled = pygame.transform.smoothscale(picture, (side, side)).convert_alpha()
    mask = pygame.Surface((side, side), pygame.SRCALPHA)
    pygame.draw.rect(mask, (255, 255, 255), mask.get_rect(), border_radius=radius)
    scaled.blit(mask, (0, 0), special_flags=pygame.BLEND_RGBA_MULT)
    return scaled


def _dusk(size: tuple[int, int]) -> pygame.Surface:
    column = pygame.Surface((1, 2))
    column.set_at((0, 0), NIGHT)
    column.set_at((0, 1), DUSK)
    return pygame.transform.smoothscale(column, size).convert()


def _glow(radius: int) -> pygame.Surface:
    light = pygame.Surface((2 * radius, 2 * radius))
    for step in range(radius, 0, -1):
        strength = (1 - step / radius) ** 2
        colour = tuple(round(channel * strength * 0.25) for channel in GOLD)
        pygame.draw.circle(light, colour, (radius, radius), step)
    return light.convert()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="A character screen that draws new faces.")
    parser.add_argument("bundle", nargs="?", default="starter")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, help="stop after so many, and say how long each took")
    parser.add_argument("--headless", action="store_true", help="open no window")
    parser.add_argument("--save", type=Path, help="write the last frame as PNG")
    options = parser.parse_args(arguments)
    if options.frames is not None and options.frames < 1:
        parser.error("--frames: at least 1")
    generator = Generator.load(options.bundle, options.device)
    if options.headless:
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    pygame.font.init()
    game = Game(generator)
    took = game.play(options.frames)
    if options.save:
        pygame.image.save(game.window, options.save)
    print(report(took, game.close()))
    pygame.quit()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (GanportError, pygame.error) as error:
        sys.exit(f"error: {error}")
