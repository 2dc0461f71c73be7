"""Operators and norms on which exporters stumble: resizing, old-style norms on shared modules."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, spectral_norm, weight_norm

from ganport_export import Interface, export
from ganport_export.checks.preflight import prepare
from ganport_runtime import Generator


class Resizing(nn.Module):
    """Resizes in every way: align_corners on and off, up and down, scales that are no integers."""

    def forward(self, z: Tensor) -> Tensor:
        small = F.interpolate(z, scale_factor=1.4, mode="bilinear", align_corners=False)
        same = F.interpolate(small, size=(9, 7), mode="bilinear", align_corners=True)
        down = F.interpolate(same, scale_factor=0.6, mode="bilinear", align_corners=True)
        near = F.interpolate(down, size=(9, 7), mode="nearest")
        cubic = F.interpolate(z, size=(9, 7), mode="bicubic", align_corners=True)
        return torch.tanh(same + near + cubic)


def test_export_of_resizes_at_odd_scales_passes_the_checks(tmp_path):
    interface = Interface("resize", (3, 5, 5), (9, 7))
    report = export(Resizing().eval(), interface, tmp_path / "x.ganport")
    generator = Generator.load(report.path, device="cpu")
    with torch.no_grad():
        exact = Resizing()(torch.from_numpy(generator.noise([1, 2]))).permute(0, 2, 3, 1).numpy()
    assert np.abs(generator.generate(seed=1, count=2) - (exact + 1) * 127.5).max() <= 0.51


class Shared(nn.Module):
    """Calls one layer twice, and registers it under two names."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.first = layer
        self.second = layer
        self.last = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.last(self.second(torch.relu(self.first(z)))))


NORMS = {
    "old weight_norm": (weight_norm, 1),
    "old spectral_norm": (spectral_norm, 1),
    "new weight_norm": (parametrizations.weight_norm, 1),
    "new spectral_norm": (parametrizations.spectral_norm, 1),
    "both": (lambda layer: parametrizations.spectral_norm(parametrizations.weight_norm(layer)), 1),
}


def normed(name: str) -> nn.Module:
    """Return a network with a shared layer under a norm, after some steps in training mode."""
    with torch.random.fork_rng(), warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", ".*_norm.* is deprecated", FutureWarning)
        torch.manual_seed(0)
        network = Shared(NORMS[name][0](nn.Conv2d(3, 3, 3, padding=1)))
        for _ in range(3):
            network(torch.randn(2, 3, 6, 6))
    return network.eval()


@pytest.mark.parametrize("name", NORMS)
def test_prepare_folds_the_norm_of_a_shared_module_once(name):
    network = normed(name)
    interface = Interface("shared", (3, 6, 6), (6, 6))
    prepared = prepare(network, interface, "uint8")
    assert prepared.folded and set(prepared.folded) == {"first.weight"}
    with torch.no_grad():
        expected = network(torch.from_numpy(prepared.batches[2].inputs["z"])).numpy()
    assert np.abs(prepared.reference[2] - expected).max() < 1e-5
    assert not [key for key in prepared.network.state_dict() if "_orig" in key or "_g" in key]


@pytest.mark.parametrize(
    "name", [pytest.param("old weight_norm", marks=pytest.mark.long), "old spectral_norm"]
)
def test_export_of_an_old_norm_on_a_shared_module_passes_the_checks(name, tmp_path):
    interface = Interface("shared", (3, 6, 6), (6, 6))
    report = export(normed(name), interface, tmp_path / "x.ganport", format="onnx")
    assert "first.weight" in report.folded


class Traced(nn.Module):
    """Bakes the batch into a trace: `int` makes a constant of it."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(z).reshape(int(z.shape[0]), 3, 4, 4)


def test_batch_baked_into_a_trace_is_refused_and_onnx_ports_it(tmp_path):
    interface = Interface("traced", (48,), (4, 4))
    with pytest.raises(Exception, match=r"generator\.ts\.pt.*runs a batch of 1.*z\.shape\[0\]"):
        export(Traced().eval(), interface, tmp_path / "x.ganport", format="torchscript")
    assert export(Traced().eval(), interface, tmp_path / "x.ganport", format="onnx").opset == 18
