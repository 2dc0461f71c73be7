import pytest
import torch
from torch import nn

from ganport_export import ContractError, Interface
from ganport_export.checks.preflight import check_parameter_order, preflight, prepare
from ganport_export.formats import suppress_known_messages
from ganport_models import Generator, NetworkConfig
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat


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


def forward_of(*names: str) -> nn.Module:
    """Return a network whose `forward` has parameters of these names."""
    scope: dict = {}
    exec(f"def forward(self, {', '.join(names)}): return {names[0]}", scope)
    return type("Network", (nn.Module,), {"forward": scope["forward"]})()


@pytest.fixture
def pair() -> Interface:
    return Interface("a", (4,), (8, 8), Conditions.one_hots({"hair": ["a", "b", "c", "d"]}))


@pytest.mark.parametrize(
    "names",
    [("label", "z"), ("y", "noise"), ("class_labels", "latent_2"), ("Cond", "X"), ("c", "images")],
)
def test_forward_with_exchanged_parameters_raises(names, pair):
    """The sizes are equal, so every other check would pass."""
    with pytest.raises(ContractError, match=rf"found {names[0]}, {names[1]}\..*arguments=\('cond"):
        check_parameter_order(forward_of(*names), pair)


@pytest.mark.parametrize(
    "names",
    [("z", "label"), ("noise", "y"), ("x", "c"), ("a", "b"), ("given", "z"), ("z",), ("y",)],
)
def test_forward_with_other_names_passes(names, pair):
    check_parameter_order(forward_of(*names), pair)
    unconditional = Interface("a", (4,), (8, 8))
    check_parameter_order(forward_of("label", "z"), unconditional)


@pytest.mark.parametrize("last", [nn.Sigmoid(), nn.ReLU()])
def test_prepare_of_images_without_negative_numbers_raises(make, interface, last):
    with pytest.raises(ContractError, match=r"as from a sigmoid.*image_range='unit'"):
        prepare(make(last), interface, "uint8")


def test_prepare_of_our_generator_of_bright_images_passes():
    """Its class states the range [-1, 1], and light gray images are a legal data set."""

    class Light(Generator):
        def build(self, config: NetworkConfig) -> None:
            self.stem = nn.Linear(config.z_dim + config.condition_size, 16 * 16)

        def forward(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
            joined = torch.cat([z, condition], dim=1)
            return torch.sigmoid(self.stem(joined)).view(-1, 1, 16, 16)

    conditions = Conditions.one_hots({"hair": ["pink", "blue"]})
    network = Light(NetworkConfig(16, conditions.size, 2, 4, 4, image_channels=1)).eval()
    gray = Interface("light", (4,), conditions=conditions, image=ImageFormat((16, 16), "gray"))
    assert prepare(network, gray, "uint8").clipped == 0.0


def test_prepare_of_bright_images_passes_with_a_single_dark_number(make, interface):
    """Only the first images are bright: more samples show the range."""

    class Bright(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            dark = (image.mean(dim=(1, 2, 3), keepdim=True) < -0.05).float()
            return image.abs() * (1 - dark) + image * dark

    prepared = prepare(make(Bright()), interface, "uint8")
    assert prepared.clipped == 0


def test_preflight_of_a_script_module_raises_with_its_path():
    with suppress_known_messages():
        part = torch.jit.script(nn.Linear(2, 2))
    error = preflight_error(nn.Sequential(nn.ReLU(), part).eval())
    assert error.place == "module '1'"
    assert "scripted from" in error.fix
