import io
import zipfile
from pathlib import Path

import pytest
import torch

from ganport_export import export
from ganport_export.formats.pt2 import compare_pt2, load
from ganport_export.formats.trusted_files import compare_files
from ganport_runtime import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.verify import verify

FILE, SCRIPT = "generator.pt2", "generator.ts.pt"


@pytest.fixture(scope="module")
def exported(make, interface, tmp_path_factory) -> Bundle:
    path = tmp_path_factory.mktemp("pt2")
    report = export(make(), interface, f"{path}/x.ganport/", format="onnx,torchscript,pt2")
    return Bundle.open(report.path)


def test_pt2_with_other_formats_passes_parity_and_gives_its_images(exported):
    graphs = exported.manifest.parity["graphs"]
    assert set(graphs) == {"generator.onnx", SCRIPT, FILE}
    assert 0 < graphs[FILE]["error"]["ExportedProgram"] <= graphs[FILE]["limit"]
    network, metadata = load(exported.read(FILE), METADATA_KEY)
    assert '"interface":"gan.generate/1"' in metadata
    with torch.no_grad():
        pixels = network(torch.zeros(5, 4), torch.eye(5))
    assert (pixels.shape, pixels.dtype) == ((5, 8, 8, 3), torch.uint8)


def test_pt2_contains_no_local_path(exported):
    archive = zipfile.ZipFile(io.BytesIO(exported.read(FILE)))
    parts = [archive.read(name) for name in archive.namelist()]
    for path in (str(Path(__file__).parents[3]), "site-packages", str(Path.home()), "conftest"):
        assert not any(path.encode() in part for part in parts)


def test_verify_does_not_load_a_pt2_file_without_trust(exported):
    (check,) = (check for check in verify(exported) if check.name == f"code of {FILE}")
    assert (check.passed, "--trust-code" in check.detail) == (None, True)


def test_verify_with_trust_runs_the_files_of_torch_in_its_child(exported):
    """In a process with limits: torch prepares folders for its compiler while it loads the file."""
    checks = {check.name: check for check in verify(exported, trust_code=True)}
    for name in (FILE, SCRIPT):
        assert checks[f"fixtures of {name}"].passed, checks[f"fixtures of {name}"].detail
    assert not [check for check in checks.values() if check.passed is False]


def test_pt2_file_that_the_machine_cannot_load_is_not_called_damaged(exported):
    def fail(data: bytes) -> tuple[torch.nn.Module, str]:
        raise FileNotFoundError(2, "No usable temporary directory found")

    (check,) = compare_files(exported, "pt2", fail)
    assert check.passed is False
    assert "folder for temporary files" in check.detail and "damaged" not in check.detail


def test_compare_pt2_of_an_intact_file_passes(exported):
    (check,) = compare_pt2(exported)
    assert (check.name, check.passed) == (f"fixtures of {FILE}", True)


def test_compare_pt2_of_a_changed_file_fails_before_torch_reads_it(exported, tmp_path):
    for name in exported.names():
        (tmp_path / name).write_bytes((exported.path / name).read_bytes())
    (tmp_path / FILE).write_bytes(b"no program")
    (check,) = compare_pt2(Bundle.open(tmp_path))
    assert check.passed is False


def test_pt2_alone_replaces_torchscript(make, interface, tmp_path):
    report = export(make(), interface, tmp_path / "x.ganport", format="pt2")
    assert [file.path for file in report.manifest.graphs[0].files] == [FILE]
