import numpy as np
import pytest

from ganport_train.evaluation.metrics.grain import energies, grain_metrics, ratios


def board(levels: int, side: int = 8) -> np.ndarray:
    """Return two checkerboard images of 128 plus and minus `levels`."""
    signs = 1 - 2 * (np.indices((side, side)).sum(axis=0) % 2)
    image = np.repeat((128 + levels * signs)[:, :, None], 3, axis=2)
    return np.stack([image, image]).astype(np.uint8)


def test_energies_of_a_checkerboard_follow_its_levels() -> None:
    assert energies(board(10)) == pytest.approx({"checker": 40, "octave": 10})


def test_energies_of_a_gradient_are_0() -> None:
    rows, columns = np.indices((9, 9))
    gradient = np.repeat((3 * rows + 5 * columns)[None, :, :, None], 3, axis=3).astype(np.uint8)
    assert energies(gradient) == {"checker": 0, "octave": 0}


def test_energies_of_stripes_are_only_in_the_top_octave() -> None:
    stripes = np.zeros((1, 8, 8, 3), np.uint8)
    stripes[:, :, ::2] = 20
    assert energies(stripes) == pytest.approx({"checker": 0, "octave": 10})


def test_energies_of_several_blocks_weigh_images_equally() -> None:
    images = np.concatenate([np.zeros((600, 8, 8, 3), np.uint8), board(10)])
    assert energies(images)["checker"] == pytest.approx(40 * 2 / 602)


def test_ratios_to_an_energy_of_0_are_1() -> None:
    assert ratios(board(5), energies(board(10))) == {"checker": 0.5, "octave": 0.5}
    assert ratios(board(5), {"checker": 0.0}) == {"checker": 1.0}


def test_grain_metrics_are_relative_to_real_images() -> None:
    metrics = grain_metrics([board(5), board(10)], board(10))
    assert (metrics["grain_checker"].value, metrics["grain_octave"].value) == (0.75, 0.75)
    assert metrics["grain_checker"].real == 1
