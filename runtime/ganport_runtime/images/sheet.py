"""Sheets: many pictures on one page, with captions, row and column labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.launch import require
from ganport_runtime.errors import RequestError

if TYPE_CHECKING:
    from PIL import Image, ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

PAPER, INK, QUIET = (255, 255, 255), (28, 28, 32), (96, 96, 104)
MAX_SIDE = 16384
_MARGIN = 16
_LINE = 1.3  # line height over font size


def make_sheet(
    images: NDArray[np.uint8],
    columns: int,
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    captions: Sequence[str] | None = None,
    scale: int = 1,
    title: str | None = None,
    footer: str | None = None,
    axes: tuple[str, str] | None = None,
) -> Image.Image:
    """A page of uint8 (N, H, W, 3) pictures in rows of `columns`, in row-major order.

    `scale` enlarges each picture by whole pixels. Captions stand below their picture and wrap to
    its width, title and footer to that of the page. `axes` names what the row labels and what the
    column labels are. Raises `RequestError` when pictures, columns and labels do not fit together
    or the page would be over 16384 pixels wide or high.
    """
    require("tools", ("PIL",))
    _check(images, columns, row_labels, column_labels, captions, scale)
    page = _Page(
        images, columns, row_labels, column_labels, captions, scale, title or "", footer or "", axes
    )
    return page.draw()


@dataclass
class _Page:
    images: NDArray[np.uint8]
    columns: int
    row_labels: Sequence[str] | None
    column_labels: Sequence[str] | None
    captions: Sequence[str] | None
    scale: int
    title: str
    footer: str
    axes: tuple[str, str] | None

    def __post_init__(self) -> None:
        from PIL import Image, ImageDraw

        self.height, self.width = (length * self.scale for length in self.images.shape[1:3])
        self.rows = -(-len(self.images) // self.columns)
        self.text = max(11, min(18, self.width // 9))
        self.title_text = round(self.text * 1.25)
        self.gap = max(4, self.width // 24)
        self.measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
        self.wrapped = [self._caption(caption) for caption in self.captions or ()]
        self._lay_out()

    def _lay_out(self) -> None:
        lines = max((len(caption) for caption in self.wrapped), default=0)
        self.caption_height = round(lines * self.text * _LINE) + (6 if lines else 0)
        down = (*(self.row_labels or ()), self.axes[0] if self.axes else "")
        widest = max(self._length(label) for label in down)
        self.left = _MARGIN + (widest + 10 if widest else 0)
        # Column labels that are wider than their column stand upright instead of overlapping.
        lengths = [self._length(label) for label in self.column_labels or ()]
        self.upright = max(lengths, default=0) > self.width
        self.head = (max(lengths) if self.upright else self.text * _LINE) + 8 if lengths else 0
        self.step_x = self.width + self.gap
        # Words as wide as the pictures, but for a page too narrow to read them on.
        room = max(self.left + self.columns * self.step_x - self.gap - _MARGIN, 16 * self.text)
        self.title_lines = self._wrap(self.title, room, self.title_text) if self.title else []
        self.footer_lines = self._wrap(self.footer, room, self.text) if self.footer else []
        title = len(self.title_lines) * self.title_text * _LINE + (10 if self.title else 0)
        axis = self.text * _LINE + 4 if self.axes else 0
        self.top = round(_MARGIN + title + axis + self.head)
        self.step_y = self.height + self.caption_height + self.gap

    def draw(self) -> Image.Image:
        from PIL import Image, ImageDraw

        page = Image.new("RGB", self._size(), PAPER)
        pen = ImageDraw.Draw(page)
        for index, pixels in enumerate(self.images):
            x, y = self._corner(index)
            page.paste(self._enlarged(pixels), (x, y))
            for line, words in enumerate(self.wrapped[index] if self.captions else ()):
                at = (x + self.width / 2, y + self.height + 4 + line * self.text * _LINE)
                pen.text(at, words, fill=INK, font=_font(self.text), anchor="ma")
        self._draw_labels(page)
        self._write(pen, self.title_lines, _MARGIN, self.title_text)
        below = self.top + self.rows * self.step_y
        self._write(pen, self.footer_lines, below, self.text)
        return page

    def _write(self, pen: ImageDraw.ImageDraw, lines: list[str], top: float, size: int) -> None:
        for line, words in enumerate(lines):
            at = (_MARGIN, top + line * size * _LINE)
            pen.text(at, words, fill=INK, font=_font(size), anchor="la")

    def _draw_labels(self, page: Image.Image) -> None:
        from PIL import ImageDraw

        pen = ImageDraw.Draw(page)
        for row, label in enumerate(self.row_labels or ()):
            at = (self.left - 10, self.top + row * self.step_y + self.height / 2)
            pen.text(at, label, fill=QUIET, font=_font(self.text), anchor="rm")
        for column, label in enumerate(self.column_labels or ()):
            centre = self.left + column * self.step_x + self.width // 2
            if self.upright:
                strip = self._upright(label)
                page.paste(strip, (centre - strip.width // 2, self.top - 8 - strip.height))
            else:
                at = (centre, self.top - 8)
                pen.text(at, label, fill=QUIET, font=_font(self.text), anchor="md")
        if self.axes:
            down, across = self.axes
            at = (self.left - 10, self.top - 8)
            pen.text(at, down, fill=INK, font=_font(self.text), anchor="rd")
            middle = self.left + (self.columns * self.step_x - self.gap) / 2
            at = (middle, self.top - self.head - 4)
            pen.text(at, across, fill=INK, font=_font(self.text), anchor="md")

    def _size(self) -> tuple[int, int]:
        width = self.left + self.columns * self.step_x - self.gap + _MARGIN
        for lines, size in ((self.title_lines, self.title_text), (self.footer_lines, self.text)):
            longest = max((self._length(line, size) for line in lines), default=0)
            width = max(width, 2 * _MARGIN + longest)
        height = self.top + self.rows * self.step_y - self.gap + _MARGIN
        if self.footer_lines:
            height += round(self.gap + len(self.footer_lines) * self.text * _LINE)
        if max(width, height) > MAX_SIDE:
            raise RequestError(
                "sheet",
                expected=f"a page of at most {MAX_SIDE} pixels a side",
                found=f"{width} x {height}",
                fix="Draw fewer pictures or a smaller scale.",
            )
        return width, height

    def _corner(self, index: int) -> tuple[int, int]:
        row, column = divmod(index, self.columns)
        return self.left + column * self.step_x, self.top + row * self.step_y

    def _enlarged(self, pixels: NDArray[np.uint8]) -> Image.Image:
        from PIL import Image

        picture = Image.fromarray(pixels)
        if self.scale == 1:
            return picture
        return picture.resize((self.width, self.height), Image.Resampling.NEAREST)

    def _upright(self, label: str) -> Image.Image:
        from PIL import Image, ImageDraw

        strip = Image.new("RGB", (self._length(label) + 1, round(self.text * _LINE)), PAPER)
        at = (0, strip.height / 2)
        ImageDraw.Draw(strip).text(at, label, fill=QUIET, font=_font(self.text), anchor="lm")
        return strip.transpose(Image.Transpose.ROTATE_90)

    def _caption(self, caption: str) -> list[str]:
        lines = self._wrap(caption, self.width + self.gap - 2, self.text)
        return [self._shortened(line) for line in lines]

    def _wrap(self, text: str, room: int, size: int) -> list[str]:
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self._length(longer, size) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _shortened(self, line: str) -> str:
        if self._length(line) <= self.width + self.gap - 2:
            return line
        while line and self._length(line + "…") > self.width:
            line = line[:-1]
        return line + "…"

    def _length(self, words: str, size: int | None = None) -> int:
        return round(self.measure.textlength(words, font=_font(size or self.text)) + 0.5)


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _check(
    images: NDArray[np.uint8],
    columns: int,
    row_labels: Sequence[str] | None,
    column_labels: Sequence[str] | None,
    captions: Sequence[str] | None,
    scale: int,
) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise _unfit("uint8 pictures (N, H, W, 3)", f"{images.dtype} {images.shape}")
    if columns < 1 or scale < 1:
        raise _unfit("columns and scale of at least 1", f"{columns} and {scale}")
    rows = -(-len(images) // columns)
    for name, labels, count in (
        ("row labels", row_labels, rows),
        ("column labels", column_labels, columns),
        ("captions", captions, len(images)),
    ):
        if labels is not None and len(labels) != count:
            raise _unfit(f"{count} {name}", str(len(labels)))


def _unfit(expected: str, found: str) -> RequestError:
    fix = "Give as many labels as there are rows, columns or pictures."
    return RequestError("sheet", expected=expected, found=found, fix=fix)
