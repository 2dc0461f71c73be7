"""The pixel grid of drawn sprites: parts of letters that are painted, outlined and enlarged."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
"""Letters of materials (H, W) as ASCII; 0 is a transparent pixel. `parts.txt` explains them."""

SIDE = 32
"""Pixels of a grid, in each direction."""

_MARGIN = 4  # parts may reach this far out of the grid, where they are cut
_EMPTY, _CLEAR, _LINE = 0, ord("-"), ord("#")
_HEADING = re.compile(r"\[(\S+)\] (\d+) (\d+)( #)?")
# The light stays on the left when a part is mirrored.
_MIRRORED_LIGHT = bytes.maketrans(b"acdfgikprtvxz", b"cafdgkirpvtzx")
# Which of two letters keeps a pixel in the larger size. Lines stay thin, and eyes stay visible.
_RANKS = np.full(256, 3)
_RANKS[[_EMPTY, _LINE]] = 0, 1
_RANKS[list(b"@Wo")] = 4
_VOTE = 8  # more than any rank: the rank decides between letters with equal votes only


@dataclass(frozen=True)
class Part:
    """A part of a sprite at its place in the grid.

    lined: whether a line separates the part from what it covers.
    """

    x: int
    y: int
    codes: Codes
    lined: bool = False

    def mirrored(self) -> Part:
        """Return the part mirrored at the vertical middle of the grid."""
        flipped = np.ascontiguousarray(self.codes[:, ::-1])
        lit = np.frombuffer(flipped.tobytes().translate(_MIRRORED_LIGHT), np.uint8)
        return replace(self, x=SIDE - self.x - flipped.shape[1], codes=lit.reshape(flipped.shape))

    def below(self, row: int) -> Part:
        """Return the part without its pixels above a row of the grid."""
        cut = max(0, row - self.y)
        return replace(self, y=self.y + cut, codes=self.codes[cut:])

    def between(self, left: int, right: int) -> Part:
        """Return the part without its pixels left of column `left` and right of `right`."""
        kept = slice(max(0, left - self.x), max(0, right + 1 - self.x))
        return replace(self, x=max(self.x, left), codes=self.codes[:, kept])


@cache
def load_parts() -> dict[str, Part]:
    """Return the parts of `parts.txt` by name."""
    text = Path(__file__).with_name("parts.txt").read_text("ascii")
    return dict(_parse_part(block.split("\n")) for block in text.strip().split("\n\n")[1:])


def _parse_part(lines: list[str]) -> tuple[str, Part]:
    heading = _HEADING.fullmatch(lines[0])
    assert heading, lines[0]
    rows = [list(line.replace(".", "\0").encode()) for line in lines[1:]]
    name, x, y, lined = heading.groups()
    return name, Part(int(x), int(y), np.array(rows, np.uint8), lined is not None)


class Grid:
    """A grid of SIDE x SIDE pixels that parts are painted on."""

    def __init__(self) -> None:
        side = SIDE + 2 * _MARGIN
        self._codes = np.zeros((side, side), np.uint8)

    def paint(self, part: Part, *, down: int = 0) -> None:
        """Paint a part over the others, `down` pixels below its place."""
        layer = np.zeros_like(self._codes)
        (height, width), top, left = part.codes.shape, part.y + down + _MARGIN, part.x + _MARGIN
        layer[top : top + height, left : left + width] = part.codes
        if part.lined:
            self._codes[_around(layer) & (self._codes != _EMPTY)] = _LINE
        self._codes = np.where(layer == _EMPTY, self._codes, layer)
        self._codes[self._codes == _CLEAR] = _EMPTY

    def codes(self, size: int) -> Codes:
        """Return the outlined grid in `size` x `size` pixels: 32 or 48."""
        inner = self._codes[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        scaled = inner if size == SIDE else _enlarge(inner)
        return np.where(_around(scaled), np.uint8(_LINE), scaled)


def _around(codes: Codes) -> NDArray[np.bool_]:
    """Return the empty pixels above, below, left and right of the others."""
    filled = np.pad(codes != _EMPTY, 1)
    near = filled[:-2, 1:-1] | filled[2:, 1:-1] | filled[1:-1, :-2] | filled[1:-1, 2:]
    around: NDArray[np.bool_] = near & (codes == _EMPTY)
    return around


def _enlarge(codes: Codes) -> Codes:
    """Enlarge by three halves: three times with smooth corners, then every second pixel."""
    height, width = codes.shape
    triple = _scale3x(codes)
    blocks = triple.reshape(height * 3 // 2, 2, width * 3 // 2, 2).swapaxes(1, 2)
    choices = blocks.reshape(*blocks.shape[:2], 4)
    votes = (choices[..., None] == choices[..., None, :]).sum(axis=-1)
    best = (votes * _VOTE + _RANKS[choices]).argmax(axis=-1)
    enlarged: Codes = np.take_along_axis(choices, best[..., None], axis=-1)[..., 0]
    return enlarged


def _scale3x(codes: Codes) -> Codes:
    """Enlarge three times by the rules of AdvMAME3x (A. Mazzoleni, https://www.scale2x.it)."""
    triple = codes.repeat(3, axis=0).repeat(3, axis=1)
    for turn in range(4):  # the rule of the top left corner and of the top, for each side
        turned = np.rot90(codes, turn)
        padded, (height, width) = np.pad(turned, 1, mode="edge"), turned.shape
        a, b, c, d, e, f, _, h, _ = (
            padded[r : r + height, s : s + width] for r in range(3) for s in range(3)
        )
        left, right = (d == b) & (d != h) & (b != f), (b == f) & (b != d) & (f != h)
        view = np.rot90(triple, turn)
        view[::3, ::3] = np.where(left, d, e)
        view[::3, 1::3] = np.where((left & (e != c)) | (right & (e != a)), b, e)
    return triple
