"""Invertible layers: inverse and log-determinant against the Jacobian."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ganport_models.flows import (
    ActNorm,
    Coupling,
    InvertibleConv1x1,
    MultiScaleFlow,
    squeeze,
    unsqueeze,
)

PLANES = torch.linspace(-1, 1, 2 * 4 * 2 * 2, dtype=torch.float64).view(2, 4, 2, 2)


class WithPlanes(nn.Module):
    """A layer with fixed condition planes, or without planes."""

    def __init__(self, layer: nn.Module, planes: Tensor | None) -> None:
        super().__init__()
        self.layer = layer
        self.more = () if planes is None else (planes,)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.layer(x, *(plane[: len(x)].to(x.dtype) for plane in self.more))

    def inverse(self, y: Tensor) -> Tensor:
        return self.layer.inverse(y, *(plane[: len(y)].to(y.dtype) for plane in self.more))


LAYERS: dict[str, Callable[[], WithPlanes]] = {
    "actnorm": lambda: WithPlanes(ActNorm(6), None),
    "rotation": lambda: WithPlanes(InvertibleConv1x1(6), None),
    "coupling": lambda: WithPlanes(Coupling(6, 4, 5), PLANES),
    "levels": lambda: WithPlanes(MultiScaleFlow(6, 4, 5, 2, 2), PLANES),
}


def make_layer(name: str, dtype: torch.dtype = torch.float64) -> WithPlanes:
    torch.manual_seed(3)
    layer = LAYERS[name]()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    for part in layer.modules():
        if isinstance(part, ActNorm):
            part.initialized.fill_(1)
    return layer.to(dtype).eval()


# Rounding is 1e-16 in float64 and 6e-8 in float32. An inverse multiplies it by the condition number
# of the layer, tens for these weights, and a network inside it adds a few times more.
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
@pytest.mark.parametrize("name", LAYERS)
def test_layer_inverse_round_trip(name: str, dtype: torch.dtype, tolerance: float) -> None:
    layer = make_layer(name, dtype)
    x = torch.randn(2, 6, 2, 2, dtype=dtype)
    y, _ = layer(x)
    assert not torch.allclose(x, y, atol=1e-3)
    torch.testing.assert_close(layer.inverse(y), x, atol=tolerance, rtol=0)
    torch.testing.assert_close(layer(layer.inverse(x))[0], x, atol=tolerance, rtol=0)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_log_det_matches_jacobian(name: str) -> None:
    layer = make_layer(name)
    x = torch.randn(1, 6, 2, 2, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda flat: layer(flat)[0], x)
    expected = torch.linalg.slogdet(jacobian.reshape(24, 24)).logabsdet
    torch.testing.assert_close(layer(x)[1].reshape(()), expected)


def test_actnorm_initializes_from_first_batch() -> None:
    norm = ActNorm(3)
    first = torch.randn(50, 3, 4, 4) * torch.tensor([1.0, 5.0, 0.2]).view(1, 3, 1, 1) + 7
    seen, _ = norm(first)
    torch.testing.assert_close(seen.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    deviation = seen.std(dim=(0, 2, 3), unbiased=False)
    torch.testing.assert_close(deviation, torch.ones(3), atol=1e-4, rtol=0)
    kept = norm.shift.clone()
    norm(torch.randn(5, 3, 4, 4))
    torch.testing.assert_close(norm.shift, kept)
    assert norm.initialized == 1


def test_actnorm_eval_does_not_initialize() -> None:
    norm = ActNorm(3).eval()
    x = torch.randn(5, 3, 4, 4) + 3
    torch.testing.assert_close(norm(x)[0], x)
    assert norm.initialized == 0


def test_invertible_conv_starts_as_rotation() -> None:
    weight = InvertibleConv1x1(8).weight()
    torch.testing.assert_close(weight @ weight.T, torch.eye(8), atol=1e-5, rtol=0)
    x = torch.randn(2, 8, 3, 3)
    assert InvertibleConv1x1(8)(x)[1].abs() < 1e-4


def test_invertible_conv_caches_inverse_in_eval_only() -> None:
    rotation = InvertibleConv1x1(4)
    assert rotation.inverse_weight is None
    rotation.eval()
    assert rotation.inverse_weight is not None
    product = rotation.weight() @ rotation.inverse_weight
    torch.testing.assert_close(product, torch.eye(4), atol=1e-5, rtol=0)
    assert "inverse_weight" not in rotation.state_dict()
    assert rotation.train().inverse_weight is None


def test_coupling_starts_as_identity() -> None:
    coupling = Coupling(6, 4, 5).eval()
    x = torch.randn(2, 6, 2, 2)
    y, log_det = coupling(x, PLANES.float())
    torch.testing.assert_close(y, x)
    torch.testing.assert_close(log_det, torch.zeros(2))


def test_squeeze_moves_blocks_to_channels() -> None:
    planes = torch.arange(16.0).view(1, 1, 4, 4)
    assert squeeze(planes)[0, :, 0, 0].tolist() == [0, 1, 4, 5]
    assert squeeze(planes).shape == (1, 4, 2, 2)


@settings(max_examples=20)
@given(*(st.integers(1, 4) for _ in range(4)))
def test_unsqueeze_is_the_inverse_of_squeeze(n: int, c: int, h: int, w: int) -> None:
    planes = torch.randn(n, c, 2 * h, 2 * w)
    assert torch.equal(unsqueeze(squeeze(planes)), planes)


def test_actnorm_identity_has_zero_log_det() -> None:
    assert ActNorm(3).eval()(torch.ones(1, 3, 2, 2))[1] == 0
