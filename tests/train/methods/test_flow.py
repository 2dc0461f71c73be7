import math

import numpy as np
import pytest
import torch

from ganport_models import Flow, NetworkConfig, build_generator
from ganport_train.config.sections import OptimizerOptions
from ganport_train.methods.flow import FlowMethod, bits_per_dimension
from ganport_train.methods.method import Batch


def test_bits_of_uniform_noise_are_8() -> None:
    assert bits_per_dimension(torch.zeros(4), 12).item() == pytest.approx(8.0)


def test_bits_of_density_2_are_7() -> None:
    likelihood = torch.full((4,), 12 * math.log(2))
    assert bits_per_dimension(likelihood, 12).item() == pytest.approx(7.0)


def test_flow_method_lowers_the_bits() -> None:
    torch.manual_seed(0)
    flow = build_generator("glow", NetworkConfig(16, 2, 8, 1, 1, num_levels=2, num_blocks=1))
    assert isinstance(flow, Flow)
    method = FlowMethod(flow, OptimizerOptions(generator_lr=5e-3))
    gray = torch.randn(16, 3, 16, 16).mul(0.1).clamp(-1, 1)
    vectors = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
    bits = [
        float(method.step(Batch(gray, vectors, np.random.default_rng(number)), number)["bits"])
        for number in range(30)
    ]
    assert bits[-1] < bits[0] - 0.2
    assert set(method.networks) == {"generator"}
