from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images.sheet import PAPER, make_sheet

IMAGES = np.zeros((6, 16, 12, 3), np.uint8)
IMAGES[..., 0] = (np.arange(6) * 40 + 10)[:, None, None]  # reds: text is gray


def found(page: Image.Image, level: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the pixels of one red."""
    rows, columns = np.nonzero((np.asarray(page) == (level, 0, 0)).all(axis=2))
    left, top = int(columns.min()), int(rows.min())
    return left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1


def test_sheet_holds_every_image_in_order() -> None:
    page = make_sheet(IMAGES, 3, scale=2)
    places = [found(page, index * 40 + 10) for index in range(6)]
    assert all(place[2:] == (24, 32) for place in places)
    assert [place[1] for place in places[:3]] == [places[0][1]] * 3
    assert places[0][0] < places[1][0] < places[2][0]
    assert places[3][0] == places[0][0]
    assert places[3][1] >= places[0][1] + 32


def test_images_do_not_overlap_text() -> None:
    labels = ["a rather long label", "b", "c"]
    page = make_sheet(
        IMAGES, 3, row_labels=["one", "two"], column_labels=labels, captions=labels * 2,
        title="a title much wider than the images of this page",
    )  # fmt: skip
    bare = make_sheet(IMAGES, 3)
    assert page.width > bare.width
    assert page.height > bare.height
    for index in range(6):
        left, top, width, height = found(page, index * 40 + 10)
        assert (width, height) == (12, 16)
        block = np.asarray(page)[top : top + height, left : left + width]
        assert (block == (index * 40 + 10, 0, 0)).all()


def test_text_stays_on_the_page() -> None:
    page = make_sheet(
        IMAGES, 3, row_labels=["a long name of a row"] * 2, captions=["word " * 6] * 6
    )
    edges = np.asarray(page)
    for edge in (edges[0], edges[-1], edges[:, 0], edges[:, -1]):
        assert (edge == PAPER).all()


def words_above(page: Image.Image, row: int) -> int:
    """Lines of pixels with words above a row of the page."""
    return int((np.asarray(page)[:row] != PAPER).any(axis=(1, 2)).sum())


def test_long_title_wraps() -> None:
    short, long = (make_sheet(IMAGES, 3, title="word " * count) for count in (2, 40))
    assert long.width <= 16 * 11 + 32
    assert long.height > short.height
    tops = [found(page, 10)[1] for page in (short, long)]
    assert words_above(long, tops[1]) > 4 * words_above(short, tops[0])


def test_footer_is_below_the_images() -> None:
    bare, with_footer = make_sheet(IMAGES, 3), make_sheet(IMAGES, 3, footer="half way")
    pixels = np.asarray(with_footer)
    end = bare.height - 16
    assert np.array_equal(pixels[:end, : bare.width], np.asarray(bare)[:end])
    assert (pixels[end:] != PAPER).any()
    assert (pixels[-1] == PAPER).all()


def test_axes_names_are_drawn() -> None:
    labels = {"row_labels": ["1", "2"], "column_labels": ["a", "b", "c"]}
    plain = make_sheet(IMAGES, 3, **labels)  # type: ignore[arg-type]
    named = make_sheet(IMAGES, 3, **labels, axes=("lightness", "hue"))  # type: ignore[arg-type]
    assert found(named, 10)[0] > found(plain, 10)[0]  # room for the longer word
    assert found(named, 10)[1] > found(plain, 10)[1]
    pixels = np.asarray(named)
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == PAPER).all()


def test_wide_caption_is_shortened() -> None:
    page = make_sheet(IMAGES, 3, captions=["incomprehensibilities"] * 6)
    assert page.width == make_sheet(IMAGES, 3).width


def test_last_row_may_be_incomplete() -> None:
    page = make_sheet(IMAGES[:4], 3)
    assert found(page, 130)[2:] == (12, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": 0}, "columns and scale of at least 1"),
        ({"columns": 3, "scale": 0}, "columns and scale of at least 1"),
        ({"columns": 3, "row_labels": ["a"]}, "2 row labels; found 1"),
        ({"columns": 3, "column_labels": ["a"]}, "3 column labels; found 1"),
        ({"columns": 3, "captions": ["a"]}, "6 captions; found 1"),
        ({"columns": 6, "scale": 999}, "at most 16384 pixels a side"),
    ],
)
def test_mismatched_arguments_are_a_request_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        make_sheet(IMAGES, **arguments)


@pytest.mark.parametrize("images", [IMAGES[:0], IMAGES[0], IMAGES.astype(np.float32)])
def test_other_arrays_are_a_request_error(images: Any) -> None:
    with pytest.raises(RequestError, match=r"uint8 images \(N, H, W, 1, 3 or 4\)"):
        make_sheet(images, 1)


def test_transparent_images_lie_over_a_checkerboard() -> None:
    sprites = np.zeros((2, 16, 12, 4), np.uint8)
    sprites[:, 4:8, 4:8] = (255, 0, 0, 255)
    page = np.asarray(make_sheet(sprites, 2, scale=2))
    assert page.shape[2] == 3
    assert (page == (255, 0, 0)).all(axis=2).sum() == 2 * 8 * 8
    grays = page[(page[..., 0] == page[..., 1]) & (page[..., 0] != 255)]
    assert len(grays) == 2 * (32 * 24 - 64)


def test_sheet_over_a_color_has_no_transparency() -> None:
    sprites = np.zeros((2, 16, 12, 4), np.uint8)
    page = np.asarray(make_sheet(sprites, 2, background="#10a020"))
    assert (page == (16, 160, 32)).all(axis=2).sum() == 2 * 16 * 12


def test_sheet_without_background_keeps_transparency() -> None:
    sprites = np.zeros((2, 16, 12, 4), np.uint8)
    sprites[..., :] = (9, 8, 7, 100)
    page = np.asarray(make_sheet(sprites, 2, captions=["a", "b"], background="none"))
    assert page.shape[2] == 4
    assert (page == (9, 8, 7, 100)).all(axis=2).sum() == 2 * 16 * 12
    assert page[0, 0, 3] == 0
    assert page[..., 3].max() == 255  # the captions


def test_gray_images_are_shown_in_gray() -> None:
    page = np.asarray(make_sheet(np.full((2, 16, 12, 1), 77, np.uint8), 2))
    assert (page == 77).all(axis=2).sum() == 2 * 16 * 12


def test_unknown_background_of_a_sheet_is_a_request_error() -> None:
    with pytest.raises(RequestError, match="checker, none or #rrggbb"):
        make_sheet(IMAGES, 3, background="white")
