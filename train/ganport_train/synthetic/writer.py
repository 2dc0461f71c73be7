"""Write drawn datasets: tagged faces and sprites, faces with attributes, and scenes of solids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import product
from pathlib import Path
from random import Random

from ganport_runtime.errors import GanportError
from ganport_runtime.images.encode import encode_png
from ganport_train.synthetic.datasets import (
    MAX_IMAGES,
    SEEDS,
    SIZES,
    DatasetSpec,
    check_range,
    write_dataset,
)
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR
from ganport_train.synthetic.scene_labels import SceneLabels
from ganport_train.synthetic.scenes import Scene, draw_scene
from ganport_train.synthetic.sprites.drawing import SIZES as SPRITE_SIZES
from ganport_train.synthetic.sprites.drawing import Labels, draw_sprite
from ganport_train.synthetic.sprites.palette import HAIR as SPRITE_HAIR
from ganport_train.synthetic.sprites.palette import OUTFITS, WEAPONS
from ganport_train.synthetic.sprites.wardrobe import CLASSES
from ganport_train.synthetic.traits import celeba_table, sample_traits

MAX_SPRITES = 600_000
"""Sprites in one dataset: their tags nearly fill the largest `tags.csv` that can be read."""

_PAIRS = tuple(product(HAIR, EYES))
_LOOKS = tuple(Labels(*look) for look in product(CLASSES, SPRITE_HAIR, OUTFITS, WEAPONS))
_STEP = re.compile(r"(_\d)?\.png$")


def image_seed(seed: int, index: int) -> int:
    """Return the seed of the face or sprite `index` in the dataset of `seed`."""
    return int.from_bytes(blake2b(f"{seed}/{index}".encode(), digest_size=8).digest())


def balanced_labels(seed: int, index: int) -> tuple[str, str]:
    """Return the hair and eye labels of image `index` in the dataset of `seed`.

    Each block of 120 images holds every pair of labels once, in random order.
    """
    block, position = divmod(index, len(_PAIRS))
    return _shuffled_pairs(seed, block)[position]


@lru_cache(maxsize=1)
def _shuffled_pairs(seed: int, block: int) -> list[tuple[str, str]]:
    pairs = list(_PAIRS)
    Random(f"ganport pairs 1/{seed}/{block}").shuffle(pairs)
    return pairs


def sprite_labels(seed: int, index: int) -> Labels:
    """Return the labels of sprite `index` in the dataset of `seed`.

    Each block of 2,016 sprites holds every combination of labels once, in random order.
    """
    block, position = divmod(index, len(_LOOKS))
    return _shuffled_looks(seed, block)[position]


@lru_cache(maxsize=1)
def _shuffled_looks(seed: int, block: int) -> list[Labels]:
    looks = list(_LOOKS)
    Random(f"ganport looks 1/{seed}/{block}").shuffle(looks)
    return looks


def write_faces(
    out: Path,
    count: int,
    size: int,
    *,
    seed: int = 0,
    attributes: bool = False,
    workers: int = 1,
    replace: bool = False,
) -> None:
    """Draw `count` faces of `size` pixels to the zip or folder `out`.

    Image i depends on (seed, i) only. With `attributes` a face has random traits, and
    `list_attr_celeba.txt` lists them in CelebA's format. Raises `GanportError` for a number out
    of range and for the errors of `write_dataset`.
    """
    check_range("count", count, range(1, MAX_IMAGES + 1))
    check_range("size", size, SIZES)
    check_range("seed", seed, SEEDS)
    items = {f"{index}.png": index for index in range(count)}
    tables = {"tags.csv": _tag_table(count, seed)}
    if attributes:
        seeds = {name: image_seed(seed, index) for name, index in items.items()}
        tables["list_attr_celeba.txt"] = celeba_table(seeds).encode()
    draw = partial(_draw_face, seed=seed, size=size, attributes=attributes)
    spec = DatasetSpec("tagged faces", tables, items, draw)
    write_dataset(out, spec, workers=workers, replace=replace)


def write_sprites(
    out: Path,
    count: int,
    size: int,
    *,
    seed: int = 0,
    workers: int = 1,
    replace: bool = False,
) -> None:
    """Draw `count` sprites of `size` pixels, 32 or 48, to the zip or folder `out`.

    Image i depends on (seed, i) only. Raises `GanportError` for a number out of range and for the
    errors of `write_dataset`.
    """
    check_range("count", count, range(1, MAX_SPRITES + 1))
    check_range("seed", seed, SEEDS)
    if size not in SPRITE_SIZES:
        raise GanportError("size", "32 or 48", str(size), "Give another size.")
    looks = (sprite_labels(seed, index) for index in range(count))
    tags = "".join(f"{index},{look.tags()}\n" for index, look in enumerate(looks))
    items = {f"{index}.png": index for index in range(count)}
    draw = partial(_draw_sprite, seed=seed, size=size)
    spec = DatasetSpec("tagged sprites", {"tags.csv": tags.encode()}, items, draw)
    write_dataset(out, spec, workers=workers, replace=replace)


def write_shapes(
    out: Path,
    labels: SceneLabels,
    size: int,
    *,
    seed: int = 0,
    workers: int = 1,
    replace: bool = False,
) -> None:
    """Draw the scenes of `labels` in `size` pixels to the zip or folder `out`.

    An image depends on (seed, its name, its objects) only. NAME_0.png, NAME_1.png and NAME_2.png
    show one scene. Raises `GanportError` for a number out of range, an `out` that contains the
    label file, and for the errors of `write_dataset`.
    """
    check_range("size", size, SIZES)
    check_range("seed", seed, SEEDS)
    _check_label_file_is_outside(out, labels)
    spec = DatasetSpec(
        "drawn shapes",
        tables=labels.tables(),
        items={name: (scene_name(name), objects) for name, objects in labels.images.items()},
        draw=partial(_draw_scene, seed=seed, size=size),
    )
    write_dataset(out, spec, workers=workers, replace=replace)


def scene_name(image: str) -> str:
    """Return the common part of the names of a scene's images."""
    return _STEP.sub("", image)


def _tag_table(count: int, seed: int) -> bytes:
    pairs = (balanced_labels(seed, i) for i in range(count))
    return "".join(
        f"{i},{hair} hair {eyes} eyes\n" for i, (hair, eyes) in enumerate(pairs)
    ).encode()


def _draw_face(index: int, *, seed: int, size: int, attributes: bool) -> bytes:
    own_seed = image_seed(seed, index)
    traits = sample_traits(own_seed) if attributes else None
    return encode_png(draw_face(own_seed, *balanced_labels(seed, index), size, traits))


def _draw_sprite(index: int, *, seed: int, size: int) -> bytes:
    sprite = draw_sprite(image_seed(seed, index), sprite_labels(seed, index), size)
    return encode_png(sprite)


def _draw_scene(item: tuple[str, Sequence[str]], *, seed: int, size: int) -> bytes:
    return encode_png(draw_scene(Scene.sample(seed, *item), size))


def _check_label_file_is_outside(out: Path, labels: SceneLabels) -> None:
    # With --force the drawn dataset would replace the dataset that the labels come from.
    if labels.source is not None and labels.source.resolve().is_relative_to(out.resolve()):
        raise GanportError(
            str(out),
            "a path that does not contain the label file",
            f"{labels.source.name} inside it" if out.is_dir() else "the label file",
            "Choose another name.",
        )
