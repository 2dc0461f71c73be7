"""Small networks and one bundle that many tests use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ExportReport, Interface, export
from ganport_export.artifact import ExportInput
from ganport_export.checks.preflight import prepare
from ganport_export.formats.onnx import serialize, strip
from ganport_export.formats.onnx_capture import capture_graph
from ganport_runtime import Bundle
from ganport_runtime.conditions import Conditions

SIDE = 8
ON_THE_CPU = {"If", "Loop", "NonZero", "Range", "Scan", "Shape", "Size", "TopK", "Unique"}
"""Operators that compute shapes: onnxruntime runs them on the CPU, and a CUDA graph has no such."""


class Plain(nn.Module):
    """A generator of 8 x 8 images from z (N, 4) and a condition (N, 5); `last` may change them."""

    def __init__(self, last: nn.Module | None = None, *, effect: float = 1.0) -> None:
        super().__init__()
        self.effect = effect
        self.stem = nn.Linear(9, 6 * 4 * 4)
        self.norm = nn.BatchNorm2d(6)
        self.up = nn.ConvTranspose2d(6, 3, 4, 2, 1)
        self.last = last or nn.Identity()

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        joined = torch.cat([z, condition * self.effect], dim=1)
        features = torch.relu(self.norm(self.stem(joined).view(-1, 6, 4, 4)))
        image: Tensor = self.last(torch.tanh(3 * self.up(features)))
        return image


Make = Callable[..., Plain]


@pytest.fixture(autouse=True)
def single_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make() -> Make:
    """Return a function that makes a network in eval mode, with equal weights every time."""

    def make(last: nn.Module | None = None, *, effect: float = 1.0) -> Plain:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = Plain(effect=effect)
            network(torch.randn(16, 4), torch.rand(16, 5))
        network.last = last or nn.Identity()
        return network.eval()

    return make


@pytest.fixture(scope="session")
def interface() -> Interface:
    conditions = Conditions.one_hots({"hair": ["red", "blue", "pink"], "eyes": ["black", "brown"]})
    return Interface("faces", (4,), (SIDE, SIDE), conditions, family="plain")


@pytest.fixture(scope="session")
def prepared(make: Make, interface: Interface) -> ExportInput:
    return prepare(make(), interface, "uint8")


@pytest.fixture(scope="session")
def captured(prepared: ExportInput, interface: Interface) -> bytes:
    """Return the float32 ONNX graph of the network without head, as the export captures it."""
    return serialize(strip(capture_graph(prepared.network, interface, prepared.batches[1], 18)))


@pytest.fixture(scope="session")
def messages() -> list[str]:
    """Return the progress lines of `written`."""
    return []


@pytest.fixture(scope="session")
def written(
    make: Make, interface: Interface, messages: list[str], tmp_path_factory: pytest.TempPathFactory
) -> ExportReport:
    """Return the report of a bundle, as a zip: ONNX in both precisions and TorchScript."""
    path = tmp_path_factory.mktemp("bundle") / "faces.ganport"
    return export(
        make(),
        interface,
        path,
        precision="fp16",
        license="CC0-1.0",
        provenance={"checkpoint_sha256": "ab" * 32},
        progress=messages.append,
    )


@pytest.fixture(scope="session")
def bundle_path(written: ExportReport) -> Path:
    return written.path


def _graphs_fit_a_gpu(report: ExportReport) -> None:
    """Assert that no node would run on the CPU, and that cuDNN has the paddings."""
    bundle = Bundle.open(report.path)
    files = [file for graph in report.manifest.graphs for file in graph.files]
    for file in (file for file in files if file.role == "onnx"):
        for node in onnx.load_from_string(bundle.read(file.path)).graph.node:
            assert node.op_type not in ON_THE_CPU, file.path
            pads = [list(a.ints) for a in node.attribute if a.name == "pads"]
            assert all(pad[: len(pad) // 2] == pad[len(pad) // 2 :] for pad in pads), node.name


@pytest.fixture(scope="session")
def graphs_fit_a_gpu() -> Callable[[ExportReport], None]:
    return _graphs_fit_a_gpu
