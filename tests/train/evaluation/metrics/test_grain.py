"""Grain of pictures whose finest details are known."""

import numpy as np
import pytest

from ganport_train.evaluation.metrics.grain import checker, energies, octave, ratios


def board(levels: int, side: int = 8) -> np.ndarray:
    """Two pictures of 128 plus and minus so many levels, as on a chess board."""
    signs = 1 - 2 * (np.indices((side, side)).sum(axis=0) % 2)
    picture = np.repeat((128 + levels * signs)[:, :, None], 3, axis=2)
    return np.stack([picture, picture]).astype(np.uint8)


def test_a_checkerboard_has_four_times_its_levels_and_once() -> None:
    assert checker(board(10)) == pytest.approx(40)
    assert octave(board(10)) == pytest.approx(10)


def test_slopes_have_no_grain() -> None:
    rows, columns = np.indices((9, 9))
    slopes = np.repeat((3 * rows + 5 * columns)[None, :, :, None], 3, axis=3).astype(np.uint8)
    assert energies(slopes) == {"checker": 0, "octave": 0}


def test_stripes_are_of_the_top_octave_but_no_checkerboard() -> None:
    stripes = np.zeros((1, 8, 8, 3), np.uint8)
    stripes[:, :, ::2] = 20
    assert checker(stripes) == 0
    assert octave(stripes) == pytest.approx(10)


def test_many_pictures_are_weighed_alike() -> None:
    images = np.concatenate([np.zeros((600, 8, 8, 3), np.uint8), board(10)])
    assert checker(images) == pytest.approx(40 * 2 / 602)


def test_ratios_are_of_real_ones_and_one_where_those_have_none() -> None:
    assert ratios(board(5), energies(board(10))) == {"checker": 0.5, "octave": 0.5}
    assert ratios(board(5), {"checker": 0.0}) == {"checker": 1.0}
