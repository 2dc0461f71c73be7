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


class HomeMade(nn.Module):
    """As in many repositories of 2018: the power iteration's vector is a tensor of its own."""

    def __init__(self, vector: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))
        self.register_buffer(vector, torch.ones(3))


class SNLinear(HomeMade):
    pass


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS.keys())
def test_a_folded_norm_draws_what_it_drew_and_keeps_nothing_to_recompute(norm):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), norm(nn.Linear(4, 4)))
    network(torch.randn(2, 4))
    network.eval()
    x = torch.randn(5, 4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    twin = detached_copy(network)
    assert fold(twin) == ["1.weight"]
    assert torch.allclose(twin(x), network(x), atol=1e-6)
    assert set(twin.state_dict()) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    after = network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_the_copy_shares_no_tensor_and_needs_no_gradient(make):
    network = make()
    twin = detached_copy(network)
    theirs = {tensor.data_ptr() for tensor in network.state_dict().values()}
    assert not theirs & {tensor.data_ptr() for tensor in twin.state_dict().values()}
    assert not any(weight.requires_grad for weight in twin.parameters())
    assert all(weight.requires_grad for weight in network.parameters())


def test_half_precision_weights_come_back_to_float32(make):
    assert detached_copy(make().half()).stem.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "layer", [HomeMade("weight_bar"), HomeMade("weight_u"), SNLinear("sn_u0"), SNLinear("u")]
)
def test_a_norm_that_cannot_be_folded_is_refused_with_its_path(layer):
    with pytest.raises(ContractError, match=r"module '1': .*an unfused norm") as refused:
        fold(nn.Sequential(nn.ReLU(), layer).eval())
    assert refused.value.exit_code == 5


def test_a_wrapper_that_is_only_named_after_a_norm_passes():
    class SpectralNormLinear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = parametrizations.spectral_norm(nn.Linear(3, 3))

    assert fold(nn.Sequential(SpectralNormLinear()).eval()) == ["0.linear.weight"]


def test_a_flag_that_was_a_tensor_becomes_a_constant():
    class ActNorm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("is_initialized", torch.tensor(True))

        def forward(self, x: Tensor) -> Tensor:
            return x if self.is_initialized else x * 2

    network = ActNorm().eval()
    fold(network)
    assert network.is_initialized is True
