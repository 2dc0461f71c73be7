"""The page of a score: what goes on it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture of the page, under a title, with a note on what it shows."""

    title: str
    note: str
    picture: Image.Image
