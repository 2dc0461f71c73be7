"""`export` ports a network of the user's own, or names the gate that it fails."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import product
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn


class Plain(nn.Module):
    """z (N, 4) and a condition (N, 5) to images of 8 x 8; `last` may spoil them."""

    def __init__(self, last: nn.Module, heard: float = 1.0) -> None:
        super().__init__()
        self.heard = heard
        self.stem = nn.Linear(9, 3 * 8 * 8)
        self.last = last

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        joined = torch.cat([z, condition * self.heard], dim=1)
        image: Tensor = self.last(torch.tanh(2 * self.stem(joined)).view(-1, 3, 8, 8))
        return image


class Rounded(nn.Module):
    """Loses the digits that float32 does not hold at 100,000."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + 1e5) - 1e5


class Mixed(nn.Module):
    """Mixes the images of a batch."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x + 0.5 * x.mean(dim=0, keepdim=True)


class Inverted(nn.Module):
    """Needs an operator that ONNX lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(8))

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.linalg.inv(self.weight)


def port(network: nn.Module, path: Path, **options: Any) -> Any:
    conditions = product.member(product.public("ganport_runtime.Conditions"), "one_hots")(
        {"hair": ["red", "blue", "pink"], "eyes": ["black", "brown"]}
    )
    interface = product.public("ganport_export.Interface")(
        name="plain",
        z=(4,),
        conditions=conditions,
        family="plain",
        **product.arguments(resolution=(8, 8)),
    )
    return product.public("ganport_export.export")(network, interface, path, **options)


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("network", "options", "error", "code"),
    [
        (lambda: Plain(Rounded()).eval(), {"format": "torchscript"}, "ParityError", 4),
        (lambda: Plain(Mixed()).eval(), {"format": "torchscript"}, "ContractError", 5),
        (lambda: Plain(nn.Identity(), 0.0).eval(), {"format": "torchscript"}, "ContractError", 5),
        (lambda: Plain(nn.BatchNorm2d(3)).train(), {"format": "torchscript"}, "ContractError", 5),
        (lambda: Plain(Inverted()).eval(), {"format": "onnx"}, "UnsupportedError", 3),
        (lambda: Plain(nn.Identity()).eval(), {"opset": 17}, "OptionError", 2),
    ],
    ids=["parity", "batch", "insensitive", "training", "operator", "opset"],
)
def test_export_refused_network_writes_nothing(
    network: Any, options: dict[str, Any], error: str, code: int, tmp_path: Path
) -> None:
    with pytest.raises(product.public(f"ganport_export.{error}")) as refused:
        port(network(), tmp_path / "x.ganport", **options)
    assert product.member(refused.value, "exit_code") == code
    assert not list(tmp_path.iterdir())


def test_export_own_network_with_half_weights_gives_its_images(tmp_path: Path) -> None:
    network = Plain(nn.Identity()).eval()
    port(network, tmp_path / "plain.ganport", format="onnx", weights="fp16")
    with zipfile.ZipFile(tmp_path / "plain.ganport") as archive:
        model = onnx.load_from_string(archive.read("generator.onnx"))
    largest = max(model.graph.initializer, key=lambda tensor: numpy_helper.to_array(tensor).size)
    assert largest.data_type == TensorProto.FLOAT16
    assert "Cast" in {node.op_type for node in model.graph.node}
    generator = product.public("ganport_runtime.Generator").load(tmp_path / "plain.ganport", "cpu")
    found = generator.generate("pink hair brown eyes", seed=3, count=2)
    z = torch.from_numpy(product.member(generator, "noise")([3, 4]))
    with torch.no_grad():
        image = network(z, torch.tensor([[0.0, 0, 1, 0, 1]] * 2)).permute(0, 2, 3, 1).numpy()
    expected = np.floor(np.clip(image * np.float32(127.5) + 128, 0, 255))
    # A weight of up to 1/3 is rounded by 1e-4; nine of them move a value by 2e-3, a quarter level.
    assert np.abs(found - expected).max() <= 1
