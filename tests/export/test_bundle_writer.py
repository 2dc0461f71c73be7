import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from ganport_export import Interface, OptionError
from ganport_export.bundle_writer import (
    BundleWriter,
    build_manifest,
    check_json,
    metadata_json,
    write_directions,
)
from ganport_export.options import ExportOptions
from ganport_runtime.bundle.manifest import FileEntry, Manifest

FILES = {"manifest.json": b"{}", "b.bin": b"\x00" * 100, "a.txt": b"text"}
FLOW = Interface("a", (3, 8, 8), (8, 8))
ONES = np.ones((3, 8, 8), np.float32)


def write(path: Path | str, *, overwrite: bool = False) -> BundleWriter:
    writer = BundleWriter.at(path, overwrite=overwrite)
    writer.write(FILES)
    return writer


def read_folder(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_write_at_a_plain_name_makes_a_stored_zip(tmp_path):
    write(tmp_path / "x.ganport")
    with zipfile.ZipFile(tmp_path / "x.ganport") as archive:
        entries = archive.infolist()
        assert {entry.filename: archive.read(entry) for entry in entries} == FILES
    assert [entry.filename for entry in entries] == sorted(FILES)
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_write_of_equal_files_makes_equal_zips(tmp_path):
    write(tmp_path / "x.ganport")
    reordered = dict(reversed(FILES.items()))
    BundleWriter.at(tmp_path / "y.ganport", overwrite=False).write(reordered)
    assert (tmp_path / "x.ganport").read_bytes() == (tmp_path / "y.ganport").read_bytes()


def test_write_at_a_trailing_slash_makes_a_folder(tmp_path):
    assert write(f"{tmp_path}/x.ganport/").is_folder
    assert read_folder(tmp_path / "x.ganport") == FILES


def test_writer_at_an_existing_file_requires_overwrite(tmp_path):
    path = tmp_path / "x.ganport"
    path.write_bytes(b"older")
    with pytest.raises(OptionError, match="--force") as caught:
        write(path)
    assert caught.value.exit_code == 2
    assert path.read_bytes() == b"older"
    write(path, overwrite=True)
    assert zipfile.is_zipfile(path)


def test_write_at_a_bundle_folder_replaces_the_folder(tmp_path):
    write(f"{tmp_path}/x.ganport/")
    (tmp_path / "x.ganport" / "stale.onnx").write_bytes(b"old")
    write(tmp_path / "x.ganport", overwrite=True)
    assert set(read_folder(tmp_path / "x.ganport")) == set(FILES)


def test_writer_at_a_folder_without_manifest_raises(tmp_path):
    folder = tmp_path / "x.ganport"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match="a bundle to replace"):
        write(folder, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.onnx", "an export of one ONNX graph"),
        ("", r"a name that ends in \.ganport"),
        ("nowhere/x.ganport", "an existing folder"),
    ],
)
def test_writer_at_an_unusable_path_raises(tmp_path, name, expected):
    with pytest.raises(OptionError, match=expected) as caught:
        BundleWriter.at(tmp_path / name, overwrite=True)
    assert caught.value.exit_code == 2


def test_write_that_fails_keeps_the_previous_bundle(tmp_path):
    write(f"{tmp_path}/x.ganport/")
    writer = BundleWriter.at(f"{tmp_path}/x.ganport/", overwrite=True)
    with pytest.raises(OSError):
        writer.write({"a.txt": b"new", "missing/b.txt": b"in a folder that does not exist"})
    assert read_folder(tmp_path / "x.ganport") == FILES
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.ganport"]


def cycle() -> dict:
    value: dict = {}
    value["self"] = value
    return value


@pytest.mark.parametrize("value", [{"seed": 2**63}, {"loss": float("nan")}, {"a": {1, 2}}, cycle()])
def test_check_json_of_a_value_without_canonical_form_raises(value):
    with pytest.raises(OptionError) as caught:
        check_json("provenance", value)
    assert (caught.value.place, caught.value.exit_code) == ("provenance", 2)


@pytest.mark.parametrize("image", ["uint8", "float"])
def test_manifest_describes_the_interface(interface, image):
    manifest = build_manifest([interface], ExportOptions(image=image, precision="fp16"))
    (graph,) = manifest.graphs
    assert graph.interface == "gan.generate/1"
    assert [tensor.shape for tensor in graph.inputs] == [("batch", 4), ("batch", 5)]
    assert graph.output.shape[1:] == interface.output_shape(image)
    assert manifest.image.size == (8, 8)


def test_metadata_is_canonical_and_names_no_file(interface):
    manifest = build_manifest([interface], ExportOptions())
    text = metadata_json(manifest, manifest.graphs[0])
    value = json.loads(text)
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"))
    assert not {"files", "parity"} & set(value)


def test_metadata_alone_describes_a_single_graph(interface):
    manifest = build_manifest([interface], ExportOptions())
    value = json.loads(metadata_json(manifest, manifest.graphs[0]))
    entry = FileEntry("0" * 64, 1)
    single = Manifest.from_interface(value, "x", file="x.onnx", entry=entry)
    assert single.conditions == interface.conditions


def test_directions_are_read_back_and_do_not_depend_on_their_order():
    directions = {"b/y": ONES, "a/x": ONES.transpose(0, 2, 1) * 2}
    data = write_directions(directions, FLOW)
    assert data == write_directions(dict(sorted(directions.items())), FLOW)
    read = load(data)
    assert all(np.array_equal(read[name], directions[name]) for name in directions)


@pytest.mark.parametrize(
    ("directions", "found"),
    [
        ({"a": ONES[0]}, r"float32 of shape \(8, 8\)"),
        ({"a": ONES.astype(np.float64)}, "float64"),
        ({"a": ONES * np.float32(np.inf)}, "named 'a'"),
        ({"two\nlines": ONES}, "two"),
    ],
)
def test_directions_that_do_not_fit_z_raise(directions, found):
    with pytest.raises(OptionError, match=f"^directions: .*found .*{found}"):
        write_directions(directions, FLOW)
