"""Write the tiny translator and the tiny flow: `python tests/runtime/build_image_fixtures.py`.

Like `build_fixtures.py` it documents how the committed bundles were made. The translator adds a
pattern for each label to an image. The flow's two graphs are inverse to each other: images are
transposed, scaled, and shifted by the patterns of the condition.
"""

from __future__ import annotations

import numpy as np
from build_fixtures import DATA, LEVELS, PLANES, SIDE, build_model, record, uint8_head, write_files
from onnx import NodeProto, helper
from safetensors.numpy import save

from ganport_runtime.bundle.manifest import (
    BatchLimits,
    Graph,
    GraphFile,
    Image,
    Manifest,
    Noise,
    Tensor,
)
from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_float
from ganport_runtime.noise import normals, seed_range

FACE = SignedMultiHot("face", ("smiling", "young", "glasses"), ("young",))
PLANAR = ("batch", 3, SIDE, SIDE)
Z, IMAGE_IN = Tensor("z", "float32", PLANAR), Tensor("image_in", "float32", PLANAR)
CONDITION = Tensor("condition", "float32", ("batch", FACE.size))
IMAGE = Tensor("image", "uint8", ("batch", SIDE, SIDE, 3))
STRETCH = np.float32(0.25)


def graph_of(interface: str, first: Tensor, output: Tensor, path: str) -> Graph:
    return Graph(f"gan.{interface}/1", (first, CONDITION), output, (GraphFile(path),))


TRANSLATE = graph_of("translate", IMAGE_IN, IMAGE, "generator.onnx")
GENERATE = graph_of("generate", Z, IMAGE, "generator.onnx")
ENCODE = graph_of("encode", IMAGE_IN, Z, "encoder.onnx")
NODES = {
    TRANSLATE: [helper.make_node("Add", ["image_in", "pattern"], ["float"]), *uint8_head()],
    GENERATE: [
        helper.make_node("Mul", ["z", "stretch"], ["stretched"]),
        helper.make_node("Add", ["stretched", "pattern"], ["moved"]),
        helper.make_node("Transpose", ["moved"], ["float"], perm=[0, 1, 3, 2]),
        *uint8_head(),
    ],
    ENCODE: [
        helper.make_node("Transpose", ["image_in"], ["turned"], perm=[0, 1, 3, 2]),
        helper.make_node("Sub", ["turned", "pattern"], ["moved"]),
        helper.make_node("Div", ["moved", "stretch"], ["z"]),
    ],
}


def manifest_of(name: str, noise: Noise | None, *graphs: Graph) -> Manifest:
    """Return the manifest of a tiny bundle with empty `files`."""
    return Manifest(
        name=name,
        version="1.0.0",
        family="test",
        graphs=graphs,
        conditions=Conditions((FACE,)),
        noise=noise,
        image=Image(ImageFormat((SIDE, SIDE))),
        batch=BatchLimits(1, 16, 64),
        files={},
        parity={"limit": 1e-5},
        provenance={"written_by": "tests/runtime/build_image_fixtures.py"},
        license="Apache-2.0",
        schema_version=1,
    )


def patterns() -> np.ndarray:
    """Return the pattern that each label adds to an image, float32 (labels, 3 * SIDE * SIDE)."""
    values = np.random.default_rng(20241101).normal(0, 0.1, (FACE.size, 3 * SIDE * SIDE))
    return values.astype(np.float32)


def model(manifest: Manifest, graph: Graph) -> bytes:
    """Return the ONNX file of a graph: the `pattern` of the condition, then its own nodes."""
    common: list[NodeProto] = [
        helper.make_node("MatMul", ["condition", "patterns"], ["flat"]),
        helper.make_node("Reshape", ["flat", "planes"], ["pattern"]),
    ]
    constants = {"patterns": patterns(), "planes": PLANES, "stretch": STRETCH} | LEVELS
    return build_model(manifest, graph, common + NODES[graph], constants)


def fixtures(manifest: Manifest, models: dict[str, bytes]) -> bytes:
    """Return record inputs and output of every graph for N = 1 and 3."""
    tensors: dict[str, np.ndarray] = {}
    for graph in manifest.graphs:
        for count in (1, 3):
            requests = ["smiling", "", "young glasses"][:count]
            pixels = np.random.default_rng(7).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
            noise = normals(seed_range(42, count), (3, SIDE, SIDE))
            feeds = {
                graph.inputs[0].name: noise if graph.inputs[0] is Z else to_float(pixels),
                "condition": manifest.conditions.encode_many(requests),
            }
            tensors |= record(graph, models[graph.files[0].path], count, feeds)
    return bytes(save(tensors))


def write(manifest: Manifest, **others: bytes) -> None:
    """Write the bundle of a manifest with all its graphs and other files."""
    models = {graph.files[0].path: model(manifest, graph) for graph in manifest.graphs}
    card = f"# {manifest.name}\n\nA sum that the runtime's tests run.\n".encode()
    files = {"fixtures.safetensors": fixtures(manifest, models), "MODEL_CARD.md": card}
    write_files(DATA / f"{manifest.name}.ganport", manifest, models | files | others)


if __name__ == "__main__":
    write(manifest_of("tiny-translator", None, TRANSLATE))
    directions = patterns().reshape(FACE.size, 3, SIDE, SIDE) * 2 / STRETCH
    named = {f"face/{label}": way for label, way in zip(FACE.labels, directions, strict=True)}
    write(
        manifest_of("tiny-flow", Noise(temperature=0.5), GENERATE, ENCODE),
        **{"directions.safetensors": bytes(save(named))},
    )
