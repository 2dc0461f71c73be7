"""What the suite asks of the bundles, and the arrays that commit d7dd1f2 gave: `pixels.npz`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import product
from numpy.typing import NDArray

FILE = product.FIXTURES / "pixels.npz"
EVERY_KIND = {
    "hair": "#ff88cc",
    "sky": [0, 128, 255],
    "eyes": {"blue": 0.25, "green": 0.75},
    "mood": "wild",
    "objects": ["cone", "cube"],
    "face": ["smiling"],
    "age": 0.25,
}


def images(count: int, side: int) -> NDArray[np.uint8]:
    """Return images (count, side, side, 3) in which every value differs from its neighbors."""
    values = np.arange(count * side * side * 3, dtype=np.uint32) * 37 % 251
    return values.astype(np.uint8).reshape(count, side, side, 3)


def opened(bundle: str) -> Any:
    """Load a generator on CPU: the starter, a tiny bundle, or one of the fixtures."""
    place: Path | str = bundle
    if bundle != "starter":
        place = next(p / bundle for p in (product.FIXTURES, product.DATA) if (p / bundle).exists())
    return product.public("ganport_runtime.Generator").load(place, device="cpu")


def _noise(generator: Any) -> NDArray[Any]:
    return generator.noise([11, 12])


CASES: dict[str, tuple[str, Callable[[Any], NDArray[Any]]]] = {
    "starter text": ("starter", lambda g: g.generate("pink hair blue eyes", seed=7)),
    "starter blend": (
        "starter",
        lambda g: g.generate({"hair": {"pink": 0.5, "black": 0.5}}, seed=2**64 - 1),
    ),
    "tiny": ("tiny.ganport", lambda g: g.generate(["pink hair", {}, "green eyes"], seed=2**64 - 1)),
    "tiny cool": ("tiny.ganport", lambda g: g.generate(seeds=[5, 3, 5], temperature=0.5)),
    "tiny float": ("tiny-float.ganport", lambda g: g.generate("dark red hair", seed=42, count=3)),
    "tiny onnx": ("tiny.onnx", lambda g: g.generate("dark red hair", seed=42, count=3)),
    "tiny unconditional": ("tiny-unconditional.onnx", lambda g: g.generate(seed=1, count=3)),
    "tiny every kind": ("tiny-every-kind.onnx", lambda g: g.generate(EVERY_KIND, seed=3, count=2)),
    "tiny noise": ("tiny.ganport", _noise),
    "flow": ("tiny-flow.ganport", lambda g: g.generate(["smiling", {}], seed=9)),
    "flow noise": ("tiny-flow.ganport", _noise),
    "flow encode": ("tiny-flow.ganport", lambda g: g.encode(images(2, 8), ["young", "glasses"])),
    "translate": (
        "tiny-translator.ganport",
        lambda g: g.translate(images(3, 8), ["smiling", {}, "young"]),
    ),
    "trained": ("faces.ganport", lambda g: g.generate("pink hair blue eyes", seed=7, count=3)),
    "trained translate": ("attributes.ganport", lambda g: g.translate(images(2, 16), "Smiling")),
}
"""The bundle of each case, and what is asked of it."""


def record() -> None:
    """Write the arrays of all cases. Done once, by commit d7dd1f2."""
    np.savez_compressed(FILE, **{name: ask(opened(where)) for name, (where, ask) in CASES.items()})


if __name__ == "__main__":
    record()
