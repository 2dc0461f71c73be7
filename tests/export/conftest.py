"""Small networks that stand for a user's own, and one bundle that many tests read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganport_export import Interface, Report, export
from ganport_export.prepare import Prepared, prepare
from ganport_runtime.conditions import Conditions

SIDE = 8


class Plain(nn.Module):
    """z (N, 4) and a condition (N, 5) to pictures of 8 x 8; `last` may spoil them."""

    def __init__(self, last: nn.Module | None = None, *, heard: float = 1.0) -> None:
        super().__init__()
        self.heard = heard
        self.stem = nn.Linear(9, 6 * 4 * 4)
        self.norm = nn.BatchNorm2d(6)
        self.up = nn.ConvTranspose2d(6, 3, 4, 2, 1)
        self.last = last or nn.Identity()

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        joined = torch.cat([z, condition * self.heard], dim=1)
        features = torch.relu(self.norm(self.stem(joined).view(-1, 6, 4, 4)))
        picture: Tensor = self.last(torch.tanh(3 * self.up(features)))
        return picture


Make = Callable[..., Plain]


@pytest.fixture(autouse=True)
def one_core():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make() -> Make:
    """A network in eval mode whose batch norm has seen data; the same weights every time."""

    def make(last: nn.Module | None = None, *, heard: float = 1.0) -> Plain:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = Plain(heard=heard)
            network(torch.randn(16, 4), torch.rand(16, 5))
        network.last = last or nn.Identity()
        return network.eval()

    return make


@pytest.fixture(scope="session")
def interface() -> Interface:
    conditions = Conditions.one_hots({"hair": ["red", "blue", "pink"], "eyes": ["black", "brown"]})
    return Interface("faces", (4,), (SIDE, SIDE), conditions, family="plain")


@pytest.fixture(scope="session")
def prepared(make: Make, interface: Interface) -> Prepared:
    return prepare(make(), interface, "uint8")


@pytest.fixture(scope="session")
def told() -> list[str]:
    """The progress lines of `written`."""
    return []


@pytest.fixture(scope="session")
def written(
    make: Make, interface: Interface, told: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Report:
    """A whole bundle, as a zip: ONNX in both precisions and TorchScript."""
    path = tmp_path_factory.mktemp("bundle") / "faces.ganport"
    return export(
        make(),
        interface,
        path,
        precision="fp16",
        license="CC0-1.0",
        provenance={"checkpoint_sha256": "ab" * 32},
        progress=told.append,
    )


@pytest.fixture(scope="session")
def bundle_path(written: Report) -> Path:
    return written.path
