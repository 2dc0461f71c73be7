"""Write the tiny bundles of the runtime's tests: `python tests/runtime/build_fixtures.py`.

`data/tiny.ganport` is the version-1 bundle that every later version must load. This script
documents how it was made and is not run again. It needs the export extra and onnxruntime.

The graph is one matrix product: every pixel depends on z and on each condition group.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import rfc8785
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from ganport_runtime.bundle.manifest import (
    MANIFEST_NAME,
    METADATA_KEY,
    SUMS_NAME,
    BatchLimits,
    FileEntry,
    Graph,
    GraphFile,
    Image,
    Manifest,
    Noise,
    Tensor,
)
from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.files import atomic_directory, atomic_write
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.noise import normals, seed_range

SIDE, NOISE = 8, 4
DATA = Path(__file__).parent / "data"
CONDITIONS = Conditions(
    (
        OneHot("hair", ("pink", "black", "dark red"), "black"),
        OneHot("eyes", ("blue", "green"), "blue"),
    )
)
EVERY_KIND = Conditions(
    (
        Rgb("hair", "rosy", (-1.0, 1.0), {"rosy": "#ff88cc", "ash": "#c0c0c0"}),
        Rgb("sky", "#4080ff"),
        JointOneHot("look", (OneHot("eyes", ("blue", "green")), OneHot("mood", ("calm", "wild")))),
        MultiHot("objects", ("cube", "ball", "cone"), max_active=2),
        SignedMultiHot("face", ("smiling", "young")),
        Scalar("age", 0.5, 0, 1),
    )
)


PLANES = np.array([-1, 3, SIDE, SIDE], np.int64)
LEVELS = {
    "scale": np.float32(127.5),
    "shift": np.float32(128),
    "low": np.float32(0),
    "high": np.float32(255),
}


def build_graph(image: str, conditions: Conditions) -> tuple[Graph, Image]:
    """Return the manifest entries of the tiny graph, with a uint8 or a float32 image."""
    uint8 = image == "uint8"
    shape = ("batch", SIDE, SIDE, 3) if uint8 else ("batch", 3, SIDE, SIDE)
    inputs = [Tensor("z", "float32", ("batch", NOISE))]
    if conditions.size:
        inputs.append(Tensor("condition", "float32", ("batch", conditions.size)))
    graph = Graph(
        "gan.generate/1",
        tuple(inputs),
        Tensor("image", image, shape),
        (GraphFile("generator.onnx", "onnx", "fp32"),),
    )
    return graph, Image(ImageFormat((SIDE, SIDE)), "uint8" if uint8 else "signed")


def build_manifest(image: str = "uint8", conditions: Conditions = CONDITIONS) -> Manifest:
    """Return the tiny manifest with empty `files`."""
    graph, image_spec = build_graph(image, conditions)
    return Manifest(
        name="tiny",
        version="1.0.0",
        family="test",
        graphs=(graph,),
        conditions=conditions,
        noise=Noise(),
        image=image_spec,
        batch=BatchLimits(1, 16, 64),
        files={},
        parity={"limit": 1e-5},
        provenance={"written_by": "tests/runtime/build_fixtures.py"},
        license="Apache-2.0",
        schema_version=1,
    )


def build_tiny_model(manifest: Manifest) -> bytes:
    """Return the ONNX file: tanh([z, condition] W), and for uint8 floor(clamp(x * 127.5 + 128))."""
    graph = manifest.graphs[0]
    width = NOISE + manifest.conditions.size
    weights = np.random.default_rng(20240401).normal(0, 0.6, (width, 3 * SIDE * SIDE))
    constants = {
        "weights": weights.astype(np.float32),
        "planes": PLANES,
    } | LEVELS
    uint8 = manifest.image.dtype == "uint8"
    nodes = [
        helper.make_node("Concat", [tensor.name for tensor in graph.inputs], ["joined"], axis=1),
        helper.make_node("MatMul", ["joined", "weights"], ["flat"]),
        helper.make_node("Tanh", ["flat"], ["squashed"]),
        helper.make_node("Reshape", ["squashed", "planes"], ["float" if uint8 else "image"]),
    ]
    if uint8:
        nodes += uint8_head()
    return build_model(manifest, graph, nodes, constants)


def uint8_head() -> list[onnx.NodeProto]:
    """Return the nodes from `float` (N, 3, H, W) to the uint8 `image`; they use `LEVELS`."""
    return [
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["shifted"]),
        helper.make_node("Clip", ["shifted", "low", "high"], ["clipped"]),
        helper.make_node("Floor", ["clipped"], ["floored"]),
        helper.make_node("Cast", ["floored"], ["levels"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["levels"], ["image"], perm=[0, 2, 3, 1]),
    ]


def build_model(
    manifest: Manifest, graph: Graph, nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]
) -> bytes:
    """Return the ONNX file of one graph, with its interface embedded."""
    used = {name for node in nodes for name in node.input}
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "tiny",
            [_value(tensor) for tensor in graph.inputs],
            [_value(graph.output)],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items() if k in used],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    embedded = rfc8785.dumps(manifest.interface_json(graph)).decode()
    helper.set_model_props(model, {METADATA_KEY: embedded})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _value(tensor: Tensor) -> onnx.ValueInfoProto:
    dtype = TensorProto.UINT8 if tensor.dtype == "uint8" else TensorProto.FLOAT
    return helper.make_tensor_value_info(tensor.name, dtype, tensor.shape)


def fixtures(manifest: Manifest, model: bytes) -> bytes:
    """Return recorded inputs and output of the graph for N = 1 and 3."""
    tensors: dict[str, np.ndarray] = {}
    for count in (1, 3):
        requests = ["pink hair green eyes", "black hair blue eyes", "dark red hair"][:count]
        feeds = {
            "z": normals(seed_range(42, count), (NOISE,)),
            "condition": manifest.conditions.encode_many(requests),
        }
        tensors |= record(manifest.graphs[0], model, count, feeds)
    return bytes(save(tensors))


def record(
    graph: Graph, model: bytes, count: int, feeds: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the fixtures of one batch: the inputs and the output of the graph."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    output = graph.output.name
    values = feeds | {output: session.run([output], feeds)[0]}
    path = graph.files[0].path
    return {f"{path}/n{count}/{k}": np.ascontiguousarray(v) for k, v in values.items()}


def write_bundle(folder: Path, image: str = "uint8") -> None:
    """Write the tiny bundle as a folder."""
    manifest = build_manifest(image)
    model = build_tiny_model(manifest)
    files = {
        "generator.onnx": model,
        "fixtures.safetensors": fixtures(manifest, model),
        "MODEL_CARD.md": b"# tiny\n\nA matrix product that the runtime's tests run.\n",
    }
    write_files(folder, manifest, files)


def write_files(folder: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    """Write a bundle of these files as a folder."""
    entries = {
        name: asdict(FileEntry(hashlib.sha256(data).hexdigest(), len(data)))
        for name, data in files.items()
    }
    value = manifest.to_json() | {"files": entries}
    files[MANIFEST_NAME] = rfc8785.dumps(value)
    sums = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())]
    files[SUMS_NAME] = "".join(sums).encode()
    with atomic_directory(folder) as temporary:
        for name, data in files.items():
            (temporary / name).write_bytes(data)


if __name__ == "__main__":
    write_bundle(DATA / "tiny.ganport")
    write_bundle(DATA / "tiny-float.ganport", "float32")
    unconditional = build_tiny_model(build_manifest(conditions=Conditions()))
    atomic_write(DATA / "tiny-unconditional.onnx", unconditional)
    every_kind = build_tiny_model(build_manifest(conditions=EVERY_KIND))
    atomic_write(DATA / "tiny-every-kind.onnx", every_kind)
    atomic_write(DATA / "tiny.onnx", (DATA / "tiny.ganport" / "generator.onnx").read_bytes())
