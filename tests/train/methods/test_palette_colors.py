"""The colors that a palette network starts with."""

from __future__ import annotations

import numpy as np
import torch

from ganport_train.methods.adversarial import frequent_colors


def test_frequent_colors_are_sorted_by_frequency_and_premultiplied() -> None:
    images = np.zeros((4, 8, 8, 4), np.uint8)
    images[:3, :, :3] = 255, 0, 51, 255
    images[:3, 0, 3] = 0, 255, 0, 255
    images[3] = 9, 9, 9, 9  # not among the rows
    colors = frequent_colors(images, np.arange(3), 48)
    expected = [[-1, -1, -1, -1], [1, -1, -0.6, 1], [-1, 1, -1, 1]]
    torch.testing.assert_close(colors, torch.tensor(expected, dtype=torch.float32))
    assert torch.equal(frequent_colors(images, np.arange(3), 2), colors[:2])
