import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors.numpy import load
from torch import Tensor, nn

from ganport_export import (
    ContractError,
    ExportError,
    Interface,
    ParityError,
    UnsupportedError,
    export,
)
from ganport_export.formats.torchscript import loaded
from ganport_runtime import Bundle, Generator
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.bundle.verify import verify
from ganport_runtime.noise import normals

ROOT = Path(__file__).parents[2]
GRAPHS = {"generator.onnx", "generator.fp16.onnx", "generator.ts.pt"}
BESIDE = {"MODEL_CARD.md", "preview.png", "fixtures.safetensors", "manifest.json", "SHA256SUMS"}


@pytest.fixture(scope="module")
def files(bundle_path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle_path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_bundle_has_every_file_of_the_contract(files, written, told):
    assert set(files) == GRAPHS | BESIDE
    stages = ["prepare", "onnx", "torchscript", "parity", "sensitivity", "pack"]
    assert [line.split()[0] for line in told] == stages == list(written.seconds)


def test_sums_cover_every_other_file(files):
    lines = dict(line.split("  ")[::-1] for line in files["SHA256SUMS"].decode().splitlines())
    assert lines == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name != "SHA256SUMS"
    }


def test_no_file_tells_where_or_by_whom_it_was_made(files):
    for name, data in files.items():
        content = [data]
        if name.endswith(".pt"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            content = [archive.read(entry) for entry in archive.namelist()]
        for trace in (str(ROOT), "site-packages", str(Path.home()), "conftest.py"):
            assert not any(trace.encode() in part for part in content), name


def test_each_graph_carries_the_manifest_s_interface(files):
    manifest = json.loads(files["manifest.json"])
    metadata = onnx.load_from_string(files["generator.onnx"]).metadata_props
    assert [entry.key for entry in metadata] == [METADATA_KEY]
    inside = json.loads(metadata[0].value)
    assert json.loads(loaded(files["generator.ts.pt"], METADATA_KEY)[1]) == inside
    shared = ("schema_version", "conditions", "noise", "image")
    assert {key: inside[key] for key in shared} == {key: manifest[key] for key in shared}
    assert inside["inputs"] == manifest["graphs"][0]["inputs"]


def test_the_manifest_says_what_was_measured_and_where_it_came_from(files, written):
    manifest = json.loads(files["manifest.json"])
    parity = manifest["parity"]
    assert parity["batches"] == [1, 2, 3, 7]
    assert set(parity["graphs"]) == GRAPHS
    full = parity["graphs"]["generator.onnx"]
    assert set(full["error"]) == {
        "onnxruntime, optimisation off",
        "onnxruntime, optimisation full",
    }
    assert all(0 < error <= parity["limit"] for error in full["error"].values())
    assert set(parity["sensitivity"]["moved"]) == {"z", "hair", "eyes"}
    assert parity["sensitivity"]["overridden"] == []
    assert manifest["license"] == "CC0-1.0"
    assert manifest["provenance"]["checkpoint_sha256"] == "ab" * 32
    assert set(manifest["provenance"]) == {"checkpoint_sha256", "weights_sha256", "packages"}
    assert written.to_json()["parity"] == parity


def test_fixtures_hold_the_runtime_s_noise(files):
    tensors = load(files["fixtures.safetensors"])
    assert set(tensors) == {
        f"{graph}/n{count}/{tensor}"
        for graph in GRAPHS
        for count in (1, 3)
        for tensor in ("z", "condition", "image")
    }
    assert np.array_equal(tensors["generator.onnx/n3/z"], normals([1, 2, 3], (4,)))
    assert tensors["generator.onnx/n3/image"].shape == (3, 8, 8, 3)


def test_the_preview_is_a_picture(files):
    assert min(Image.open(io.BytesIO(files["preview.png"])).size) > 100


def test_the_runtime_finds_nothing_wrong(bundle_path):
    checks = list(verify(Bundle.open(bundle_path)))
    assert len(checks) >= 10
    assert not [check for check in checks if check.passed is False]


def test_the_runtime_draws_what_torchscript_draws(files, bundle_path, tmp_path):
    generator = Generator.load(bundle_path, device="cpu")
    pixels = generator.generate({"hair": "pink"}, seed=7, count=5)
    condition = np.tile(generator.conditions.encode({"hair": "pink"}), (5, 1))
    noise = normals([7, 8, 9, 10, 11], (4,))
    script, _ = loaded(files["generator.ts.pt"], METADATA_KEY)
    with torch.no_grad():
        theirs = script(torch.from_numpy(noise), torch.from_numpy(condition)).numpy()
    assert pixels.shape == theirs.shape == (5, 8, 8, 3)
    assert np.abs(pixels.astype(int) - theirs.astype(int)).max() <= 1
    assert pixels.std() > 1
    lone = tmp_path / "alone.onnx"
    lone.write_bytes(files["generator.onnx"])
    again = Generator.load(lone, device="cpu").generate({"hair": "pink"}, seed=7, count=5)
    assert np.array_equal(pixels, again)


def test_another_process_in_another_folder_writes_the_same_bytes(make, interface, tmp_path):
    """Everything but TorchScript, whose names torch numbers within a process."""
    here, there = tmp_path / "here.ganport", tmp_path / "there"
    export(make(), interface, here, format="onnx", precision="fp16")
    there.mkdir()
    shutil.copy(Path(__file__).parent / "conftest.py", there / "elsewhere.py")
    rooms = [str(ROOT / room) for room in ("runtime", "models", "export")]
    program = (
        "import elsewhere as e, ganport_export, torch\n"
        "torch.set_num_threads(1)\n"
        "network, interface = e.make.__wrapped__()(), e.interface.__wrapped__()\n"
        "ganport_export.export(network, interface, 'x.ganport', format='onnx', precision='fp16')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(rooms), "PYTHONHASHSEED": "123"}
    subprocess.run([sys.executable, "-c", program], cwd=there, env=environment, check=True)
    assert (there / "x.ganport").read_bytes() == here.read_bytes()


def test_an_unconditional_network_as_float_in_a_folder(tmp_path):
    class Grey(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.tanh(z.expand(-1, 3, 8, 4))

    interface = Interface("grey", (1, 8, 4), (8, 4))
    report = export(Grey().eval(), interface, f"{tmp_path}/grey.ganport/", image="float")
    assert report.path.is_dir()
    assert {"generator.onnx", "generator.ts.pt"} <= {f.name for f in report.path.iterdir()}
    assert not [check for check in verify(Bundle.open(report.path)) if check.passed is False]
    assert Generator.load(report.path, device="cpu").generate(seed=1).shape == (1, 8, 4, 3)


def test_torchscript_alone(make, interface, tmp_path):
    report = export(make(), interface, tmp_path / "ts.ganport", format="torchscript")
    assert "generator.ts.pt" in report.manifest.files
    assert "generator.onnx" not in report.manifest.files
    assert not [check for check in verify(Bundle.open(report.path)) if check.passed is False]


def test_the_caller_s_network_is_left_as_it_was(make, interface, tmp_path):
    network = make()
    network.stem = nn.utils.parametrizations.spectral_norm(network.stem).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    report = export(network, interface, tmp_path / "x.ganport", format="onnx")
    assert report.folded == ("stem.weight",)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


class Exported(nn.Module):
    """Another network once an exporter looks."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.99 if torch.compiler.is_exporting() or torch.jit.is_tracing() else x


class Mixing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x + 0.5 * x.mean(dim=0, keepdim=True)


class Rounding(nn.Module):
    """Loses the digits a float of its size cannot hold."""

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


class Loud(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 3


FAILURES = {
    "parity of onnx": (Exported(), "onnx", "fp32", ParityError, "generator.onnx (onnxruntime, opt"),
    "parity of torchscript": (Exported(), "torchscript", "fp32", ParityError, "generator.ts.pt"),
    "batch": (Mixing(), "onnx", "fp32", ContractError, "each picture of a batch within"),
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
    "range": (Loud(), "onnx", "fp32", ContractError, "expected numbers in [-1, 1]"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_gate_that_fails_writes_nothing_and_keeps_what_was_there(make, interface, tmp_path, name):
    last, format, precision, kind, message = FAILURES[name]
    older = tmp_path / "x.ganport"
    older.write_bytes(b"older")
    with pytest.raises(kind) as refused:
        export(make(last), interface, older, format=format, precision=precision, overwrite=True)
    assert message in str(refused.value)
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("x.ganport", b"older")]


def test_a_network_that_ignores_its_condition_is_refused_or_marked(make, interface, tmp_path):
    path = tmp_path / "x.ganport"
    deaf = make(heard=0.0)
    with pytest.raises(ContractError, match="ignores its condition 'hair'") as refused:
        export(deaf, interface, path, format="torchscript")
    assert refused.value.exit_code == 5
    assert not path.exists()
    report = export(deaf, interface, path, format="torchscript", allow_insensitive=True)
    sensitivity = Bundle.open(report.path).manifest.parity["sensitivity"]
    assert sensitivity["overridden"] == ["hair", "eyes"]


def test_training_mode_is_refused_before_anything_runs(make, interface, tmp_path):
    with pytest.raises(ExportError, match="training mode"):
        export(make().train(), interface, tmp_path / "x.ganport")
    assert not list(tmp_path.iterdir())
