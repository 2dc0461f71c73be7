import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ContractError, Interface
from ganport_export.execution import run, run_reference, run_watched
from ganport_export.test_inputs import samples


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
    """Falls to float32 on its way, as StyleGAN's code does."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.full((3, 1, 1), 1 / 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.float() + torch.zeros(3, 1, 1)
        return x.to(torch.float32) * self.table


def refused(module, interface) -> ContractError:
    with pytest.raises(ContractError) as error:
        run_watched(module, interface, samples(interface))
    return error.value


def test_pictures_come_in_the_batches_of_the_samples(make, interface):
    images = run_watched(make(), interface, samples(interface))
    assert [image.shape for image in images] == [(n, 3, 8, 8) for n in (1, 2, 3, 7)]
    assert all(image.dtype == np.float32 for image in images)


def test_random_numbers_are_refused_naming_operator_and_module(make, interface):
    error = refused(make(Noisy()), interface)
    assert error.place == "module 'last'"
    assert "aten.randn_like, which draws random numbers" in str(error)
    assert "Take noise as an input" in error.fix


def test_dropout_that_ignores_eval_mode_is_refused(make, interface):
    class Dropping(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.dropout(x, training=True)

    assert refused(make(Dropping()), interface).place == "module 'last'"


def test_random_numbers_from_elsewhere_are_refused(make, interface):
    assert "outside torch" in str(refused(make(Numpy()), interface))


def test_a_network_that_changes_its_own_tensors_is_refused(make, interface):
    error = refused(make(Counting()), interface)
    assert error.place == "tensor 'last.calls'"
    assert "if self.training" in error.fix


def test_attention_is_not_taken_for_randomness(make, interface):
    class Attending(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            rows = x.flatten(2)
            out = nn.functional.scaled_dot_product_attention(rows, rows, rows)
            return torch.tanh(out.view_as(x))

    assert len(run_watched(make(Attending()), interface, samples(interface))) == 4


def test_a_failing_forward_is_told_with_its_shapes(make):
    wide = Interface("a", (5,), (8, 8))
    with pytest.raises(
        ContractError, match=r"forward\(z \(1, 5\)\) in float32.*missing 1 required"
    ):
        run(make(), wide, samples(wide))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda x: x[:, :1], r"float32 of shape \(1, 1, 8, 8\)"),
        (lambda x: nn.functional.interpolate(x, scale_factor=2.0), r"shape \(1, 3, 16, 16\)"),
        (lambda x: x.double(), r"float64 of shape"),
        (lambda x: (x, x), "found tuple"),
        (lambda x: x / 0, "NaN or infinite numbers"),
    ],
)
def test_anything_but_one_finite_picture_is_refused(make, interface, spoil, found):
    class Spoil(nn.Module):
        def forward(self, x: Tensor) -> object:
            return spoil(x)

    with pytest.raises(ContractError, match=found):
        run(make(Spoil()), interface, samples(interface))


def test_the_reference_is_float64_throughout(make, interface):
    network = make(Casting())
    exact = run_reference(network, interface, samples(interface))
    assert all(image.dtype == np.float64 for image in exact)
    thirds = [image / 3 for image in run_reference(make(), interface, samples(interface))]
    # 1/3 was rounded to float32 when the table was made; nothing else may have been.
    assert max(np.abs(a - b).max() for a, b in zip(exact, thirds, strict=True)) < 2e-8
    rounded = [np.abs(image - image.astype(np.float32)).max() for image in exact]
    assert max(rounded) > 1e-10  # numbers that float32 does not hold
    assert torch.get_default_dtype() == torch.float32
    assert network.stem.weight.dtype == torch.float32
