"""Glow: inverse, likelihood and config."""

import math
from dataclasses import replace

import pytest
import torch

from ganport_models import Flow, NetworkConfig, NetworkError, build_generator
from ganport_models.flows import ActNorm
from ganport_models.generators.glow import to_bin_centers

CONFIG = NetworkConfig(16, 3, 6, 1, 1, num_levels=2, num_blocks=2)


def glow(config: NetworkConfig = CONFIG, dtype: torch.dtype = torch.float32) -> Flow:
    torch.manual_seed(0)
    network = build_generator("glow", config)
    assert isinstance(network, Flow)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    for part in network.modules():
        if isinstance(part, ActNorm):
            part.initialized.fill_(1)
    return network.to(dtype).eval()


def sample_images(count: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    levels = torch.randint(0, 256, (count, 3, 16, 16)).to(dtype)
    return levels / 127.5 - 1


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_glow_inverts_encode(dtype: torch.dtype, tolerance: float) -> None:
    flow, images = glow(dtype=dtype), sample_images(4, dtype)
    condition = torch.eye(3, dtype=dtype)[[0, 1, 2, 0]]
    again = flow(flow.encode(images, condition), condition)
    # The encoder maps each level to its bin center.
    torch.testing.assert_close(again, 2 * to_bin_centers(images) - 1, atol=tolerance, rtol=0)


def test_glow_likelihood_matches_jacobian() -> None:
    flow = glow(
        replace(CONFIG, resolution=16, num_levels=1, num_blocks=1, base_channels=2), torch.float64
    )
    pixels = torch.rand(1, 3, 16, 16, dtype=torch.float64) * 0.8 + 0.1
    condition = torch.eye(3, dtype=torch.float64)[:1]
    z, found = flow.likelihood(pixels, condition)
    jacobian = torch.autograd.functional.jacobian(
        lambda flat: flow.likelihood(flat, condition)[0], pixels
    ).reshape(768, 768)
    prior = -0.5 * (z.square() + math.log(2 * math.pi)).sum()
    expected = prior + torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(found[0], expected)


def test_to_bin_centers_maps_levels_to_bin_centers() -> None:
    images = torch.tensor([-1.0, 1.0, 127 / 127.5 - 1])
    torch.testing.assert_close(to_bin_centers(images) * 256, torch.tensor([0.5, 255.5, 127.5]))


def test_glow_without_a_condition_generates_images() -> None:
    flow = glow(replace(CONFIG, condition_size=0))
    image = flow(torch.randn(2, *flow.z_shape), torch.zeros(2, 0))
    assert image.shape == (2, 3, 16, 16)


def test_glow_too_many_levels_raise() -> None:
    with pytest.raises(NetworkError, match=r"num_levels: expected at most 4 at 16 x 16"):
        build_generator("glow", replace(CONFIG, num_levels=5))


def test_glow_channels_match_report() -> None:
    with torch.device("meta"):
        network = build_generator(
            "glow", NetworkConfig(64, 24, 512, 1, 1, num_levels=4, num_blocks=6)
        )
    kinds = [name for name, _ in network.named_modules() if name.endswith("coupling")]
    assert len(kinds) == 4 * 6
    weights = network.state_dict()
    # 12, 24, 48 and 96 channels from level to level; half of them and 4, 16, 64, 256 planes in.
    for level, inputs in enumerate((6 + 4, 12 + 16, 24 + 64, 48 + 256)):
        name = "flow." + "next." * level + "steps.0.coupling.first.weight"
        assert tuple(weights[name].shape) == (512, inputs, 3, 3)
