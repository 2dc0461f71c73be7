"""A meadow where generated characters walk, all from one atlas of sprites.

    python examples/pygame_sprites.py                      # space: new characters; escape: quit
    python examples/pygame_sprites.py --atlas party        # also writes party.png and party.json
    python examples/pygame_sprites.py --frames 120 --headless --save meadow.png

It requires numpy, onnxruntime and pygame. The bundle generates sprites with transparency. They are
packed into one image with an index in TexturePacker's JSON array form, as game engines read it.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pygame
from numpy.typing import NDArray

from ganport_runtime import Generator
from ganport_runtime.errors import GanportError

WORLD, ZOOM, RATE = (320, 180), 3, 60
PARTY, COLUMNS = 24, 6
SPEED = 18  # pixels per second
GRASS, LIGHT, DARK, SHADE = (92, 150, 84), (112, 170, 92), (72, 128, 76), (60, 106, 70)
FLOWERS = ((244, 230, 120), (240, 240, 248), (232, 130, 150))

Index = dict[str, Any]


def generate_atlas(generator: Generator, seed: int) -> tuple[NDArray[np.uint8], Index]:
    """Return an atlas of random characters, RGBA (H, W, 4), and its index."""
    rng, groups = Random(seed), generator.conditions.fields
    requests = [
        {name: rng.choice(group.labels) for name, group in groups.items()} for _ in range(PARTY)
    ]
    sprites = generator.generate(requests, seed=seed)
    _, height, width, channels = sprites.shape
    if channels != 4:
        sys.exit("error: these images have no transparency; use a bundle of sprites")
    grid = sprites.reshape(-1, COLUMNS, height, width, channels).swapaxes(1, 2)
    atlas = grid.reshape(-1, COLUMNS * width, channels)
    frames = [
        {
            "filename": f"{k}.png",
            "frame": {
                "x": k % COLUMNS * width,
                "y": k // COLUMNS * height,
                "w": width,
                "h": height,
            },
            "conditions": request,
        }
        for k, request in enumerate(requests)
    ]
    return atlas, {"frames": frames, "meta": {"size": {"w": atlas.shape[1], "h": atlas.shape[0]}}}


def cut(atlas: NDArray[np.uint8], index: Index) -> list[pygame.Surface]:
    """Return the sprites of an atlas as surfaces that share its memory."""
    size = (atlas.shape[1], atlas.shape[0])
    sheet = pygame.image.frombytes(atlas.tobytes(), size, "RGBA").convert_alpha()
    boxes = [entry["frame"] for entry in index["frames"]]
    return [sheet.subsurface(box["x"], box["y"], box["w"], box["h"]) for box in boxes]


@dataclass
class Walker:
    """A character on the meadow; `x` and `y` are the middle of its feet."""

    sprite: pygame.Surface
    x: float
    y: float
    rng: Random
    target: tuple[float, float] = (0.0, 0.0)
    walked: float = 0.0
    left: bool = False
    rest: float = field(default=0.0)  # seconds until the next walk

    def update(self, seconds: float) -> None:
        """Walk toward the target, then rest, then choose another one."""
        dx, dy = self.target[0] - self.x, self.target[1] - self.y
        distance = (dx * dx + dy * dy) ** 0.5
        step = min(distance, SPEED * seconds)
        if self.rest > 0:
            self.rest -= seconds
        elif distance < 1:
            self.rest = self.rng.uniform(0.5, 3)
            self.target = meadow_point(self.rng)
        else:
            self.x, self.y = self.x + dx / distance * step, self.y + dy / distance * step
            self.walked, self.left = self.walked + step, dx < 0

    def paint(self, world: pygame.Surface) -> None:
        """Paint the shadow and the sprite, which hops while it walks."""
        width, height = self.sprite.get_size()
        shadow = pygame.Rect(0, 0, width // 2, 5)
        shadow.center = (round(self.x), round(self.y) - 1)
        pygame.draw.ellipse(world, SHADE, shadow)
        hop = int(self.rest <= 0 and self.walked % 8 < 4)
        image = pygame.transform.flip(self.sprite, self.left, False)
        world.blit(image, (round(self.x) - width // 2, round(self.y) - height - hop + 1))


class Game:
    """The meadow and its loop."""

    def __init__(self, generator: Generator, atlas: Path | None, seed: int) -> None:
        self._generator, self._atlas = generator, atlas
        self.window = pygame.display.set_mode((WORLD[0] * ZOOM, WORLD[1] * ZOOM))
        pygame.display.set_caption("ganport sprites")
        self._meadow = paint_meadow(Random(0))
        self.walkers: list[Walker] = []
        self.running = True
        self.invite(seed)

    def invite(self, seed: int) -> None:
        """Generate new characters and place them on the meadow."""
        pixels, index = generate_atlas(self._generator, seed)
        sprites = cut(pixels, index)
        if self._atlas:
            image = pygame.image.frombytes(pixels.tobytes(), pixels.shape[1::-1], "RGBA")
            pygame.image.save(image, self._atlas.with_suffix(".png"))
            self._atlas.with_suffix(".json").write_text(json.dumps(index, indent=1))
        rng = Random(seed)
        self.walkers = [
            Walker(sprite, *meadow_point(rng), Random(rng.random()), meadow_point(rng))
            for sprite in sprites
        ]

    def play(self, frames: int | None) -> int:
        """Run until the user quits, or for `frames` frames; return the number of frames."""
        clock, played = pygame.time.Clock(), 0
        while self.running and (frames is None or played < frames):
            for event in pygame.event.get():
                self._handle(event)
            self.paint(1 / RATE if frames else clock.get_time() / 1000)
            pygame.display.flip()
            clock.tick(RATE)
            played += 1
        return played

    def paint(self, seconds: float) -> None:
        """Move everyone and paint a frame; those further down are in front."""
        world = self._meadow.copy()
        for walker in sorted(self.walkers, key=lambda walker: walker.y):
            walker.update(seconds)
            walker.paint(world)
        pygame.transform.scale(world, self.window.get_size(), self.window)

    def _handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.QUIT:
            self.running = False
        elif event.type == pygame.KEYDOWN:
            self.running = event.key != pygame.K_ESCAPE
            if event.key == pygame.K_SPACE:
                self.invite(secrets.randbits(32))


def meadow_point(rng: Random) -> tuple[float, float]:
    """Return a random point on which a character may stand."""
    return rng.uniform(18, WORLD[0] - 18), rng.uniform(40, WORLD[1] - 4)


def paint_meadow(rng: Random) -> pygame.Surface:
    """Return the background: grass with blades and flowers."""
    meadow = pygame.Surface(WORLD).convert()
    meadow.fill(GRASS)
    for _ in range(420):
        x, y, color = rng.randrange(WORLD[0]), rng.randrange(WORLD[1]), rng.choice((LIGHT, DARK))
        for dx, dy in ((0, 0), (1, -1), (3, 0)):
            meadow.fill(color, (x + dx, y + dy, 1, 2))
    for _ in range(36):
        x, y, color = rng.randrange(WORLD[0]), rng.randrange(WORLD[1]), rng.choice(FLOWERS)
        meadow.fill(color, (x - 1, y, 3, 1))
        meadow.fill(color, (x, y - 1, 1, 3))
    return meadow


def main(arguments: list[str]) -> None:
    """Parse the command line and run the game."""
    parser = argparse.ArgumentParser(description="A meadow with generated characters.")
    parser.add_argument("bundle", nargs="?", default="starter-sprites")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--atlas", type=Path, help="write the atlas to ATLAS.png and ATLAS.json")
    parser.add_argument("--frames", type=int, help="stop after this number of frames")
    parser.add_argument("--headless", action="store_true", help="do not open a window")
    parser.add_argument("--save", type=Path, help="write the last frame as PNG")
    options = parser.parse_args(arguments)
    generator = Generator.load(options.bundle, options.device)
    if options.headless:
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    game = Game(generator, options.atlas, options.seed)
    frames = game.play(options.frames)
    if options.save:
        pygame.image.save(game.window, options.save)
    print(f"{frames} frames, {len(game.walkers)} characters")
    pygame.quit()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (GanportError, pygame.error) as error:
        sys.exit(f"error: {error}")
