import json
import zipfile
from pathlib import Path

import pytest

from ganport_export.checks.torchscript_check import check_torchscript
from ganport_export.formats.formats import script_artifact
from ganport_export.manifest_builder import describe, embedded
from ganport_export.options import Options
from ganport_export.prepare import prepare
from ganport_runtime import Bundle
from ganport_runtime.bundle.verify import Check
from ganport_runtime.files import sha256_of

SCRIPT = "generator.ts.pt"


@pytest.fixture
def folder(bundle_path, tmp_path) -> Path:
    with zipfile.ZipFile(bundle_path) as archive:
        archive.extractall(tmp_path / "faces.ganport")
    return tmp_path / "faces.ganport"


def check(folder: Path) -> Check:
    (only,) = check_torchscript(Bundle.open(folder))
    return only


def put(folder: Path, name: str, data: bytes) -> None:
    """Replace a file and its entry in the manifest, as a forger would."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = {"sha256": sha256_of(data), "size": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def another(make, interface, text: str, **network) -> bytes:
    prepared = prepare(make(**network), interface, "uint8")
    return script_artifact(prepared, Options(), text).data


def test_a_sound_file_passes_with_its_distance(folder):
    result = check(folder)
    assert result.passed
    assert result.name == f"fixtures of {SCRIPT}"
    assert "N = 1: 0 levels" in result.detail


def test_a_changed_file_is_not_even_loaded(folder):
    (folder / SCRIPT).write_bytes(b"\0" * (folder / SCRIPT).stat().st_size)
    result = check(folder)
    assert result.passed is False
    assert "SHA-256" in result.detail


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"\x80\x04N."])
def test_a_file_torch_cannot_load_is_named(folder, data):
    put(folder, SCRIPT, data)
    result = check(folder)
    assert result.passed is False
    assert f"{SCRIPT}: expected a TorchScript file" in result.detail


def test_another_network_is_seen_by_its_pictures(folder, make, interface):
    manifest = describe([interface], Options())
    text = embedded(manifest, manifest.graphs[0])
    put(folder, SCRIPT, another(make, interface, text, heard=-1.0))
    result = check(folder)
    assert result.passed is False
    assert "the recorded output" in result.detail


def test_another_interface_inside_is_seen(folder, make, interface):
    put(folder, SCRIPT, another(make, interface, '{"schema_version":1}'))
    assert "the manifest's interface inside" in check(folder).detail


def test_missing_fixtures_are_seen(folder):
    put(folder, "fixtures.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    result = check(folder)
    assert result.passed is False
    assert f"{SCRIPT}/n1/z" in result.detail
