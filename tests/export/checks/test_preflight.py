import pytest
import torch
from torch import nn

from ganport_export import ContractError
from ganport_export.checks.preflight import preflight


class ActNorm(nn.Module):
    def __init__(self, *, seen: bool, buffer: bool = True) -> None:
        super().__init__()
        if buffer:
            self.register_buffer("is_initialized", torch.tensor(seen))
        else:
            self.initialized = seen


def preflight_error(module: nn.Module) -> ContractError:
    with pytest.raises(ContractError) as caught:
        preflight(module)
    assert caught.value.exit_code == 5
    return caught.value


def test_preflight_in_eval_mode_passes(make):
    preflight(make())


def test_preflight_in_training_mode_raises_with_the_module_path(make):
    network = make()
    network.norm.train()
    error = preflight_error(network)
    assert error.place == "module 'norm'"
    assert "BatchNorm2d in training mode" in str(error)
    assert "Call .eval()" in error.fix


def test_preflight_of_a_network_in_training_mode_raises_with_its_class():
    assert preflight_error(nn.Sequential(nn.ReLU()).train()).place == "module 'Sequential'"


@pytest.mark.parametrize("buffer", [True, False])
def test_preflight_of_an_uninitialized_actnorm_raises(buffer):
    network = nn.Sequential(nn.ReLU(), ActNorm(seen=False, buffer=buffer)).eval()
    error = preflight_error(network)
    assert error.place == "module '1'"
    assert "expected an initialized ActNorm" in str(error)


def test_preflight_of_an_initialized_actnorm_passes():
    preflight(nn.Sequential(ActNorm(seen=True)).eval())


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_preflight_of_a_lazy_layer_raises():
    error = preflight_error(nn.Sequential(nn.LazyLinear(3)).eval())
    assert error.place == "module '0'"
    assert "parameters without a shape" in str(error)


def test_preflight_of_batch_norm_without_statistics_raises():
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    error = preflight_error(nn.Sequential(norm).eval())
    assert error.place == "module '0'"
    assert "running statistics" in error.expected


def test_preflight_of_nan_weights_raises(make):
    network = make()
    with torch.no_grad():
        network.stem.weight[0, 0] = float("nan")
    error = preflight_error(network)
    assert error.place == "module 'stem', tensor 'weight'"
    assert "NaN" in str(error)


def test_preflight_of_meta_weights_raises():
    assert "meta device" in str(preflight_error(nn.Linear(2, 2, device="meta").eval()))
