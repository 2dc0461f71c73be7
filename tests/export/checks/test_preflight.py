from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from ganport_export import ContractError, Interface, export
from ganport_export.checks.parameters import check_parameter_order
from ganport_export.checks.preflight import preflight, prepare
from ganport_export.formats import suppress_known_messages
from ganport_models import Generator, NetworkConfig
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportWarning
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


def test_preflight_of_meta_weights_raises_with_the_way_to_load_them():
    error = preflight_error(nn.Linear(2, 2, device="meta").eval())
    assert "meta device" in str(error)
    assert "to_empty" in error.fix
    assert "load_state_dict" in error.fix
    assert "earlier checkpoint" not in error.fix


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


class Joined(nn.Module):
    """Joins two inputs of equal size, so that it also runs with the two exchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(8, 3 * 8 * 8)

    def join(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([a, 0.5 * b], dim=1)
        return torch.tanh(20 * self.stem(joined)).view(-1, 3, 8, 8)


class Unclear(Joined):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.join(a, b)


class Clear(Joined):
    def forward(self, a: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return self.join(a, label)


class Variadic(Joined):
    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        return self.join(*args)


def test_prepare_of_unclear_parameters_warns_which_is_taken_as_which(pair):
    network = Unclear().eval()
    with pytest.warns(GanportWarning) as caught:
        prepare(network, pair, "uint8")
    (message,) = [str(warning.message) for warning in caught]
    assert "z as 'a' and the condition as 'b'" in message
    assert "arguments=('condition', 'z')" in message


def test_prepare_of_unclear_parameters_with_a_stated_order_passes(pair):
    prepare(Unclear().eval(), replace(pair, arguments=("z", "condition")), "uint8")


def test_prepare_of_parameters_that_a_name_or_a_size_makes_clear_passes(pair, make, interface):
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = make()

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.network(a, b * torch.ones(1, 5))

    prepare(Clear().eval(), pair, "uint8")
    prepare(Named().eval(), interface, "uint8")


def test_prepare_of_any_number_of_parameters_raises_with_a_fix_that_works(pair, tmp_path):
    network = Variadic().eval()
    with pytest.raises(ContractError) as caught:
        prepare(network, pair, "uint8")
    assert "Variadic" in caught.value.place
    assert "arguments=('z', 'condition')" in caught.value.fix
    stated = replace(pair, arguments=("z", "condition"))
    export(network, stated, tmp_path / "any.ganport", format="onnx")


class Changed(nn.Module):
    """Applies a function to the numbers of an image in [-1, 1]."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.function(image)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.sigmoid(20 * x) * 1.01 - 0.01,
        lambda x: (x + 0.5).clamp(0, 1) * 1.04 - 0.04,
    ],
)
def test_prepare_of_images_that_overshoot_0_a_little_warns(make, interface, function):
    with pytest.warns(GanportWarning, match="image_range='unit'"):
        prepare(make(Changed(function)), interface, "uint8")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,
        lambda x: 0.2 * x - 0.75,  # dark
        lambda x: 0.7 * x + 0.3,  # bright
        lambda x: 0.8 * x,  # low contrast
        lambda x: 0.5 * x**3,  # lower contrast, as of an untrained network
    ],
)
def test_prepare_of_dark_bright_and_pale_images_passes(make, interface, function):
    assert prepare(make(Changed(function)), interface, "uint8").clipped == 0


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
