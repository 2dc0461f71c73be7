"""The camera: where it stands and what its rays see."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from ganport_train.synthetic.shapes.camera import Camera
from ganport_train.synthetic.shapes.vectors import dot


@pytest.fixture
def camera() -> Camera:
    return Camera.of(Random(3))


def test_its_axes_are_at_right_angles_and_level(camera: Camera) -> None:
    assert camera.axes @ camera.axes.T == pytest.approx(np.eye(3), abs=1e-6)
    assert camera.axes[0, 2] == pytest.approx(0, abs=1e-6)
    assert camera.axes[1, 2] > 0


def test_the_middle_of_the_picture_is_straight_ahead(camera: Camera) -> None:
    rays = camera.rays(3, range(3))
    assert rays[:, 4] == pytest.approx(camera.axes[2], abs=1e-6)
    assert dot(rays, rays) == pytest.approx(1, abs=1e-6)
    up_left = camera.axes @ rays[:, 0]
    assert up_left[0] < 0 < up_left[1]


def test_bands_of_rows_are_the_whole(camera: Camera) -> None:
    bands = [camera.rays(6, range(4)), camera.rays(6, range(4, 6))]
    assert (np.concatenate(bands, axis=1) == camera.rays(6, range(6))).all()
