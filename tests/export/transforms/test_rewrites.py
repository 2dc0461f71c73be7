import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_export import Interface, export
from ganport_export.transforms.rewrites import Rewritten, rewrite


class PerSample(nn.Module):
    """StyleGAN2's fused form: one convolution whose groups are the samples of the batch."""

    def __init__(self, *, transposed: bool, kernel: int = 3, padding: int = 1) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.weight = nn.Parameter(torch.randn(3, 2, kernel, kernel) / kernel)
        self.transposed = transposed
        self.padding = padding

    def forward(self, z: Tensor) -> Tensor:
        batch = z.shape[0]
        style = z[:, :2]
        x = z[:, 2:].reshape(1, batch * 2, 4, 4)
        weight = self.weight[None] * style[:, None, :, None, None]
        if self.transposed:
            weight = weight.transpose(1, 2).reshape(
                batch * 2, *weight.shape[1:2], *weight.shape[3:]
            )
            x = F.conv_transpose2d(x, weight, stride=2, padding=self.padding, groups=batch)
        else:
            weight = weight.reshape(batch * 3, *weight.shape[2:])
            x = F.conv2d(x, weight, padding=self.padding, groups=batch)
        return torch.tanh(x.reshape(batch, 3, *x.shape[2:]))


class Attention(nn.Module):
    """Attention over (N, length, channels), which ONNX has for four dimensions only."""

    def forward(self, z: Tensor) -> Tensor:
        rows = z[:, :48].reshape(-1, 16, 3)
        mixed = F.scaled_dot_product_attention(rows, rows, rows)
        return torch.tanh(mixed.transpose(1, 2).reshape(-1, 3, 4, 4))


NETWORKS = {
    "conv": PerSample(transposed=False),
    "valid conv": PerSample(transposed=False, padding=0),
    "even conv": PerSample(transposed=False, kernel=2, padding=1),
    "transposed": PerSample(transposed=True, padding=0),
    "padded transposed": PerSample(transposed=True, padding=1),
    "even transposed": PerSample(transposed=True, kernel=4, padding=1),
    "attention": Attention(),
}


def describe(network: nn.Module) -> Interface:
    z = torch.zeros(1, 48 if isinstance(network, Attention) else 34)
    return Interface("x", (z.shape[1],), tuple(network(z).shape[2:]))


@pytest.mark.parametrize("name", NETWORKS)
def test_rewritten_call_gives_the_same_values(name):
    network = NETWORKS[name].eval()
    interface = describe(network)
    rewritten = rewrite(network, interface)
    assert isinstance(rewritten, Rewritten)
    z = torch.randn(3, *interface.z)
    with torch.no_grad():
        assert torch.allclose(rewritten(z), network(z), atol=1e-5)


@pytest.mark.parametrize(
    "name", ["conv", pytest.param("padded transposed", marks=pytest.mark.long), "attention"]
)
def test_export_of_a_rewritten_call_passes_the_checks(name, tmp_path):
    """Batches of 1, 2, 3 and 7 agree, so no graph holds the batch as a number of groups."""
    network = NETWORKS[name].eval()
    format = "bundle" if name == "conv" else "onnx"
    report = export(network, describe(network), tmp_path / "x.ganport", format=format)
    assert np.isfinite(report.manifest.parity["limit"])


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_network_with_ordinary_groups_is_not_rewritten(groups):
    network = nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1, groups=groups), nn.Conv2d(4, 3, 1)).eval()
    assert rewrite(network, Interface("x", (4, 4, 4), (4, 4))) is network
