import pytest
import torch
from torch import nn

from ganport_export import ContractError
from ganport_export.preflight import inspect


class ActNorm(nn.Module):
    def __init__(self, *, seen: bool, buffer: bool = True) -> None:
        super().__init__()
        if buffer:
            self.register_buffer("is_initialized", torch.tensor(seen))
        else:
            self.initialized = seen


def refused(module: nn.Module) -> ContractError:
    with pytest.raises(ContractError) as error:
        inspect(module)
    assert error.value.exit_code == 5
    return error.value


def test_a_network_in_eval_mode_passes(make):
    inspect(make())


def test_training_mode_is_refused_with_the_module_s_path(make):
    network = make()
    network.norm.train()
    error = refused(network)
    assert error.place == "module 'norm'"
    assert "BatchNorm2d in training mode" in str(error)
    assert "Call .eval()" in error.fix


def test_a_whole_network_in_training_mode_is_named_by_its_class():
    assert refused(nn.Sequential(nn.ReLU()).train()).place == "module 'Sequential'"


@pytest.mark.parametrize("buffer", [True, False])
def test_an_actnorm_that_saw_no_data_is_refused(buffer):
    network = nn.Sequential(nn.ReLU(), ActNorm(seen=False, buffer=buffer)).eval()
    error = refused(network)
    assert error.place == "module '1'"
    assert "expected an initialised ActNorm" in str(error)


def test_an_actnorm_that_saw_data_passes():
    inspect(nn.Sequential(ActNorm(seen=True)).eval())


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_a_lazy_layer_without_shape_is_refused():
    error = refused(nn.Sequential(nn.LazyLinear(3)).eval())
    assert error.place == "module '0'"
    assert "parameters without a shape" in str(error)


def test_batch_norm_without_statistics_is_refused():
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    error = refused(nn.Sequential(norm).eval())
    assert error.place == "module '0'"
    assert "depends on its neighbours" in str(error)


def test_weights_that_diverged_are_refused(make):
    network = make()
    with torch.no_grad():
        network.stem.weight[0, 0] = float("nan")
    error = refused(network)
    assert error.place == "module 'stem', tensor 'weight'"
    assert "NaN" in str(error)


def test_weights_without_storage_are_refused():
    assert "meta device" in str(refused(nn.Linear(2, 2, device="meta").eval()))
