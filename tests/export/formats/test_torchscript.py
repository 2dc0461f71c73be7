import io
import json
import runpy
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_export import Interface, ParityError, UnsupportedError
from ganport_export.artifact import torch_runner
from ganport_export.bundle_writer import build_manifest, metadata_json
from ganport_export.checks.preflight import prepare
from ganport_export.formats import suppress_known_messages
from ganport_export.formats.torchscript import (
    compare_torchscript,
    load,
    save,
    trace,
    write_torchscript,
)
from ganport_export.options import ExportOptions
from ganport_export.test_inputs import make_batch
from ganport_export.transforms.output_heads import OutputHead
from ganport_runtime import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.verify import Check, check_graphs, verify

SCRIPT = "generator.ts.pt"
HEAD = OutputHead(ImageFormat((8, 8)), "uint8")
NETWORK = """
import torch
class Sky(torch.nn.Module):
    def forward(self, z):
        return torch.tanh(z)
"""


@pytest.fixture(scope="module")
def data(prepared) -> bytes:
    return save(trace(prepared.network, HEAD, prepared.batches[1]), "key", '{"a":1}')


def test_load_returns_the_network_and_the_metadata(data, prepared):
    script, metadata = load(data, "key")
    assert metadata == '{"a":1}'
    expected = trace(prepared.network, HEAD, prepared.batches[0])
    batch = prepared.batches[3]
    assert np.array_equal(torch_runner(script)(batch), torch_runner(expected)(batch))


@pytest.mark.parametrize(
    ("kind", "z", "first"), [("generate", (3, 8, 8), "z"), ("translate", (), "image_in")]
)
@pytest.mark.parametrize("labels", [{}, {"hair": ["pink", "blue"]}])
def test_trace_of_other_parameter_names_has_those_of_the_contract(kind, z, first, labels):
    class Fading(nn.Module):
        def forward(self, image: Tensor, weight: Tensor | float = 1.0) -> Tensor:
            faded = 0.5 * image
            return faded * weight[:, :1, None, None] if labels else faded

    given = Interface("a", z, (8, 8), Conditions.one_hots(labels), kind=f"gan.{kind}/1")
    schema = trace(Fading(), nn.Identity(), make_batch(given, 2)).forward.schema
    names = ["self", first, *(["condition"] if labels else [])]
    assert [argument.name for argument in schema.arguments] == names


def test_load_without_metadata_returns_an_empty_text(prepared):
    data = save(trace(prepared.network, HEAD, prepared.batches[1]), "other", "{}")
    assert load(data, "key")[1] == ""


def test_save_removes_paths_and_aligns_tensors(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = [archive.read(name) for name in archive.namelist()]
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        offsets = [
            entry.header_offset + 30 + len(entry.filename) + len(archive_extra(data, entry))
            for entry in archive.infolist()
        ]
    assert not any(b"conftest.py" in part or b"site-packages" in part for part in content)
    assert not any(offset % 64 for offset in offsets)


def archive_extra(data: bytes, entry: zipfile.ZipInfo) -> bytes:
    start = entry.header_offset
    length = int.from_bytes(data[start + 28 : start + 30], "little")
    name = int.from_bytes(data[start + 26 : start + 28], "little")
    return data[start + 30 + name : start + 30 + name + length]


def test_trace_of_a_changing_network_raises(make, interface):
    class Changing(nn.Module):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x * self.calls

    with pytest.raises(ParityError, match=r"^TorchScript: "):
        trace(make(Changing()), nn.Identity(), make_batch(interface, 2))


def test_trace_of_another_output_raises(make, interface):
    class Listing(nn.Module):
        def forward(self, x: Tensor) -> object:
            return {"image": [x, 1]}

    with pytest.raises(UnsupportedError, match=r"a forward that torch\.jit can trace"):
        trace(make(Listing()), nn.Identity(), make_batch(interface, 2))


def test_write_torchscript_of_a_class_without_module_raises(tmp_path):
    (tmp_path / "sky.py").write_text(NETWORK)
    network = runpy.run_path(str(tmp_path / "sky.py"))["Sky"]().eval()  # in module "<run_path>"
    given = prepare(network, Interface("sky", (3, 8, 8), (8, 8)), "uint8")
    with pytest.raises(UnsupportedError, match="a class that TorchScript can name"):
        write_torchscript(given, ExportOptions(), "{}")


def test_write_torchscript_of_a_scripted_branch_raises(make, interface):
    def double(x: Tensor) -> Tensor:
        return x * 2 if bool(x.sum() > 1e9) else x

    class Branch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return scripted(x)

    with suppress_known_messages():
        scripted = torch.jit.script(double)
    given = prepare(make(Branch()), interface, "uint8")
    with pytest.raises(UnsupportedError, match="without branches; found _0 in the code"):
        write_torchscript(given, ExportOptions(), "{}")


@pytest.fixture
def folder(bundle_path, tmp_path) -> Path:
    with zipfile.ZipFile(bundle_path) as archive:
        archive.extractall(tmp_path / "faces.ganport")
    return tmp_path / "faces.ganport"


def check(folder: Path) -> Check:
    (only,) = compare_torchscript(Bundle.open(folder))
    return only


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Replace a file and its entry in the manifest."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = {"sha256": sha256_of(data), "size": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def other_script(make, interface, text: str, **network) -> bytes:
    prepared = prepare(make(**network), interface, "uint8")
    (artifact,) = write_torchscript(prepared, ExportOptions(), text)
    return artifact.data


def test_compare_torchscript_of_an_intact_file_passes(folder):
    result = check(folder)
    assert result.passed
    assert result.name == f"fixtures of {SCRIPT}"
    assert "N = 1: 0 levels" in result.detail


def test_compare_torchscript_verifies_the_digest_first(folder):
    (folder / SCRIPT).write_bytes(b"\0" * (folder / SCRIPT).stat().st_size)
    result = check(folder)
    assert result.passed is False
    assert "SHA-256" in result.detail


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"\x80\x04N."])
def test_compare_torchscript_of_a_corrupt_file_fails(folder, data):
    replace_file(folder, SCRIPT, data)
    result = check(folder)
    assert result.passed is False
    assert f"{SCRIPT}: expected a TorchScript file" in result.detail


def test_compare_torchscript_of_another_network_fails(folder, make, interface):
    manifest = build_manifest([interface], ExportOptions())
    text = metadata_json(manifest, manifest.graphs[0])
    replace_file(folder, SCRIPT, other_script(make, interface, text, effect=-1.0))
    result = check(folder)
    assert result.passed is False
    assert "the recorded output" in result.detail


def test_compare_torchscript_with_another_interface_fails(folder, make, interface):
    replace_file(folder, SCRIPT, other_script(make, interface, '{"schema_version":1}'))
    assert "the manifest's interface" in check(folder).detail


def test_compare_torchscript_without_fixtures_fails(folder):
    replace_file(folder, "fixtures.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    result = check(folder)
    assert result.passed is False
    assert f"{SCRIPT}/n1/z" in result.detail


class Reading(nn.Module):
    """Reads a file of the user when it runs."""

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z + torch.from_file("/etc/passwd", False, 4, dtype=torch.uint8)


class Writing(nn.Module):
    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        torch.save(z, "written")
        return z


class Endless(nn.Module):
    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        while bool(z.sum() < 1e30):
            z = z * 0
        return z


class Large(nn.Module):
    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z + torch.ones([3221225472], dtype=torch.uint8).sum()


class WritingOnLoad(nn.Module):
    """Writes a file as soon as the archive is loaded."""

    training: bool

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return torch.zeros(1), self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        torch.save(state[0], "written")
        self.training = state[1]

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return z


HOSTILE = [Reading, Writing, Endless, WritingOnLoad]


def hostile_script(kind: type[nn.Module]) -> bytes:
    with suppress_known_messages():
        return save(torch.jit.script(kind()), METADATA_KEY, "{}")


@pytest.mark.parametrize("kind", HOSTILE)
def test_verify_never_runs_hostile_code(folder, kind, tmp_path, monkeypatch):
    replace_file(folder, SCRIPT, hostile_script(kind))
    monkeypatch.chdir(tmp_path)
    checks = {check.name: check for check in check_graphs(Bundle.open(folder), trust_code=False)}
    assert checks[f"code of {SCRIPT}"].passed is False
    assert "only if you trust its author" in checks[f"code of {SCRIPT}"].detail
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    "kind", [Endless, pytest.param(Large, marks=pytest.mark.long), WritingOnLoad]
)
def test_trusted_code_runs_in_a_child_with_limits(folder, kind, tmp_path, monkeypatch):
    replace_file(folder, SCRIPT, hostile_script(kind))
    monkeypatch.chdir(tmp_path)
    seconds = 6 if kind is Endless else 200
    checks = list(verify(Bundle.open(folder), trust_code=True, timeout=seconds))
    assert [check.name for check in checks if check.passed is False][-1] in (
        "graphs",
        f"fixtures of {SCRIPT}",
    )
    assert not (tmp_path / "written").exists() or not (tmp_path / "written").stat().st_size
