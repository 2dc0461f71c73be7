"""Bits per dimension against closed forms, and a flow that learns."""

import math

import numpy as np
import pytest
import torch

from ganport_models import Flow, NetworkConfig, build_generator
from ganport_train.config.sections import OptimizerOptions
from ganport_train.methods.batch import Batch
from ganport_train.methods.flow import Likelihood, bits_per_dimension


def test_uniform_noise_takes_eight_bits() -> None:
    assert bits_per_dimension(torch.zeros(4), 12).item() == pytest.approx(8.0)


def test_a_density_of_two_saves_a_bit() -> None:
    likelihood = torch.full((4,), 12 * math.log(2))
    assert bits_per_dimension(likelihood, 12).item() == pytest.approx(7.0)


def test_a_flow_learns_that_its_pictures_are_grey() -> None:
    torch.manual_seed(0)
    flow = build_generator("glow", NetworkConfig(16, 2, 8, 1, 1, num_levels=2, num_blocks=1))
    assert isinstance(flow, Flow)
    method = Likelihood(flow, OptimizerOptions(generator_lr=5e-3))
    grey = torch.randn(16, 3, 16, 16).mul(0.1).clamp(-1, 1)
    vectors = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
    bits = [
        float(method.step(Batch(grey, vectors, np.random.default_rng(number)), number)["bits"])
        for number in range(30)
    ]
    assert bits[-1] < bits[0] - 0.3
    assert set(method.networks) == {"generator"}
