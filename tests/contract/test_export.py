"""`export-gan` writes verified bundles, or nothing."""

import hashlib
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import product
import pytest
import recorded
import renames
from onnx import TensorProto, numpy_helper

PHASE = renames.FILES["generator.phase.onnx"]
GOOD: dict[str, tuple[object, ...]] = {
    "full": (
        *("export-gan", "faces", "--precision", "fp16", "--phase", "--temperature", 0.5),
        *("--license", "CC0-1.0", "--name", "mine", "--report", "report.json"),
        *("--out", "full.ganport"),
    ),
    "float": (
        *("export-gan", "attributes", "--format", "onnx", "--image", "float"),
        *("--out", "float.ganport/"),
    ),
    "verify full": ("ganport", "verify", "full.ganport"),
    "verify float": ("ganport", "verify", "float.ganport"),
}
BAD: dict[str, tuple[int, tuple[object, ...]]] = {
    "nothing": (2, ("export-gan",)),
    "no --out": (2, ("export-gan", "faces")),
    "nowhere": (2, ("export-gan", "nowhere", "--out", "x.ganport")),
    "no run": (2, ("export-gan", "faces.zip", "--out", "x.ganport")),
    "there already": (2, ("export-gan", "faces", "--out", "faces.ganport")),
    "old opset": (2, ("export-gan", "faces", "--opset", 17, "--out", "x.ganport")),
    "wrong format": (2, ("export-gan", "faces", "--format", "odd", "--out", "x.ganport")),
    "wrong temperature": (2, ("export-gan", "faces", "--temperature", -1, "--out", "x.ganport")),
    "wrong step": (1, ("export-gan", "faces", "--take", 5, "--out", "x.ganport")),
    "step of a checkpoint": (
        2,
        (
            *("export-gan", "faces/checkpoints/000000300", "--take", "latest"),
            *("--out", "x.ganport"),
        ),
    ),
}
CALLS = {**GOOD, **{name: words for name, (_, words) in BAD.items()}}
BANNED = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Dropout"}


@pytest.mark.parametrize("name", GOOD)
def test_command_that_can_exits_with_0(calls: product.Calls, name: str) -> None:
    assert calls[name].code == 0, calls[name].err


@pytest.mark.parametrize("name", BAD)
def test_command_that_cannot_exits_with_its_code(
    calls: product.Calls, work: Path, name: str
) -> None:
    outcome = calls[name]
    assert outcome.code == BAD[name][0], outcome.err
    assert outcome.err.strip()
    assert "Traceback" not in outcome.err
    assert not (work / "x.ganport").exists()


@pytest.fixture(scope="module")
def full(calls: product.Calls, work: Path) -> dict[str, bytes]:
    """Return the files of the bundle that has everything."""
    assert calls["full"].code == 0, calls["full"].err
    with zipfile.ZipFile(work / "full.ganport") as archive:
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        return {name: archive.read(name) for name in archive.namelist()}


def model_of(data: bytes) -> onnx.ModelProto:
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    return model


def test_bundle_holds_the_files_of_the_contract(full: dict[str, bytes]) -> None:
    graphs = {"generator.onnx", "generator.fp16.onnx", PHASE, "generator.ts.pt"}
    beside = {"manifest.json", "fixtures.safetensors", "MODEL_CARD.md", "preview.png"}
    assert full.keys() == graphs | beside | {"SHA256SUMS"}
    sums = dict(line.split("  ")[::-1] for line in full["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in full.items()
        if name != "SHA256SUMS"
    }


def test_manifest_holds_the_keys_of_the_contract(full: dict[str, bytes]) -> None:
    manifest = json.loads(full["manifest.json"])
    path = product.FIXTURES / "faces.ganport" / "manifest.json"
    older = product.manifest_today(json.loads(path.read_text()))
    assert manifest.keys() == older.keys()
    for key in ("schema_version", "version", "family", "conditions", "image", "batch"):
        assert manifest[key] == older[key], key
    assert (manifest["name"], manifest["license"]) == ("mine", "CC0-1.0")
    assert manifest["noise"] == {"algorithm": "philox4x32-10/box-muller-f64/1", "temperature": 0.5}
    assert full["manifest.json"] == canonical(manifest)
    assert manifest["files"] == {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in full.items()
        if name not in ("manifest.json", "SHA256SUMS")
    }
    (graph,), (before,) = manifest["graphs"], older["graphs"]
    files = [(file["path"], file["precision"], file.get("form")) for file in graph.pop("files")]
    assert files == [
        ("generator.onnx", "fp32", None),
        ("generator.fp16.onnx", "fp16", None),
        (PHASE, "fp32", "phase"),
        ("generator.ts.pt", "fp32", None),
    ]
    assert graph == {key: value for key, value in before.items() if key != "files"}
    assert {"limit", "batches", "graphs", "sensitivity"} <= manifest["parity"].keys()
    assert set(manifest["parity"]["sensitivity"]["moved"]) == {"z", "hair", "eyes"}
    assert {"checkpoint_sha256", "config_sha256", "packages"} <= manifest["provenance"].keys()


def canonical(value: Any) -> bytes:
    """Return JSON as RFC 8785 has it, for the numbers that a manifest holds."""
    import rfc8785

    return rfc8785.dumps(value)


def test_graphs_hold_only_what_the_contract_allows(full: dict[str, bytes]) -> None:
    for name in ("generator.onnx", "generator.fp16.onnx", PHASE):
        model = model_of(full[name])
        assert [(each.domain, each.version) for each in model.opset_import] == [("", 18)]
        assert model.ir_version == 8
        assert [each.name for each in model.graph.input] == ["z", "condition"]
        assert [each.name for each in model.graph.output] == ["image"]
        for tensor in (*model.graph.input, *model.graph.output):
            dims = tensor.type.tensor_type.shape.dim
            assert dims[0].dim_param == "batch"
            assert all(dim.dim_value > 0 for dim in dims[1:])
        assert not {node.op_type for node in model.graph.node} & BANNED
        assert all(node.domain in ("", "ai.onnx") for node in model.graph.node)
        assert not any(tensor.external_data for tensor in model.graph.initializer)
        embedded = {entry.key: entry.value for entry in model.metadata_props}
        assert json.loads(embedded["ganport.interface"])["interface"] == "gan.generate/1"


def test_graph_of_version_1_is_written_again(full: dict[str, bytes]) -> None:
    older = model_of((product.FIXTURES / "faces.ganport" / "generator.onnx").read_bytes())
    model = model_of(full["generator.onnx"])
    packages = [
        json.loads(data)["provenance"]["packages"]
        for data in (
            full["manifest.json"],
            (product.FIXTURES / "faces.ganport" / "manifest.json").read_bytes(),
        )
    ]
    exporters = ("torch", "onnx", "onnxscript")
    if any(packages[0][name] != packages[1][name] for name in exporters):
        pytest.skip("Another version of the exporter may choose other operators.")
    counts = [Counter(node.op_type for node in each.graph.node) for each in (model, older)]
    assert counts[0] == counts[1]
    tensors = [
        sorted(
            (tuple(tensor.dims), tensor.data_type, tensor.name) for tensor in each.graph.initializer
        )
        for each in (model, older)
    ]
    assert [tensor[:2] for tensor in tensors[0]] == [tensor[:2] for tensor in tensors[1]]


def largest(model: onnx.ModelProto) -> onnx.TensorProto:
    """Return the largest weight of a graph."""
    return max(model.graph.initializer, key=lambda tensor: numpy_helper.to_array(tensor).size)


def test_half_precision_graph_holds_half_weights(full: dict[str, bytes]) -> None:
    assert largest(model_of(full["generator.fp16.onnx"])).data_type == TensorProto.FLOAT16
    assert largest(model_of(full["generator.onnx"])).data_type == TensorProto.FLOAT


def test_polyphase_graph_holds_no_transposed_convolution(full: dict[str, bytes]) -> None:
    assert "ConvTranspose" in {n.op_type for n in model_of(full["generator.onnx"]).graph.node}
    assert "ConvTranspose" not in {n.op_type for n in model_of(full[PHASE]).graph.node}


def test_exported_run_gives_the_recorded_images(full: dict[str, bytes], work: Path) -> None:
    generator = product.public("ganport_runtime.Generator").load(work / "full.ganport", "cpu")
    found = generator.generate("pink hair blue eyes", seed=7, count=3, temperature=1.0)
    with np.load(recorded.FILE) as file:
        apart = np.abs(found.astype(int) - file["trained"])
    # The reason for both bounds stands in `test_pixels.py`.
    assert apart.max() <= 1
    assert (apart > 0).sum() <= 2 + 0.005 * apart.size


def test_half_precision_gives_nearly_the_same_images(full: dict[str, bytes], work: Path) -> None:
    load = product.public("ganport_runtime.Generator").load
    images = [
        load(work / "full.ganport", "cpu", **product.arguments(precision=precision)).generate(
            "pink hair", seed=1, count=8
        )
        for precision in ("fp32", "fp16")
    ]
    assert np.abs(images[0].astype(int) - images[1]).max() <= 2


def test_float_image_gives_the_levels_of_the_other(calls: product.Calls, work: Path) -> None:
    assert calls["float"].code == 0
    manifest = json.loads((work / "float.ganport" / "manifest.json").read_text())
    assert manifest["image"] == {"size": [16, 16], **renames.IMAGES["float32"]}
    assert manifest["noise"] is None
    model = model_of((work / "float.ganport" / "generator.onnx").read_bytes())
    assert [each.name for each in model.graph.input] == ["image_in", "condition"]
    generator = product.public("ganport_runtime.Generator").load(work / "float.ganport", "cpu")
    found = generator.translate(recorded.images(2, 16), "Smiling")
    with np.load(recorded.FILE) as file:
        assert np.abs(found.astype(int) - file["trained translate"]).max() <= 1


def test_report_file_holds_what_was_measured(calls: product.Calls, work: Path) -> None:
    assert calls["full"].code == 0
    report = json.loads((work / "report.json").read_text())
    assert {"path", "opset", "files", "parity", "provenance"} <= report.keys()
    assert report["opset"] == 18
