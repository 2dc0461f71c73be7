"""Glow as a whole: exact both ways, and a likelihood that is one."""

import math
from dataclasses import replace

import pytest
import torch

from ganport_models import Flow, NetworkConfig, NetworkError, build_generator
from ganport_models.flows.actnorm import ActNorm
from ganport_models.generators.glow import to_centres

SHAPE = NetworkConfig(16, 3, 6, 1, 1, num_levels=2, num_blocks=2)


def glow(config: NetworkConfig = SHAPE, dtype: torch.dtype = torch.float32) -> Flow:
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


def pictures(count: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    levels = torch.randint(0, 256, (count, 3, 16, 16)).to(dtype)
    return levels / 127.5 - 1


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_a_picture_comes_back_from_its_noise(dtype: torch.dtype, most: float) -> None:
    flow, images = glow(dtype=dtype), pictures(4, dtype)
    condition = torch.eye(3, dtype=dtype)[[0, 1, 2, 0]]
    again = flow(flow.encode(images, condition), condition)
    # Encoded at the centres of 256 bins, read back on the scale of levels.
    torch.testing.assert_close(again, 2 * to_centres(images) - 1, atol=most, rtol=0)


def test_the_likelihood_of_pixels_is_that_of_their_noise_and_the_jacobian() -> None:
    flow = glow(
        replace(SHAPE, resolution=16, num_levels=1, num_blocks=1, base_channels=2), torch.float64
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


def test_levels_lie_at_the_centres_of_their_bins() -> None:
    images = torch.tensor([-1.0, 1.0, 127 / 127.5 - 1])
    torch.testing.assert_close(to_centres(images) * 256, torch.tensor([0.5, 255.5, 127.5]))


def test_glow_without_a_condition() -> None:
    flow = glow(replace(SHAPE, condition_size=0))
    image = flow(torch.randn(2, *flow.z_shape), torch.zeros(2, 0))
    assert image.shape == (2, 3, 16, 16)


def test_more_levels_than_the_picture_has() -> None:
    with pytest.raises(NetworkError, match=r"levels: expected at most 4 at this resolution"):
        build_generator("glow", replace(SHAPE, num_levels=5))


def test_the_report_s_glow_has_its_channels() -> None:
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
