"""A tagged set of drawn faces, with or without attributes."""

from __future__ import annotations

import io
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import product
from pathlib import Path
from random import Random

from ganport_train.synthetic import datasets
from ganport_train.synthetic.datasets import SIZES as SIZES
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR
from ganport_train.synthetic.traits import signed_table, traits_of

_PAIRS = tuple(product(HAIR, EYES))


def face_seed(seed: int, index: int) -> int:
    """Return the seed for `draw_face` of picture `index` in the set of `seed`."""
    return int.from_bytes(blake2b(f"{seed}/{index}".encode(), digest_size=8).digest())


def balanced_labels(seed: int, index: int) -> tuple[str, str]:
    """Return hair and eye label of picture `index`.

    Every 120 pictures hold every pair once, in an order of their own.
    """
    block, place = divmod(index, len(_PAIRS))
    return _order(seed, block)[place]


@lru_cache(maxsize=1)
def _order(seed: int, block: int) -> list[tuple[str, str]]:
    order = list(_PAIRS)
    Random(f"ganport pairs 1/{seed}/{block}").shuffle(order)
    return order


def write_faces(
    out: Path,
    count: int,
    size: int,
    *,
    seed: int = 0,
    attributes: bool = False,
    workers: int = 1,
    replace: bool = False,
    progress: datasets.Progress = iter,
) -> None:
    """Draw `count` faces of `size` pixels into `out`: a zip if it is called so, else a folder.

    Picture i depends on (seed, i) alone. With `attributes` its face has traits by chance, and
    `list_attr_celeba.txt` next to `tags.csv` says which, in CelebA's format. `out` is written by
    `write_dataset`. Raises GanportError for numbers out of range and the errors of `write_dataset`.
    """
    datasets.check_range("count", count, range(1, datasets.MOST + 1))
    datasets.check_range("size", size, datasets.SIZES)
    datasets.check_range("seed", seed, datasets.SEEDS)
    jobs = {f"{index}.png": index for index in range(count)}
    tables = {"tags.csv": _tags(count, seed)}
    if attributes:
        seeds = {name: face_seed(seed, index) for name, index in jobs.items()}
        tables["list_attr_celeba.txt"] = signed_table(seeds).encode()
    draw = partial(_png, seed=seed, size=size, attributes=attributes)
    contents = datasets.DatasetSpec("tagged faces", tables, jobs, draw)
    datasets.write_dataset(out, contents, workers=workers, replace=replace, progress=progress)


def _tags(count: int, seed: int) -> bytes:
    return "".join(f"{i},{_caption(*balanced_labels(seed, i))}\n" for i in range(count)).encode()


def _caption(hair: str, eyes: str) -> str:
    return f"{hair} hair {eyes} eyes"


def _png(index: int, *, seed: int, size: int, attributes: bool) -> bytes:
    own = face_seed(seed, index)
    traits = traits_of(own) if attributes else None
    buffer = io.BytesIO()
    draw_face(own, *balanced_labels(seed, index), size, traits).save(buffer, "PNG")
    return buffer.getvalue()
