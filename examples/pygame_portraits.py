"""A character screen that generates faces in the background at a constant frame rate.

    python examples/pygame_portraits.py                    # space: new faces; escape: quit
    python examples/pygame_portraits.py --frames 600 --headless --save screen.png

It requires numpy, onnxruntime and pygame. The batcher generates images on its own thread. Once per
frame, the loop collects the finished images without waiting. With `--frames` the game requests new
faces twice per second, and finally prints the duration of a frame.
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
STEPS = {pygame.K_LEFT: -1, pygame.K_RIGHT: 1, pygame.K_UP: -COLUMNS, pygame.K_DOWN: COLUMNS}
SMALL, LARGE = 136, 320
FADE = 0.35  # seconds
NIGHT, DUSK, GOLD, PALE = (22, 20, 38), (58, 38, 74), (240, 196, 108), (222, 216, 232)


@dataclass(frozen=True)
class Face:
    """A face on the screen."""

    name: str
    caption: str
    seed: int
    image: pygame.Surface
    shown_since: float


class FaceLoader:
    """Requests faces and returns the finished ones, without waiting for an image."""

    def __init__(self, generator: Generator) -> None:
        self.finished = 0
        self._generator = generator
        # Short runs leave CPU time for the next frame.
        self._batcher = Batcher(generator, max_batch=4)
        self._pending: dict[int, tuple[str, Future[GenerationResult]]] = {}

    def request(self, slot: int) -> None:
        """Request a new face for `slot`, and cancel the previous request for it."""
        seed = secrets.randbits(32)
        groups = self._generator.conditions.fields
        rng = Random(seed)
        request = {name: rng.choice(g.labels) for name, g in groups.items() if g.kind == "one_hot"}
        if slot in self._pending:
            self._pending[slot][1].cancel()
        caption = self._generator.conditions.caption(request)
        self._pending[slot] = caption, self._batcher.submit(request, seed=seed)

    def take_finished(self) -> Iterator[tuple[int, Face]]:
        """Yield the finished faces with their slots."""
        for slot in [s for s, (_, future) in self._pending.items() if future.done()]:
            caption, future = self._pending.pop(slot)
            result = future.result()
            pixels, seed = result.images[0], result.seeds[0]
            image = pygame.image.frombuffer(pixels.tobytes(), pixels.shape[1::-1], "RGB")
            self.finished += 1
            yield slot, Face(name_of(seed), caption, seed, image, now())

    def close(self) -> None:
        """Complete the pending requests and stop the batcher."""
        self._batcher.close()


class Screen:
    """The party on the right, the selected face on the left, moving lights in the background."""

    def __init__(self, window: pygame.Surface) -> None:
        self.faces: dict[int, Face] = {}
        self.selected = 0
        self._window = window
        self._background = _background(SIZE)
        self._glow = _glow(28)
        self._large_font, self._medium_font, self._small_font = (
            pygame.font.Font(None, size) for size in (52, 28, 22)
        )
        self._small: dict[int, tuple[Face, pygame.Surface]] = {}
        self._portrait: tuple[Face, pygame.Surface] | None = None

    def paint(self, status: str) -> None:
        """Paint one frame."""
        self._window.blit(self._background, (0, 0))
        self._paint_lights()
        for slot in range(PARTY):
            self._paint_small(slot)
        if self.selected in self.faces:
            self._paint_selected(self.faces[self.selected])
        self._write(self._small_font, status, (40, SIZE[1] - 34), (150, 140, 170))

    def slot_at(self, point: tuple[int, int]) -> int | None:
        """Return the slot of the small portrait at a point of the window."""
        hits = [slot for slot in range(PARTY) if _frame(slot).collidepoint(point)]
        return hits[0] if hits else None

    def _paint_lights(self) -> None:
        seconds = now()
        for light in range(24):
            x = (light * 173 + seconds * (8 + light % 5 * 4)) % (SIZE[0] + 60) - 60
            y = light * 97 % SIZE[1] + 24 * math.sin(seconds * 0.6 + light)
            self._window.blit(self._glow, (x, y), special_flags=pygame.BLEND_RGB_ADD)

    def _paint_small(self, slot: int) -> None:
        frame = _frame(slot)
        pygame.draw.rect(self._window, (34, 30, 52), frame, border_radius=12)
        face = self.faces.get(slot)
        if face is not None:
            if self._small.get(slot, (None,))[0] is not face:
                self._small[slot] = face, _rounded(face.image, SMALL - 8, 9)
            self._show(self._small[slot][1], frame, face)
        edge = GOLD if slot == self.selected else (74, 66, 96)
        pygame.draw.rect(self._window, edge, frame, width=3, border_radius=12)

    def _paint_selected(self, face: Face) -> None:
        frame = pygame.Rect(40, 62, LARGE, LARGE)
        pygame.draw.rect(self._window, (34, 30, 52), frame, border_radius=18)
        if self._portrait is None or self._portrait[0] is not face:
            self._portrait = face, _rounded(face.image, LARGE - 12, 14)
        self._show(self._portrait[1], frame, face)
        pygame.draw.rect(self._window, GOLD, frame, width=4, border_radius=18)
        self._write(self._large_font, face.name, (42, 402), PALE)
        self._write(self._medium_font, face.caption, (42, 448), GOLD)
        self._write(self._small_font, f"seed {face.seed}", (42, 482), (150, 140, 170))

    def _show(self, image: pygame.Surface, frame: pygame.Rect, face: Face) -> None:
        progress = min(1.0, (now() - face.shown_since) / FADE)
        image.set_alpha(round(255 * progress))
        position = image.get_rect(center=frame.center).move(0, round(10 * (1 - progress) ** 2))
        self._window.blit(image, position)

    def _write(
        self, font: pygame.font.Font, text: str, at: tuple[int, int], color: tuple[int, int, int]
    ) -> None:
        self._window.blit(font.render(text, True, color), at)


class Game:
    """The game loop."""

    def __init__(self, generator: Generator) -> None:
        self._loader = FaceLoader(generator)
        self.window = pygame.display.set_mode(SIZE)
        self.screen = Screen(self.window)
        pygame.display.set_caption("ganport portraits")
        self.running = True
        self.request_party()

    def request_party(self) -> None:
        """Request a new face for every slot."""
        for slot in range(PARTY):
            self._loader.request(slot)

    def play(self, frames: int | None) -> list[float]:
        """Run until the user quits, or for `frames` frames; return the seconds of each frame."""
        clock, durations = pygame.time.Clock(), list[float]()
        before = now()
        while self.running and (frames is None or len(durations) < frames):
            for event in pygame.event.get():
                self._handle(event)
            if frames is not None and len(durations) % (RATE // 2) == RATE // 2 - 1:
                self.request_party()
            self.screen.faces.update(self._loader.take_finished())
            self.screen.paint(f"space: new faces     {clock.get_fps():.0f} frames per second")
            pygame.display.flip()
            clock.tick(RATE)
            durations.append(now() - before)
            before += durations[-1]
        return durations

    def close(self) -> int:
        """Stop the loader; return the number of generated faces."""
        self._loader.close()
        return self._loader.finished

    def _handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.QUIT:
            self.running = False
        elif event.type == pygame.MOUSEBUTTONDOWN:
            slot = self.screen.slot_at(event.pos)
            self.screen.selected = self.screen.selected if slot is None else slot
        elif event.type == pygame.KEYDOWN:
            self._press(event.key)

    def _press(self, key: int) -> None:
        self.running = key != pygame.K_ESCAPE
        self.screen.selected = (self.screen.selected + STEPS.get(key, 0)) % PARTY
        if key == pygame.K_SPACE:
            self.request_party()


def name_of(seed: int) -> str:
    """Return a name that depends on the seed."""
    rng = Random(seed)
    starts, ends = ("A", "Mi", "Ka", "Lu", "Yu", "Se", "Ri", "No"), ("ra", "ko", "lia", "ne", "mi")
    return rng.choice(starts) + "".join(rng.sample(ends, rng.choice((1, 2))))


def format_report(durations: list[float], faces: int) -> str:
    """Return the number of frames and faces, and the duration of a frame."""
    # The first frames load fonts and open the window.
    steady = sorted(durations[RATE // 2 :] or durations)
    late = sum(seconds > 1.5 / RATE for seconds in steady)
    median = statistics.median(steady) * 1e3
    slow = steady[math.ceil(len(steady) * 0.99) - 1] * 1e3
    return (
        f"{len(durations)} frames, {faces} faces; median {median:.1f} ms per frame, "
        f"99th percentile {slow:.1f} ms, {late} late"
    )


def now() -> float:
    """Return the time in seconds."""
    return time.perf_counter()


def _frame(slot: int) -> pygame.Rect:
    row, column = divmod(slot, COLUMNS)
    return pygame.Rect(400 + column * (SMALL + 12), 62 + row * (SMALL + 12), SMALL, SMALL)


def _rounded(image: pygame.Surface, side: int, radius: int) -> pygame.Surface:
    scaled = pygame.transform.smoothscale(image, (side, side)).convert_alpha()
    mask = pygame.Surface((side, side), pygame.SRCALPHA)
    pygame.draw.rect(mask, (255, 255, 255), mask.get_rect(), border_radius=radius)
    scaled.blit(mask, (0, 0), special_flags=pygame.BLEND_RGBA_MULT)
    return scaled


def _background(size: tuple[int, int]) -> pygame.Surface:
    column = pygame.Surface((1, 2))
    column.set_at((0, 0), NIGHT)
    column.set_at((0, 1), DUSK)
    return pygame.transform.smoothscale(column, size).convert()


def _glow(radius: int) -> pygame.Surface:
    light = pygame.Surface((2 * radius, 2 * radius))
    for step in range(radius, 0, -1):
        strength = (1 - step / radius) ** 2
        color = tuple(round(channel * strength * 0.25) for channel in GOLD)
        pygame.draw.circle(light, color, (radius, radius), step)
    return light.convert()


def main(arguments: list[str]) -> None:
    """Parse the command line and run the game."""
    parser = argparse.ArgumentParser(description="A character screen with generated faces.")
    parser.add_argument("bundle", nargs="?", default="starter")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, help="stop after this number of frames")
    parser.add_argument("--headless", action="store_true", help="do not open a window")
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
    durations = game.play(options.frames)
    if options.save:
        pygame.image.save(game.window, options.save)
    print(format_report(durations, game.close()))
    pygame.quit()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (GanportError, pygame.error) as error:
        sys.exit(f"error: {error}")
