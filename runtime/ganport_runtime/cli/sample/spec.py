"""Specifications of the images on a page: how to generate each of them again."""

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
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.values import sanitize

_MAX_NAME = 24


class Reproducible(Protocol):
    """An image on a page that can be generated again."""

    def to_metadata(self, conditions: Conditions) -> dict[str, Any]:
        """Return how to generate the image, as plain JSON."""
        ...


@dataclass(frozen=True)
class ImageSpec:
    """An image from a request and a seed, or from noise between two seeds.

    `t` is the position between them: 0 is `seed`, 1 is `to_seed`.
    """

    request: dict[str, Any]
    seed: int
    to_seed: int | None = None
    t: float = 0.0

    def to_metadata(self, conditions: Conditions) -> dict[str, Any]:
        """Return seed and condition. Seeds are text: JSON numbers are exact only up to 2^53."""
        condition = conditions.complete(self.request)
        if self.to_seed is None:
            return {"seed": str(self.seed), "condition": condition}
        seeds = [str(self.seed), str(self.to_seed)]
        return {"seeds": seeds, "share": self.t, "condition": condition}


@dataclass(frozen=True)
class SourceImage:
    """An image file from the command line."""

    name: str
    digest: str
    """SHA-256 of the file."""
    is_cropped: bool
    """Whether the center was cropped; otherwise the whole image was resized."""
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)
    """(H, W, C)."""

    @classmethod
    def read(cls, path: Path, form: ImageFormat, *, crop: bool) -> SourceImage:
        """Return the image at `path`, fitted to a format; raises `RequestError`."""
        data = read_image_file(path)
        pixels = decode_image(data, path, form, crop=crop)
        return cls(sanitize(path.name, _MAX_NAME), sha256_of(data), crop, pixels)


@dataclass(frozen=True)
class EditSpec:
    """An image made from a source image.

    Without request it is the source image itself. `t` is the position between the noise of `source`
    and of `to_source`. `directions` are multiples of latent directions that were added.
    """

    source: SourceImage
    request: dict[str, Any] | None = None
    to_source: SourceImage | None = None
    t: float = 0.0
    directions: Mapping[str, float] = field(default_factory=dict)

    def to_metadata(self, conditions: Conditions) -> dict[str, Any]:
        """Return sources, by the SHA-256 of their files, directions and condition."""
        metadata: dict[str, Any] = {"image": self.source.digest}
        if self.to_source:
            metadata = {"images": [self.source.digest, self.to_source.digest], "share": self.t}
        if not self.source.is_cropped:
            metadata["frame"] = "whole"
        if self.directions:
            metadata["directions"] = dict(self.directions)
        if self.request is not None:
            metadata["condition"] = conditions.complete(self.request)
        return metadata
