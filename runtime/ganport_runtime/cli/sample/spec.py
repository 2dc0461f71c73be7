"""Pictures of a page, each with how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_runtime.images.decode import decode_image, read_image_file
from ganport_runtime.values import sanitize


class Made(Protocol):
    """What stands on a page and can be made again."""

    def recipe(self, conditions: Conditions) -> dict[str, Any]:
        """How to make it again, as plain JSON."""
        ...


@dataclass(frozen=True)
class Shot:
    """One picture of a page: its request and seed, or `share` of the way `towards` another."""

    request: dict[str, Any]
    seed: int
    towards: int | None = None
    share: float = 0.0

    def recipe(self, conditions: Conditions) -> dict[str, Any]:
        """Seeds are text, since JSON numbers are safe to 2^53 only."""
        condition = conditions.complete(self.request)
        if self.towards is None:
            return {"seed": str(self.seed), "condition": condition}
        seeds = [str(self.seed), str(self.towards)]
        return {"seeds": seeds, "share": self.share, "condition": condition}


@dataclass(frozen=True)
class Source:
    """A picture file that was given: what to call it, its digest, whether the `whole` frame was
    squeezed, and its pixels (H, W, 3)."""

    name: str
    digest: str
    whole: bool
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)

    @classmethod
    def read(cls, path: Path, size: tuple[int, int], whole: bool) -> Source:
        """The picture at `path`, made to fit `size` (height, width); raises `RequestError`."""
        data = read_image_file(path)
        pixels = decode_image(data, path, size, crop=not whole)
        return cls(sanitize(path.name, 24), sha256_of(data), whole, pixels)


@dataclass(frozen=True)
class Reshot:
    """One picture of a page made from a source: as it came, under a request, `share` of the way
    `towards` another, or with multiples of latent directions added."""

    source: Source
    request: dict[str, Any] | None = None
    towards: Source | None = None
    share: float = 0.0
    directions: Mapping[str, float] = field(default_factory=dict)

    def recipe(self, conditions: Conditions) -> dict[str, Any]:
        """Sources are told by the SHA-256 of their files."""
        made: dict[str, Any] = {"image": self.source.digest}
        if self.towards:
            made = {"images": [self.source.digest, self.towards.digest], "share": self.share}
        if self.source.whole:
            made["frame"] = "whole"
        if self.directions:
            made["directions"] = dict(self.directions)
        if self.request is not None:
            made["condition"] = conditions.complete(self.request)
        return made
