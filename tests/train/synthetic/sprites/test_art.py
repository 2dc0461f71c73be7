"""The grid of sprites: parts, mirroring, cutting, lines, enlargement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganport_train.synthetic.sprites.art import SIDE, Grid, Part, load_parts
from ganport_train.synthetic.sprites.wardrobe import CLASSES, EYES, HAIR_STYLES, HATS, MOUTHS

LETTERS = frozenset(b"#-abc123xyzmndefghpqrijktuvDEW@oB\0")


def part(text: str, x: int = 0, y: int = 0, *, lined: bool = False) -> Part:
    rows = [list(row.replace(".", "\0").encode()) for row in text.split()]
    return Part(x, y, np.array(rows, np.uint8), lined)


def shown(grid: Grid) -> list[str]:
    rows = [bytes(row).decode().replace("\0", ".") for row in grid.codes(SIDE)]
    return [row.rstrip(".") for row in rows if row.strip(".")]


def test_load_parts_has_every_part_of_the_wardrobe() -> None:
    needed = {f"hat/{hat}" for hat in HATS} | {f"eyes/{eyes}" for eyes in EYES}
    needed |= {f"mouth/{mouth}" for mouth in MOUTHS if mouth != "none"}
    needed |= {f"hair/{style}" for style in HAIR_STYLES}
    for kit in CLASSES.values():
        needed |= {f"body/{body}" for body in kit.bodies}
        needed |= {f"weapon/{weapon}" for weapon in kit.weapons}
        needed |= {name for name in (*kit.left, *kit.backs) if name not in ("", "dagger")}
        assert {hat for hat in kit.hats if hat} <= set(HATS)
    assert needed <= set(load_parts())


@pytest.mark.parametrize("name", load_parts())
def test_load_parts_has_known_letters_inside_the_grid(name: str) -> None:
    loaded = load_parts()[name]
    height, width = loaded.codes.shape
    assert set(np.unique(loaded.codes)) <= LETTERS
    assert loaded.x >= 1 and loaded.x + width < SIDE
    assert loaded.y >= 1 and loaded.y + height < SIDE


def test_grid_paints_parts_with_an_outline() -> None:
    grid = Grid()
    grid.paint(part("aa aa", 1, 1))
    assert shown(grid) == [".##", "#aa#", "#aa#", ".##"]


def test_grid_lined_part_draws_a_line_on_what_it_covers() -> None:
    grid = Grid()
    grid.paint(part("aaaaa aaaaa", 1, 1))
    grid.paint(part("n", 3, 1, lined=True), down=-1)
    assert shown(grid) == [".##n##", "#aa#aa#", "#aaaaa#", ".#####"]


def test_grid_dash_clears() -> None:
    grid = Grid()
    grid.paint(part("aaa", 1, 1))
    grid.paint(part("-", 3, 1))
    assert shown(grid) == [".##", "#aa#", ".##"]


def test_part_mirrored_moves_and_keeps_the_light_left() -> None:
    mirrored = part("zyx ..q", 24, 3).mirrored()
    assert (mirrored.x, mirrored.y) == (SIDE - 27, 3)
    assert [bytes(row) for row in mirrored.codes] == [b"zyx", b"q\0\0"]


def test_part_below_and_between_cut() -> None:
    whole = part("abc abc abc", 4, 5)
    below = whole.below(6)
    assert (below.x, below.y, below.codes.shape) == (4, 6, (2, 3))
    middle = whole.between(5, 5)
    assert (middle.x, bytes(middle.codes[0])) == (5, b"b")
    assert whole.below(2).codes.shape == (3, 3)


@given(arrays(np.uint8, (SIDE, SIDE), elements=st.sampled_from([0, 97, 110])))
def test_grid_enlarged_has_the_same_letters(codes: np.ndarray) -> None:
    grid = Grid()
    grid.paint(Part(0, 0, codes))
    large = grid.codes(48)
    assert large.shape == (48, 48)
    assert set(np.unique(large)) <= {*np.unique(codes).tolist(), ord("#"), 0}


def test_grid_enlarged_keeps_a_plain_area() -> None:
    grid = Grid()
    grid.paint(Part(0, 0, np.full((SIDE, SIDE), ord("a"), np.uint8)))
    assert (grid.codes(48) == ord("a")).all()
