"""Drawn sprites: determinism, palette, alpha, outline, and the effect of each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import chain, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganport_runtime.conditions.colors import channels
from ganport_train.synthetic.sprites.drawing import SIZES, Labels, draw_sprite
from ganport_train.synthetic.sprites.palette import HAIR, LINE, OUTFITS, RAMPS, SKINS, WEAPONS
from ganport_train.synthetic.sprites.wardrobe import CLASSES

KNIGHT = Labels("knight", "pink", "blue", "gold")
LABELS = st.builds(
    Labels, *(st.sampled_from(sorted(names)) for names in (CLASSES, HAIR, OUTFITS, WEAPONS))
)
SEEDS = st.integers(0, 2**63 - 1)
PALETTE = {LINE, *chain(*RAMPS.values(), *SKINS.values())}


def draw(seed: int, labels: Labels = KNIGHT, size: int = 32) -> NDArray[np.uint8]:
    return np.asarray(draw_sprite(seed, labels, size))


def colors(sprite: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    return {tuple(pixel[:3]) for pixel in sprite.reshape(-1, 4).tolist() if pixel[3]}


@settings(max_examples=60)
@given(seed=SEEDS, labels=LABELS, size=st.sampled_from(SIZES))
def test_draw_sprite_has_palette_colors_and_binary_alpha(
    seed: int, labels: Labels, size: int
) -> None:
    sprite = draw(seed, labels, size)
    assert sprite.shape == (size, size, 4)
    assert set(np.unique(sprite[..., 3])) == {0, 255}
    assert not sprite[sprite[..., 3] == 0].any()
    assert colors(sprite) <= {channels(color) for color in PALETTE}


@settings(max_examples=60)
@given(seed=SEEDS, labels=LABELS, size=st.sampled_from(SIZES))
def test_draw_sprite_is_surrounded_by_its_outline(seed: int, labels: Labels, size: int) -> None:
    sprite = np.pad(draw(seed, labels, size), ((1, 1), (1, 1), (0, 0)))
    visible = sprite[..., 3] == 255
    steps = ((1, 0), (-1, 0), (1, 1), (-1, 1))
    inner = np.all([np.roll(visible, step, axis) for step, axis in steps], axis=0)
    assert (sprite[visible & ~inner][:, :3] == channels(LINE)).all()
    assert 0.25 < visible.mean() < 0.65


@settings(max_examples=60)
@given(seed=SEEDS, labels=LABELS)
def test_draw_sprite_shows_tones_of_every_label(seed: int, labels: Labels) -> None:
    sprite = draw(seed, labels)
    for label in (labels.hair, labels.outfit, labels.weapon):
        ramp = [channels(color) for color in RAMPS[label]]
        shown = [(sprite[..., :3] == tone).all(axis=-1).sum() for tone in ramp]
        assert sum(shown) >= 12
        assert sum(count > 0 for count in shown) >= 2


@pytest.mark.parametrize(
    ("group", "labels"), [("hair", HAIR), ("outfit", OUTFITS), ("weapon", WEAPONS)]
)
@pytest.mark.parametrize("kind", CLASSES)
def test_draw_sprite_label_changes_its_color_only(
    kind: str, group: str, labels: Sequence[str]
) -> None:
    for seed in range(8):
        base = replace(KNIGHT, kind=kind)
        sprites = [draw(seed, replace(base, **{group: label})) for label in labels]
        changed = np.any([(sprite != sprites[0]).any(axis=-1) for sprite in sprites], axis=0)
        assert all((sprite[..., 3] == sprites[0][..., 3]).all() for sprite in sprites)
        assert 10 <= changed.sum() <= 300
        ramps = [{channels(color) for color in RAMPS[label]} for label in labels]
        for sprite, ramp in zip(sprites, ramps, strict=True):
            assert {tuple(pixel[:3]) for pixel in sprite[changed].tolist()} <= ramp


def test_draw_sprite_is_deterministic_and_seeds_differ() -> None:
    assert (draw(5) == draw(5)).all()
    assert len({draw(seed).tobytes() for seed in range(60)}) > 55


def test_draw_sprite_every_combination_of_labels_differs() -> None:
    looks = product(CLASSES, HAIR, OUTFITS, WEAPONS)
    assert len({draw_sprite(2, Labels(*look)).tobytes() for look in looks}) == 2016


def test_draw_sprite_large_size_shows_the_same_character() -> None:
    for seed in range(10):
        small, large = (draw(seed, size=size)[..., 3] == 255 for size in SIZES)
        triple = small.repeat(3, 0).repeat(3, 1)
        double = large.repeat(2, 0).repeat(2, 1)
        assert (triple == double).mean() > 0.9


@pytest.mark.parametrize(
    ("size", "digest"),
    [(32, "b085bf9c0760080d3cc414759cc9ddae"), (48, "e2d6c1f0cf49beada591853c21f32b23")],
)
def test_draw_sprite_matches_recorded_digest(size: int, digest: str) -> None:
    looks = list(product(CLASSES, HAIR, OUTFITS, WEAPONS))[::17]
    sprites = b"".join(
        draw_sprite(seed, Labels(*look), size).tobytes() for seed, look in enumerate(looks)
    )
    assert blake2b(sprites, digest_size=16).hexdigest() == digest
