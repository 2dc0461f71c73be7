import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.bundle import Bundle
from ganport_runtime.errors import BundleError
from ganport_runtime.files import sha256_of

NAMES = (
    "MODEL_CARD.md", "SHA256SUMS", "fixtures.safetensors", "generator.onnx", "manifest.json"
)  # fmt: skip


def test_open_folder_reads_its_files(tiny: Any) -> None:
    bundle = Bundle.open(tiny.path)
    assert bundle.manifest.name == "tiny"
    assert bundle.names() == NAMES
    assert bundle.digest == sha256_of(tiny.path / "manifest.json")
    assert bundle.read("generator.onnx") == (tiny.path / "generator.onnx").read_bytes()
    assert not bundle.is_single_file


def test_open_zip_equals_the_folder(tiny: Any) -> None:
    folder, zipped = Bundle.open(tiny.path), Bundle.open(str(tiny.zipped()))
    assert zipped.manifest == folder.manifest
    assert zipped.digest == folder.digest
    assert zipped.names() == NAMES
    for name in NAMES:
        assert zipped.read(name) == folder.read(name)


def test_open_single_graph_reads_its_embedded_interface(data: Path) -> None:
    bundle = Bundle.open(data / "tiny.onnx")
    whole = Bundle.open(data / "tiny.ganport")
    assert bundle.is_single_file
    assert bundle.manifest.conditions == whole.manifest.conditions
    assert bundle.manifest.image == whole.manifest.image
    assert bundle.digest == sha256_of(data / "tiny.onnx")
    assert bundle.read("tiny.onnx") == whole.read("generator.onnx")


def test_open_single_graph_accepts_any_file_name(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mein Gesicht (2).onnx"
    path.write_bytes((data / "tiny.onnx").read_bytes())
    assert Bundle.open(path).manifest.name == "mein Gesicht (2)"


def test_error_place_is_the_given_path(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match=r"^manifest\.json: "):
        Bundle.open(".")
    (tiny.path / "MODEL_CARD.md").unlink()
    with pytest.raises(BundleError) as caught:
        Bundle.open(tiny.path).read("MODEL_CARD.md")
    assert caught.value.place == str(tiny.path / "MODEL_CARD.md")


def test_open_path_too_long_is_a_bundle_error() -> None:
    with pytest.raises(BundleError, match="expected a readable bundle; found File name too long"):
        Bundle.open("x" * 300)


@pytest.mark.parametrize("name", ["generator.ts.pt", "x.pt", "x.PTH"])
def test_open_torchscript_file_names_the_export_command(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(BundleError, match=r"export-gan RUN --format onnx --out NAME\.ganport"):
        Bundle.open(tmp_path / name)


@pytest.mark.parametrize(
    ("role", "found"), [("torchscript", "TorchScript"), ("pt2", "an ExportedProgram")]
)
def test_find_onnx_of_a_bundle_without_onnx_names_the_export_command(
    tiny: Any, role: str, found: str
) -> None:
    tiny.edit(lambda value: value["graphs"][0]["files"][0].update(role=role))
    bundle = Bundle.open(tiny.path)
    with pytest.raises(BundleError, match=rf"found {found} only.*export-gan RUN --format onnx"):
        bundle.find_onnx("gan.generate/1")


def test_find_onnx_of_absent_interface_is_a_bundle_error(tiny: Any) -> None:
    with pytest.raises(BundleError, match=r"gan\.encode/1; found gan\.generate/1"):
        Bundle.open(tiny.path).find_onnx("gan.encode/1")


def with_files(tiny: Any, *files: dict[str, str]) -> Bundle:
    """Return the bundle with copies of its graph, tagged as the entries state."""
    graph = (tiny.path / "generator.onnx").read_bytes()
    for entry in files:
        (tiny.path / entry["path"]).write_bytes(graph)
        tiny.rewrite(entry["path"], lambda data: data)
    tiny.edit(lambda value: value["graphs"][0].update(files=list(files)))
    return Bundle.open(tiny.path)


FULL = {"path": "generator.onnx", "role": "onnx", "precision": "fp32"}
HALF = {"path": "generator.fp16.onnx", "role": "onnx", "precision": "fp16"}
POLYPHASE = {"path": "generator.phase.onnx", "role": "onnx", "precision": "fp32", "form": "phase"}


@pytest.mark.parametrize(
    ("precision", "form", "path"),
    [
        ("fp32", None, "generator.onnx"),
        ("bf16", None, "generator.onnx"),
        ("fp16", None, "generator.fp16.onnx"),
        ("fp32", "phase", "generator.phase.onnx"),
        ("bf16", "phase", "generator.phase.onnx"),
        ("fp16", "phase", "generator.fp16.onnx"),
        ("fp32", "spiral", "generator.onnx"),
    ],
)
def test_find_onnx_selects_precision_and_form(
    tiny: Any, precision: str, form: str | None, path: str
) -> None:
    bundle = with_files(tiny, POLYPHASE, HALF, FULL)
    assert bundle.find_onnx("gan.generate/1", precision, form)[1].path == path


def test_find_onnx_of_absent_precision_names_the_option(tiny: Any) -> None:
    with pytest.raises(BundleError) as caught:
        Bundle.open(tiny.path).find_onnx("gan.generate/1", "fp16")
    assert caught.value.place == str(tiny.path)
    assert "fp32" in caught.value.found
    assert "--precision fp16" in caught.value.fix


def test_find_onnx_of_single_graph_ignores_precision_and_form(data: Path) -> None:
    bundle = Bundle.open(data / "tiny.onnx")
    assert bundle.find_onnx("gan.generate/1", "fp16", "phase")[1].path == "tiny.onnx"


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("generator.onnx", lambda path: path.unlink(), "generator.onnx"),
        ("generator.onnx", lambda path: path.write_bytes(path.read_bytes()[:-1]), "8116 bytes"),
        ("generator.onnx", lambda path: path.write_bytes(path.read_bytes() + b"x"), "8116 bytes"),
        (
            "generator.onnx",
            lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\xff"),
            "generator.onnx: expected SHA-256 a23dc3f1154e",
        ),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_read_changed_file_is_a_bundle_error(
    tiny: Any, name: str, make: Callable[[Path], object], message: str, zipped: bool
) -> None:
    make(tiny.path / name)
    bundle = Bundle.open(tiny.zipped() if zipped else tiny.path)
    with pytest.raises(BundleError) as caught:
        bundle.read(name)
    assert message in str(caught.value) or (zipped and "a file in the zip" in str(caught.value))


@pytest.mark.parametrize("name", ["other", "../x", "/etc/passwd", "", "a\0b"])
def test_read_unlisted_file_is_a_bundle_error(tiny: Any, name: str) -> None:
    with pytest.raises(BundleError, match="a file that the manifest lists"):
        Bundle.open(tiny.path).read(name)


def test_read_link_in_folder_is_a_bundle_error(tiny: Any, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tiny.path / "generator.onnx").rename(target)
    (tiny.path / "generator.onnx").symlink_to(target)
    with pytest.raises(BundleError, match="a regular file; found a link"):
        Bundle.open(tiny.path).read("generator.onnx")


def test_open_pipe_as_manifest_does_not_block(tiny: Any) -> None:
    (tiny.path / "manifest.json").unlink()
    os.mkfifo(tiny.path / "manifest.json")
    with pytest.raises(BundleError, match="a regular file"):
        Bundle.open(tiny.path)


def test_open_huge_manifest_is_a_bundle_error(tiny: Any) -> None:
    with (tiny.path / "manifest.json").open("wb") as file:
        file.truncate(100 * 2**20)
    for path in (tiny.path, tiny.zipped()):
        with pytest.raises(BundleError, match="at most 16777216 bytes"):
            Bundle.open(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"x\.ganport"),
        (b"", "a bundle folder or a stored zip"),
        (b"hello", "a bundle folder or a stored zip"),
        (b"PK\x03\x04" + b"\0" * 100, "a bundle folder or a stored zip"),
        (b"PK\x05\x06" + b"\xff" * 18, "a bundle folder or a stored zip"),
    ],
)
def test_open_other_content_is_a_bundle_error(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "x.ganport"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match=message):
        Bundle.open(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_open_device_is_a_bundle_error(path: str) -> None:
    with pytest.raises(BundleError, match="a stored zip; found a device or pipe"):
        Bundle.open(path)


def test_open_path_with_null_byte_is_a_bundle_error() -> None:
    with pytest.raises(BundleError, match="null byte"):
        Bundle.open("a\0b")


def test_open_empty_folder_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json: "):
        Bundle.open(tmp_path)


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x08\x08" * 400])
def test_open_single_file_without_a_graph_is_a_bundle_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(data)
    with pytest.raises(BundleError, match=r"x\.onnx: "):
        Bundle.open(tmp_path / "x.onnx")


def test_open_single_graph_without_metadata_is_a_bundle_error(data: Path, tmp_path: Path) -> None:
    graph = (data / "tiny.onnx").read_bytes().replace(b"ganport.interface", b"other.interfaces!")
    (tmp_path / "x.onnx").write_bytes(graph)
    with pytest.raises(BundleError, match=r"ganport\.interface"):
        Bundle.open(tmp_path / "x.onnx")
