import pytest
import torch
from torch import Tensor, nn

from ganport_export import ParityError, export


class Changing(nn.Module):
    """Computes something else while it is exported or traced."""

    def __init__(self, factor: float = 0.99) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        changes = torch.compiler.is_exporting() or torch.jit.is_tracing()
        return x * self.factor if changes else x


class Looping(nn.Module):
    """Runs the rows of a batch in a loop, which a trace unrolls."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[row : row + 1] * 1.0 for row in range(x.shape[0])])


class Between(nn.Module):
    """A network whose own forward, between its modules, is the cause."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.inner = network

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        image = self.inner(z, condition)
        return image * 0.99 if torch.compiler.is_exporting() else image


def nested() -> nn.Module:
    return nn.Sequential(nn.Identity(), nn.Sequential(nn.Tanh(), Changing()), nn.Tanh())


@pytest.mark.parametrize(
    ("format", "operator"), [("onnx", "Mul"), ("torchscript", "Changing"), ("pt2", "Changing")]
)
def test_failed_parity_names_the_first_module_that_departs(
    make, interface, tmp_path, format, operator
):
    with pytest.raises(ParityError) as caught:
        export(make(nested()), interface, tmp_path / "x.ganport", format=format)
    assert f"it starts in module 'last.1.1' ({operator}), off by " in caught.value.found
    assert "is_exporting" in caught.value.fix
    distance = float(caught.value.found.split("off by ")[1])
    assert 1e-4 < distance < 1e-2


def test_trace_of_a_loop_over_the_batch_names_the_module_that_fixes_its_size(
    make, interface, tmp_path
):
    network = make(nn.Sequential(nn.Identity(), nn.Sequential(Looping())))
    with pytest.raises(ParityError) as caught:
        export(network, interface, tmp_path / "x.ganport", format="torchscript")
    assert caught.value.found.startswith("shape (2, 3, 8, 8): the batch size is fixed at 2")
    assert caught.value.found.endswith("in module 'last.1.0'")
    assert "not in a loop over the batch" in caught.value.fix


def test_failed_parity_outside_of_modules_names_the_forward(make, interface, tmp_path):
    with pytest.raises(ParityError) as caught:
        export(Between(make()).eval(), interface, tmp_path / "x.ganport", format="pt2")
    assert "every module by itself agrees" in caught.value.found
    assert "Between.forward between its modules" in caught.value.fix


def test_failed_parity_of_the_root_in_onnx_names_the_network(make, interface, tmp_path):
    with pytest.raises(ParityError, match=r"it starts in module 'Between' \(Mul\)"):
        export(Between(make()).eval(), interface, tmp_path / "x.ganport", format="onnx")
