from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ContractError, Interface
from ganport_export.adapter import adapt
from ganport_export.execution import run, run_checked, run_reference
from ganport_export.test_inputs import make_batches


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


class Numpy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * np.random.random()


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


class Casting(nn.Module):
    """Casts to float32 inside forward, as StyleGAN does."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.full((3, 1, 1), 1 / 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.float() + torch.zeros(3, 1, 1)
        return x.to(torch.float32) * self.table


def checked_error(module, interface) -> ContractError:
    with pytest.raises(ContractError) as caught:
        run_checked(module, interface, make_batches(interface))
    return caught.value


def test_run_checked_returns_one_array_per_batch(make, interface):
    images = run_checked(make(), interface, make_batches(interface))
    assert [image.shape for image in images] == [(n, 3, 8, 8) for n in (1, 2, 3, 7)]
    assert all(image.dtype == np.float32 for image in images)


def test_run_checked_with_a_random_operator_raises_with_its_module(make, interface):
    error = checked_error(make(Noisy()), interface)
    assert error.place == "module 'last'"
    assert "aten.randn_like" in error.found


def test_run_checked_with_dropout_in_eval_mode_raises(make, interface):
    class Dropping(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.dropout(x, training=True)

    assert checked_error(make(Dropping()), interface).place == "module 'last'"


def test_run_checked_with_numpy_randomness_raises(make, interface):
    assert "outside torch" in str(checked_error(make(Numpy()), interface))


def test_run_checked_with_changing_tensors_raises(make, interface):
    error = checked_error(make(Counting()), interface)
    assert error.place == "tensor 'last.calls'"
    assert "if self.training" in error.fix


def test_run_checked_with_attention_passes(make, interface):
    class Attending(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            rows = x.flatten(2)
            out = nn.functional.scaled_dot_product_attention(rows, rows, rows)
            return torch.tanh(out.view_as(x))

    assert len(run_checked(make(Attending()), interface, make_batches(interface))) == 4


def test_run_with_a_failing_forward_raises_with_the_shapes(make):
    larger = Interface("a", (5,), (8, 8))
    with pytest.raises(
        ContractError, match=r"forward\(z \(1, 5\)\) in float32.*missing 1 required"
    ):
        run(make(), larger, make_batches(larger))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda x: x[:, :1], r"float32 of shape \(1, 1, 8, 8\)"),
        (lambda x: nn.functional.interpolate(x, scale_factor=2.0), r"shape \(1, 3, 16, 16\)"),
        (lambda x: x.double(), r"float64 of shape"),
        (lambda x: (x, x), "tuple"),
        (lambda x: x / 0, "NaN or infinite numbers"),
    ],
)
def test_run_with_another_output_raises(make, interface, spoil, found):
    class Spoil(nn.Module):
        def forward(self, x: Tensor) -> object:
            return spoil(x)

    with pytest.raises(ContractError, match=found):
        run(make(Spoil()), interface, make_batches(interface))


class Replacing(nn.Module):
    """Replaces the image of a plain network by what `build` makes of it."""

    def __init__(self, network: nn.Module, build) -> None:
        super().__init__()
        self.inner = network
        self.build = build

    def forward(self, z: Tensor, condition: Tensor) -> object:
        return self.build(self.inner(z, condition))


@pytest.mark.parametrize(
    ("build", "output", "fix"),
    [
        (lambda x: {"a": {"image": x}}, "a", "The output is nested"),
        (lambda x: {"a": [x]}, None, "The output is nested"),
        (lambda x: {"a": x}, None, "Interface(output=0)"),
        (lambda x: x.numpy(), None, "Return a torch tensor"),
        (lambda x: None, None, "Return a torch tensor"),
    ],
)
def test_run_with_an_output_of_another_type_says_how_to_reach_the_image(
    make, interface, build, output, fix
):
    described = replace(interface, output=output)
    network = adapt(Replacing(make(), build).eval(), described)
    with pytest.raises(ContractError) as caught:
        run(network, described, make_batches(described))
    assert fix in caught.value.fix
    assert ("output=0" in caught.value.fix) is (fix == "Interface(output=0)")


def test_run_with_another_batch_size_in_the_output_says_so(make, interface):
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.zeros(16, 1, 1, 1)

    with pytest.raises(ContractError, match=r"z\.shape\[0\] wherever the batch size"):
        run(make(Fixed()), interface, make_batches(interface))


def test_run_with_nan_names_the_first_module_that_returns_it(make, interface):
    class Dividing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x / (x - x)

    network = make(nn.Sequential(nn.Tanh(), Dividing(), nn.Identity()))
    with pytest.raises(ContractError, match=r"first from module 'last\.1'") as caught:
        run(network, interface, make_batches(interface))
    assert "earlier checkpoint" in caught.value.fix and "division by zero" in caught.value.fix


def test_run_reference_computes_in_float64_only(make, interface):
    network = make(Casting())
    exact = run_reference(network, interface, make_batches(interface))
    assert all(image.dtype == np.float64 for image in exact)
    thirds = [image / 3 for image in run_reference(make(), interface, make_batches(interface))]
    # Only the table was rounded to float32, when it was created.
    assert max(np.abs(a - b).max() for a, b in zip(exact, thirds, strict=True)) < 2e-8
    rounded = [np.abs(image - image.astype(np.float32)).max() for image in exact]
    assert max(rounded) > 1e-10  # float32 cannot represent them
    assert torch.get_default_dtype() == torch.float32
    assert network.stem.weight.dtype == torch.float32
