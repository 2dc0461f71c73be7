import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ganport_export import ContractError
from ganport_export.transforms.parametrizations import detached_copy, fold

NORMS = {
    "spectral": parametrizations.spectral_norm,
    "weight": parametrizations.weight_norm,
    "orthogonal": parametrizations.orthogonal,
    "legacy spectral": torch.nn.utils.spectral_norm,
    "legacy weight": torch.nn.utils.weight_norm,
}


class CustomNorm(nn.Module):
    """A custom spectral norm: the vector of the power iteration is a separate buffer."""

    def __init__(self, vector: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))
        self.register_buffer(vector, torch.ones(3))


class SNLinear(CustomNorm):
    pass


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())
def test_fold_of_a_norm_keeps_the_output_and_leaves_plain_weights(norm):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), norm(nn.Linear(4, 4)))
    network(torch.randn(2, 4))
    network.eval()
    x = torch.randn(5, 4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    copied = detached_copy(network)
    assert fold(copied) == ["1.weight"]
    assert torch.allclose(copied(x), network(x), atol=1e-6)
    assert set(copied.state_dict()) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    after = network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_detached_copy_shares_no_tensor_and_requires_no_gradient(make):
    network = make()
    copied = detached_copy(network)
    original = {tensor.data_ptr() for tensor in network.state_dict().values()}
    assert not original & {tensor.data_ptr() for tensor in copied.state_dict().values()}
    assert not any(weight.requires_grad for weight in copied.parameters())
    assert all(weight.requires_grad for weight in network.parameters())


def test_detached_copy_of_float16_weights_is_float32(make):
    assert detached_copy(make().half()).stem.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "layer", [CustomNorm("weight_bar"), CustomNorm("weight_u"), SNLinear("sn_u0"), SNLinear("u")]
)
def test_fold_of_a_custom_norm_raises_with_the_module_path(layer):
    with pytest.raises(ContractError, match=r"module '1': .*an unfused norm") as caught:
        fold(nn.Sequential(nn.ReLU(), layer).eval())
    assert caught.value.exit_code == 5


def test_fold_of_a_wrapper_named_after_a_norm_passes():
    class SpectralNormLinear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = parametrizations.spectral_norm(nn.Linear(3, 3))

    assert fold(nn.Sequential(SpectralNormLinear()).eval()) == ["0.linear.weight"]


def test_fold_converts_a_flag_tensor_to_a_constant():
    class ActNorm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("is_initialized", torch.tensor(True))

        def forward(self, x: Tensor) -> Tensor:
            return x if self.is_initialized else x * 2

    network = ActNorm().eval()
    fold(network)
    assert network.is_initialized is True
