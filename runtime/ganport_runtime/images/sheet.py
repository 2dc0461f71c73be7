"""Sheets: many images on one page, with captions, row and column labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError, require_packages
from ganport_runtime.images.background import CHECKER, NONE, check_background, compose
from ganport_runtime.images.encode import to_image
from ganport_runtime.images.format import CHANNELS
from ganport_runtime.images.pixel_art import enlarge

if TYPE_CHECKING:
    from PIL import Image, ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

PAPER, INK, GRAY = (255, 255, 255), (28, 28, 32), (96, 96, 104)
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
    background: str = CHECKER,
) -> Image.Image:
    """Return a page of uint8 (N, H, W, C) images in rows of `columns`, in row-major order.

    `scale` enlarges each image by whole pixels. Captions are below their image and wrap to its
    width; title and footer wrap to the width of the page. `axes` names the row labels and the
    column labels. Images with transparency lie over `background`: "checker" or "#rrggbb"; with
    "none" they and the paper stay transparent. The page is RGB, or RGBA with "none". Raises
    `RequestError` if the numbers of images, columns and labels do not match or the page exceeds
    16384 pixels a side.
    """
    require_packages("tools", ("PIL",))
    check_background(background)
    labels = row_labels, column_labels, captions
    return _SheetRenderer(
        images, columns, *labels, scale, title or "", footer or "", axes, background
    ).render()


@dataclass
class _SheetRenderer:
    images: NDArray[np.uint8]
    columns: int
    row_labels: Sequence[str] | None
    column_labels: Sequence[str] | None
    captions: Sequence[str] | None
    scale: int
    title: str
    footer: str
    axes: tuple[str, str] | None
    background: str

    def __post_init__(self) -> None:
        from PIL import Image, ImageDraw

        self._check()
        self.height, self.width = (length * self.scale for length in self.images.shape[1:3])
        self.rows = -(-len(self.images) // self.columns)
        self.font_size = max(11, min(18, self.width // 9))
        self.title_size = round(self.font_size * 1.25)
        self.gap = max(4, self.width // 24)
        self.measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
        self.wrapped = [self._wrap_caption(caption) for caption in self.captions or ()]
        self._lay_out()

    def _check(self) -> None:
        """Raise `RequestError` if images, columns and labels do not match."""
        fix = "Give one label for each row, column or image."
        images, columns = self.images, self.columns
        is_images = images.dtype == np.uint8 and images.ndim == 4 and len(images)
        if not is_images or images.shape[3] not in CHANNELS.values():
            found = f"{images.dtype} {images.shape}"
            raise RequestError("sheet", "uint8 images (N, H, W, 1, 3 or 4)", found, fix)
        if columns < 1 or self.scale < 1:
            found = f"{columns} and {self.scale}"
            raise RequestError("sheet", "columns and scale of at least 1", found, fix)
        for name, labels, count in (
            ("row labels", self.row_labels, -(-len(images) // columns)),
            ("column labels", self.column_labels, columns),
            ("captions", self.captions, len(images)),
        ):
            if labels is not None and len(labels) != count:
                raise RequestError("sheet", f"{count} {name}", str(len(labels)), fix)

    def _lay_out(self) -> None:
        lines = max((len(caption) for caption in self.wrapped), default=0)
        self.caption_height = round(lines * self.font_size * _LINE) + (6 if lines else 0)
        left_labels = (*(self.row_labels or ()), self.axes[0] if self.axes else "")
        label_width = max(self._text_width(label) for label in left_labels)
        self.left = _MARGIN + (label_width + 10 if label_width else 0)
        # Column labels that are wider than their column are rotated instead of overlapping.
        lengths = [self._text_width(label) for label in self.column_labels or ()]
        self.rotate_labels = max(lengths, default=0) > self.width
        self.head = 0.0
        if lengths:
            self.head = (max(lengths) if self.rotate_labels else self.font_size * _LINE) + 8
        self.step_x = self.width + self.gap
        # Text is as wide as the images, but readable on a narrow page.
        images_width = self.left + self.columns * self.step_x - self.gap - _MARGIN
        room = max(images_width, 16 * self.font_size)
        self.title_lines = self._wrap(self.title, room, self.title_size) if self.title else []
        self.footer_lines = self._wrap(self.footer, room, self.font_size) if self.footer else []
        title = len(self.title_lines) * self.title_size * _LINE + (10 if self.title else 0)
        axis = self.font_size * _LINE + 4 if self.axes else 0
        self.top = round(_MARGIN + title + axis + self.head)
        self.step_y = self.height + self.caption_height + self.gap

    def render(self) -> Image.Image:
        from PIL import Image, ImageDraw

        mode, paper = ("RGBA", (*PAPER, 0)) if self.background == NONE else ("RGB", PAPER)
        page = Image.new(mode, self._page_size(), paper)
        pen = ImageDraw.Draw(page)
        for index, pixels in enumerate(self.images):
            x, y = self._corner(index)
            page.paste(self._enlarge(pixels), (x, y))
            for line, text in enumerate(self.wrapped[index] if self.captions else ()):
                at = (x + self.width / 2, y + self.height + 4 + line * self.font_size * _LINE)
                pen.text(at, text, fill=INK, font=_font(self.font_size), anchor="ma")
        self._draw_row_labels(pen)
        self._draw_column_labels(page, pen)
        self._draw_axes(pen)
        self._draw_lines(pen, self.title_lines, _MARGIN, self.title_size)
        bottom = self.top + self.rows * self.step_y
        self._draw_lines(pen, self.footer_lines, bottom, self.font_size)
        return page

    def _draw_lines(
        self, pen: ImageDraw.ImageDraw, lines: list[str], top: float, size: int
    ) -> None:
        for line, text in enumerate(lines):
            at = (_MARGIN, top + line * size * _LINE)
            pen.text(at, text, fill=INK, font=_font(size), anchor="la")

    def _draw_row_labels(self, pen: ImageDraw.ImageDraw) -> None:
        for row, label in enumerate(self.row_labels or ()):
            at = (self.left - 10, self.top + row * self.step_y + self.height / 2)
            pen.text(at, label, fill=GRAY, font=_font(self.font_size), anchor="rm")

    def _draw_column_labels(self, page: Image.Image, pen: ImageDraw.ImageDraw) -> None:
        for column, label in enumerate(self.column_labels or ()):
            center = self.left + column * self.step_x + self.width // 2
            if self.rotate_labels:
                strip = self._rotated(label)
                page.paste(strip, (center - strip.width // 2, self.top - 8 - strip.height))
            else:
                at = (center, self.top - 8)
                pen.text(at, label, fill=GRAY, font=_font(self.font_size), anchor="md")

    def _draw_axes(self, pen: ImageDraw.ImageDraw) -> None:
        if self.axes:
            rows, columns = self.axes
            at = (self.left - 10, self.top - 8)
            pen.text(at, rows, fill=INK, font=_font(self.font_size), anchor="rd")
            middle = self.left + (self.columns * self.step_x - self.gap) / 2
            center = (middle, self.top - self.head - 4)
            pen.text(center, columns, fill=INK, font=_font(self.font_size), anchor="md")

    def _page_size(self) -> tuple[int, int]:
        width = self.left + self.columns * self.step_x - self.gap + _MARGIN
        sizes = (self.title_lines, self.title_size), (self.footer_lines, self.font_size)
        for lines, size in sizes:
            longest = max((self._text_width(line, size) for line in lines), default=0)
            width = max(width, 2 * _MARGIN + longest)
        height = self.top + self.rows * self.step_y - self.gap + _MARGIN
        if self.footer_lines:
            height += round(self.gap + len(self.footer_lines) * self.font_size * _LINE)
        if max(width, height) > MAX_SIDE:
            raise RequestError(
                "sheet",
                f"a page of at most {MAX_SIDE} pixels a side",
                f"{width} x {height}",
                "Use fewer images or a smaller scale.",
            )
        return width, height

    def _corner(self, index: int) -> tuple[int, int]:
        row, column = divmod(index, self.columns)
        return self.left + column * self.step_x, self.top + row * self.step_y

    def _enlarge(self, pixels: NDArray[np.uint8]) -> Image.Image:
        enlarged = enlarge(pixels, self.scale)
        if self.background == NONE:
            return to_image(enlarged)
        return to_image(compose(enlarged, self.background))

    def _rotated(self, label: str) -> Image.Image:
        from PIL import Image, ImageDraw

        size = (self._text_width(label) + 1, round(self.font_size * _LINE))
        strip = Image.new("RGBA", size, (*PAPER, 0))
        pen, at = ImageDraw.Draw(strip), (0, strip.height / 2)
        pen.text(at, label, fill=GRAY, font=_font(self.font_size), anchor="lm")
        return strip.transpose(Image.Transpose.ROTATE_90)

    def _wrap_caption(self, caption: str) -> list[str]:
        lines = self._wrap(caption, self.width + self.gap - 2, self.font_size)
        return [self._shorten(line) for line in lines]

    def _wrap(self, text: str, room: int, size: int) -> list[str]:
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self._text_width(longer, size) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _shorten(self, line: str) -> str:
        if self._text_width(line) <= self.width + self.gap - 2:
            return line
        while line and self._text_width(line + "…") > self.width:
            line = line[:-1]
        return line + "…"

    def _text_width(self, text: str, size: int | None = None) -> int:
        font = _font(size or self.font_size)
        return round(self.measure.textlength(text, font=font) + 0.5)


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
