"""Networks that the export refuses, and the files that a failed export leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganport_export import (
    ContractError,
    ExportError,
    Interface,
    OptionError,
    ParityError,
    UnsupportedError,
    export,
)
from ganport_export.formats import suppress_known_messages
from ganport_runtime import Bundle

Make = Callable[..., nn.Module]


class Exported(nn.Module):
    """Computes something else while it is exported."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.99 if torch.compiler.is_exporting() or torch.jit.is_tracing() else x


class Mixing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x + 0.5 * x.mean(dim=0, keepdim=True)


class Rounding(nn.Module):
    """Loses the digits that a float of its size cannot represent."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.size) - self.size


class Inverse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(8))

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.linalg.inv(self.weight)


class FrozenTrace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(int(x.shape[0]), 3, 8, 8)


class OutOfRange(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 3


FAILURES = {
    "parity of onnx": (Exported(), "onnx", "fp32", ParityError, "generator.onnx (onnxruntime, opt"),
    "parity of torchscript": (Exported(), "torchscript", "fp32", ParityError, "generator.ts.pt"),
    "parity of pt2": (Exported(), "pt2", "fp32", ParityError, "generator.pt2 (ExportedProgram, ba"),
    "batch of pt2": (Mixing(), "pt2", "fp32", ContractError, "each row of a batch within"),
    "batch": (Mixing(), "onnx", "fp32", ContractError, "each row of a batch within"),
    "float32": (Rounding(1e5), "onnx", "fp32", ParityError, "torch float32: expected an error"),
    "float16": (
        Rounding(100.0),
        "onnx",
        "fp16",
        ParityError,
        "generator.fp16.onnx (torch float16)",
    ),
    "operator": (Inverse(), "onnx", "fp32", UnsupportedError, "found aten.linalg_inv"),
    "frozen trace": (FrozenTrace(), "torchscript", "fp32", ContractError, "runs a batch of 1"),
    "range": (OutOfRange(), "onnx", "fp32", ContractError, "expected numbers in [-1, 1]"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_export_with_a_failing_check_keeps_the_previous_file(
    make: Make, interface: Interface, tmp_path: Path, name: str
) -> None:
    last, format, precision, kind, message = FAILURES[name]
    older = tmp_path / "x.ganport"
    older.write_bytes(b"older")
    with pytest.raises(kind) as caught:
        export(make(last), interface, older, format=format, precision=precision, overwrite=True)
    assert message in str(caught.value)
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("x.ganport", b"older")]


def test_export_of_an_insensitive_network_requires_the_override(
    make: Make, interface: Interface, tmp_path: Path
) -> None:
    path = tmp_path / "x.ganport"
    insensitive = make(effect=0.0)
    with pytest.raises(ContractError, match="ignores its condition 'hair'") as caught:
        export(insensitive, interface, path, format="torchscript")
    assert caught.value.exit_code == 5
    assert not path.exists()
    report = export(insensitive, interface, path, format="torchscript", allow_insensitive=True)
    sensitivity = Bundle.open(report.path).manifest.parity["sensitivity"]
    assert sensitivity["overridden"] == ["hair", "eyes"]


def test_export_in_training_mode_raises(make: Make, interface: Interface, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="training mode"):
        export(make().train(), interface, tmp_path / "x.ganport")
    assert not list(tmp_path.iterdir())


def test_export_of_something_else_than_a_network_raises_with_the_fix(
    make: Make, interface: Interface, tmp_path: Path
) -> None:
    network = make()
    with suppress_known_messages():
        script = torch.jit.trace(network, (torch.zeros(1, 4), torch.zeros(1, 5)))
    path = tmp_path / "x.ganport"
    for given, fix in (
        (script, "traced or scripted from"),
        (network.state_dict(), "load_state_dict"),
        (type(network), "the network itself"),
        ("runs/faces", "the network itself"),
        (None, "the network itself"),
    ):
        with pytest.raises(OptionError, match=fix):
            export(given, interface, path)
    with pytest.raises(OptionError, match="encoder: expected"):
        export(network, interface, path, encoder=script)
    with pytest.raises(OptionError, match="expected an Interface"):
        export(network, None, path)
