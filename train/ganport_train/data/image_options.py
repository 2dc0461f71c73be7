"""The image format that a load asks for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ganport_runtime.images.format import (
    ALPHA_LEVELS,
    ImageFormat,
    Resolution,
    resolution_to_json,
    to_size,
)

AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class ImageOptions:
    """The size of the images, and their mode, scaling and palette, each of which may be `AUTO`.

    `pixelated` is a boolean, `palette` a number of colors or `NONE`, unless they are `AUTO`.
    """

    resolution: Resolution
    mode: str = AUTO
    pixelated: bool | str = AUTO
    palette: int | str = AUTO

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return to_size(self.resolution)

    def to_json(self) -> dict[str, Any]:
        """Return the options as plain JSON, a key of the cache."""
        return asdict(self) | {"resolution": resolution_to_json(self.resolution)}

    def allows(self, image: ImageFormat) -> bool:
        """Return whether images that were loaded with `AUTO` for all options fit these options."""
        return all(getattr(self, name) in (AUTO, value) for name, value in found_options(image))


def found_options(image: ImageFormat) -> list[tuple[str, Any]]:
    """Return each option that may be `AUTO`, with its value for images of a format."""
    palette = len(image.palette) or NONE
    return [("mode", image.mode), ("pixelated", image.pixelated), ("palette", palette)]


def describe_image(image: ImageFormat) -> str:
    """Return one line about a format: `48 x 48 rgba, pixelated, 24 colors, alpha 0 or 255`."""
    parts = [f"{image.height} x {image.width} {image.mode}"]
    if image.pixelated:
        parts.append("pixelated")
    if image.palette:
        parts.append(f"{len(image.palette)} colors")
    if image.alpha_levels == ALPHA_LEVELS[0]:
        parts.append("alpha 0 or 255")
    return ", ".join(parts)
