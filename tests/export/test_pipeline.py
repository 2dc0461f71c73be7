import hashlib
import io
import json
import os
import platform
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

from ganport_export import Interface, export
from ganport_export.formats.torchscript import load as load_script
from ganport_export.provenance import package_versions, weights_digest
from ganport_runtime import Bundle, Generator
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.noise import normals
from ganport_runtime.verify import verify

ROOT = Path(__file__).parents[2]
GRAPHS = {"generator.onnx", "generator.fp16.onnx", "generator.ts.pt"}
OTHERS = {"MODEL_CARD.md", "preview.png", "fixtures.safetensors", "manifest.json", "SHA256SUMS"}


@pytest.fixture(scope="module")
def files(bundle_path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle_path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_export_writes_every_file_of_the_contract(files, written, messages):
    assert set(files) == GRAPHS | OTHERS
    stages = ["prepare", "onnx", "torchscript", "checks", "pack"]
    assert [line.split()[0] for line in messages] == stages == list(written.seconds)


def test_sums_contain_every_other_file(files):
    lines = dict(line.split("  ")[::-1] for line in files["SHA256SUMS"].decode().splitlines())
    assert lines == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name != "SHA256SUMS"
    }


def test_files_contain_no_local_path(files):
    for name, data in files.items():
        content = [data]
        if name.endswith(".pt"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            content = [archive.read(entry) for entry in archive.namelist()]
        for path in (str(ROOT), "site-packages", str(Path.home()), "conftest.py"):
            assert not any(path.encode() in part for part in content), name


def test_graphs_contain_the_interface_of_the_manifest(files):
    manifest = json.loads(files["manifest.json"])
    metadata = onnx.load_from_string(files["generator.onnx"]).metadata_props
    assert [entry.key for entry in metadata] == [METADATA_KEY]
    inside = json.loads(metadata[0].value)
    assert json.loads(load_script(files["generator.ts.pt"], METADATA_KEY)[1]) == inside
    shared = ("schema_version", "conditions", "noise", "image")
    assert {key: inside[key] for key in shared} == {key: manifest[key] for key in shared}
    assert inside["inputs"] == manifest["graphs"][0]["inputs"]


def test_manifest_contains_measurements_and_provenance(files, written):
    manifest = json.loads(files["manifest.json"])
    parity = manifest["parity"]
    assert parity["batches"] == [1, 2, 3, 7]
    assert set(parity["graphs"]) == GRAPHS
    full = parity["graphs"]["generator.onnx"]
    assert set(full["error"]) == {
        "onnxruntime, optimization off",
        "onnxruntime, optimization full",
    }
    assert all(0 < error <= parity["limit"] for error in full["error"].values())
    assert set(parity["sensitivity"]["moved"]) == {"z", "hair", "eyes"}
    assert parity["sensitivity"]["overridden"] == []
    assert manifest["license"] == "CC0-1.0"
    assert manifest["provenance"]["checkpoint_sha256"] == "ab" * 32
    assert set(manifest["provenance"]) == {"checkpoint_sha256", "weights_sha256", "packages"}
    assert written.to_json()["parity"] == parity


def test_fixtures_contain_the_noise_of_the_runtime(files):
    tensors = load(files["fixtures.safetensors"])
    assert set(tensors) == {
        f"{graph}/n{count}/{tensor}"
        for graph in GRAPHS
        for count in (1, 3)
        for tensor in ("z", "condition", "image")
    }
    assert np.array_equal(tensors["generator.onnx/n3/z"], normals([1, 2, 3], (4,)))
    assert tensors["generator.onnx/n3/image"].shape == (3, 8, 8, 3)


def test_preview_is_an_image(files):
    assert min(Image.open(io.BytesIO(files["preview.png"])).size) > 100


def test_verify_of_an_exported_bundle_passes(bundle_path):
    checks = list(verify(Bundle.open(bundle_path)))
    assert len(checks) >= 10
    assert not [check for check in checks if check.passed is False]


def test_runtime_and_torchscript_give_equal_images(files, bundle_path, tmp_path):
    generator = Generator.load(bundle_path, device="cpu")
    pixels = generator.generate({"hair": "pink"}, seed=7, count=5)
    condition = np.tile(generator.conditions.encode({"hair": "pink"}), (5, 1))
    noise = normals([7, 8, 9, 10, 11], (4,))
    script, _ = load_script(files["generator.ts.pt"], METADATA_KEY)
    with torch.no_grad():
        expected = script(torch.from_numpy(noise), torch.from_numpy(condition)).numpy()
    assert pixels.shape == expected.shape == (5, 8, 8, 3)
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= 1
    assert pixels.std() > 1
    single = tmp_path / "single.onnx"
    single.write_bytes(files["generator.onnx"])
    again = Generator.load(single, device="cpu").generate({"hair": "pink"}, seed=7, count=5)
    assert np.array_equal(pixels, again)


def test_export_in_another_process_and_folder_writes_equal_bytes(make, interface, tmp_path):
    """TorchScript is left out: torch numbers its names within a process."""
    here, there = tmp_path / "here.ganport", tmp_path / "there"
    export(make(), interface, here, format="onnx", precision="fp16")
    there.mkdir()
    shutil.copy(Path(__file__).parent / "conftest.py", there / "elsewhere.py")
    packages = [str(ROOT / package) for package in ("runtime", "models", "export")]
    program = (
        "import elsewhere as e, ganport_export, torch\n"
        "torch.set_num_threads(1)\n"
        "network, interface = e.make.__wrapped__()(), e.interface.__wrapped__()\n"
        "ganport_export.export(network, interface, 'x.ganport', format='onnx', precision='fp16')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(packages), "PYTHONHASHSEED": "123"}
    subprocess.run([sys.executable, "-c", program], cwd=there, env=environment, check=True)
    assert (there / "x.ganport").read_bytes() == here.read_bytes()


def test_export_of_an_unconditional_network_as_float_folder_verifies(tmp_path):
    class Gray(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.tanh(z.expand(-1, 3, 8, 4))

    interface = Interface("gray", (1, 8, 4), (8, 4))
    report = export(Gray().eval(), interface, f"{tmp_path}/gray.ganport/", image="float")
    assert report.path.is_dir()
    assert {"generator.onnx", "generator.ts.pt"} <= {f.name for f in report.path.iterdir()}
    assert not [check for check in verify(Bundle.open(report.path)) if check.passed is False]
    assert Generator.load(report.path, device="cpu").generate(seed=1).shape == (1, 8, 4, 3)


def test_export_of_torchscript_contains_no_onnx(make, interface, tmp_path):
    report = export(make(), interface, tmp_path / "ts.ganport", format="torchscript")
    assert "generator.ts.pt" in report.manifest.files
    assert "generator.onnx" not in report.manifest.files
    assert not [check for check in verify(Bundle.open(report.path)) if check.passed is False]


def test_export_does_not_change_the_network(make, interface, tmp_path):
    network = make()
    network.stem = nn.utils.parametrizations.spectral_norm(network.stem).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    report = export(network, interface, tmp_path / "x.ganport", format="onnx")
    assert report.folded == ("stem.weight",)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def normed_layer(bias: float = 0.0) -> nn.Module:
    layer = nn.Linear(2, 2)
    nn.init.ones_(layer.weight)
    nn.init.constant_(layer.bias, bias)
    return nn.Sequential(layer, nn.BatchNorm1d(2))  # has a scalar buffer


def test_weights_digest_depends_on_weights_only():
    assert weights_digest(normed_layer()) == weights_digest(normed_layer())
    assert weights_digest(normed_layer()) != weights_digest(normed_layer(bias=1e-6))
    assert weights_digest(normed_layer()) != weights_digest(normed_layer().half())


def test_package_versions_contain_onnxruntime_if_used():
    versions = package_versions(onnxruntime=True)
    assert list(versions) == sorted(versions)
    assert versions["torch"] == torch.__version__
    assert versions["python"] == platform.python_version()
    assert "onnxruntime" in versions
    assert "onnxruntime" not in package_versions(onnxruntime=False)
