"""Write the tiny bundles of version 2: `python tests/runtime/build_format_fixtures.py`.

Like `build_fixtures.py` it documents how the committed bundles were made. The gray and the RGBA
bundle have all three graphs: images are shifted by the patterns of the condition, and `generate`
and `encode` are inverse to each other. The sprites are a matrix product, with each kind of head.
"""

from __future__ import annotations

import numpy as np
import onnx
from build_fixtures import (
    CONDITIONS,
    DATA,
    LEVELS,
    NOISE,
    build_model,
    record,
    write_files,
)
from onnx import TensorProto, helper
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
from ganport_runtime.conditions import Conditions, MultiHot
from ganport_runtime.conditions.colors import channels
from ganport_runtime.files import atomic_write
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_float
from ganport_runtime.noise import normals, seed_range

TINT = Conditions((MultiHot("tint", ("warm", "cold")),))
PALETTE = ("#1a1c2c", "#b13e53", "#ffcd75", "#38b764", "#3b5dc9", "#f4f4f4")
GRAY = ImageFormat((6, 10), "gray")
RGBA = ImageFormat((8, 6), "rgba")
SPRITE = ImageFormat((12, 20), "rgba", True, PALETTE, 2)
STRETCH = np.float32(0.25)
Nodes = list[onnx.NodeProto]
Constants = dict[str, np.ndarray]
HEAD: Constants = LEVELS | {
    "half": np.float32(0.5),
    "zero": np.float32(0),
    "one": np.float32(1),
    "two": np.float32(2),
    "min_alpha": np.float32(1 / 255),
    "threshold": np.float32(128),
    "parts": np.array([3, 1], np.int64),
    "entries": np.float32([channels(color) for color in PALETTE]),
}
HEAD |= {
    "lengths": np.square(HEAD["entries"]).sum(axis=1),
    "twice_entries": -2 * HEAD["entries"].T,
}
node = helper.make_node


def head(image: Image) -> Nodes:
    """Return the nodes from `float` (N, C, H, W), the network's output, to `image`."""
    form = image.format
    if image.range == "signed":
        return [node("Identity", ["float"], ["image"])]
    straight = _straight() if form.mode == "rgba" else [node("Identity", ["float"], ["straight"])]
    nodes = straight + _levels()
    if form.mode == "rgba":
        nodes += [node("Split", ["levels", "parts"], ["color", "alpha"], axis=3)]
        nodes += _two_levels() if form.alpha_levels == 2 else [_rename("alpha", "a")]
        nodes += _nearest() if form.palette else [_rename("color", "c")]
        nodes += [
            node("Greater", ["a", "zero"], ["visible"]),
            node("Where", ["visible", "c", "zero"], ["shown"]),
            node("Concat", ["shown", "a"], ["final"], axis=3),
        ]
    else:
        nodes += [_rename("levels", "final")]
    if image.range == "uint8":
        return [*nodes, node("Cast", ["final"], ["image"], to=TensorProto.UINT8)]
    return [  # of a discrete image, whose levels are all that is left
        *nodes,
        node("Div", ["final", "high"], ["fractions"]),
        node("Transpose", ["fractions"], ["image"], perm=[0, 3, 1, 2]),
    ]


def _rename(old: str, new: str) -> onnx.NodeProto:
    return node("Identity", [old], [new])


def _straight() -> Nodes:
    return [
        node("Mul", ["float", "half"], ["halved"]),
        node("Add", ["halved", "half"], ["unit"]),
        node("Split", ["unit", "parts"], ["unit_color", "unit_alpha"], axis=1),
        node("Split", ["float", "parts"], ["any_color", "float_alpha"], axis=1),
        node("Max", ["unit_alpha", "min_alpha"], ["divisor"]),
        node("Div", ["unit_color", "divisor"], ["ratio"]),
        node("Clip", ["ratio", "zero", "one"], ["clamped"]),
        node("Mul", ["clamped", "two"], ["doubled"]),
        node("Sub", ["doubled", "one"], ["straight_color"]),
        node("Concat", ["straight_color", "float_alpha"], ["straight"], axis=1),
    ]


def _levels() -> Nodes:
    return [
        node("Mul", ["straight", "scale"], ["scaled"]),
        node("Add", ["scaled", "shift"], ["shifted"]),
        node("Clip", ["shifted", "low", "high"], ["clipped"]),
        node("Floor", ["clipped"], ["floored"]),
        node("Transpose", ["floored"], ["levels"], perm=[0, 2, 3, 1]),
    ]


def _two_levels() -> Nodes:
    return [
        node("GreaterOrEqual", ["alpha", "threshold"], ["opaque"]),
        node("Where", ["opaque", "high", "zero"], ["a"]),
    ]


def _nearest() -> Nodes:
    return [
        node("MatMul", ["color", "twice_entries"], ["products"]),
        node("Add", ["products", "lengths"], ["distances"]),
        node("ArgMin", ["distances"], ["nearest"], axis=3, keepdims=0),
        node("Gather", ["entries", "nearest"], ["c"], axis=0),
    ]


def manifest_of(name: str, image: Image, conditions: Conditions, *graphs: Graph) -> Manifest:
    """Return the manifest of a tiny bundle with empty `files`."""
    return Manifest(
        name=name,
        version="1.0.0",
        family="test",
        graphs=graphs,
        conditions=conditions,
        noise=Noise(),
        image=image,
        batch=BatchLimits(1, 16, 64),
        files={},
        parity={"limit": 1e-5},
        provenance={"written_by": "tests/runtime/build_format_fixtures.py"},
        license="Apache-2.0",
    )


def write_three_graphs(name: str, image: Image) -> None:
    """Write a bundle that generates, translates and encodes."""
    planes = (image.format.channels, *image.size)
    z, image_in = (Tensor(n, "float32", ("batch", *planes)) for n in ("z", "image_in"))
    condition = Tensor("condition", "float32", ("batch", TINT.size))
    output = Tensor("image", image.dtype, ("batch", *image.shape))
    nodes: dict[Graph, Nodes] = {
        _graph("generate", (z, condition), output, "generator.onnx"): [
            node("Mul", ["z", "stretch"], ["stretched"]),
            node("Add", ["stretched", "pattern"], ["float"]),
            *head(image),
        ],
        _graph("translate", (image_in, condition), output, "translator.onnx"): [
            node("Add", ["image_in", "pattern"], ["float"]),
            *head(image),
        ],
        _graph("encode", (image_in, condition), z, "encoder.onnx"): [
            node("Sub", ["image_in", "pattern"], ["moved"]),
            node("Div", ["moved", "stretch"], ["z"]),
        ],
    }
    patterns = np.random.default_rng(20261130).normal(0, 0.2, (TINT.size, np.prod(planes)))
    constants = HEAD | {
        "patterns": patterns.astype(np.float32),
        "planes": np.array([-1, *planes], np.int64),
        "stretch": STRETCH,
    }
    pattern = [
        node("MatMul", ["condition", "patterns"], ["flat"]),
        node("Reshape", ["flat", "planes"], ["pattern"]),
    ]
    manifest = manifest_of(name, image, TINT, *nodes)
    models = {
        graph.files[0].path: build_model(manifest, graph, pattern + own, constants)
        for graph, own in nodes.items()
    }
    pixels = np.random.default_rng(7).integers(
        0, 256, (3, *image.size, image.format.channels), np.uint8
    )
    tensors: dict[str, np.ndarray] = {}
    for graph in nodes:
        for count in (1, 3):
            noise = normals(seed_range(42, count), planes)
            first = noise if graph.inputs[0] is z else to_float(pixels[:count])
            feeds = {
                graph.inputs[0].name: first,
                "condition": TINT.encode_many(["", "warm", "warm cold"][:count]),
            }
            tensors |= record(graph, models[graph.files[0].path], count, feeds)
    card = f"# {name}\n\nA sum that the runtime's tests run.\n".encode()
    files = {"fixtures.safetensors": bytes(save(tensors)), "MODEL_CARD.md": card}
    write_files(DATA / f"{name}.ganport", manifest, models | files)


def _graph(verb: str, inputs: tuple[Tensor, ...], output: Tensor, path: str) -> Graph:
    return Graph(f"gan.{verb}/1", inputs, output, (GraphFile(path),))


def sprites(value_range: str) -> tuple[Manifest, bytes]:
    """Return manifest and graph of the sprites: tanh([z, condition] W), enlarged twice, a head."""
    image = Image(SPRITE, value_range)
    width = NOISE + CONDITIONS.size
    graph = _graph(
        "generate",
        (
            Tensor("z", "float32", ("batch", NOISE)),
            Tensor("condition", "float32", ("batch", CONDITIONS.size)),
        ),
        Tensor("image", image.dtype, ("batch", *image.shape)),
        "generator.onnx",
    )
    height, columns = SPRITE.height // 2, SPRITE.width // 2
    weights = np.random.default_rng(20261130).normal(0, 1.5, (width, 4 * height * columns))
    constants = HEAD | {
        "weights": weights.astype(np.float32),
        "planes": np.array([-1, 4, height, columns], np.int64),
        "factors": np.float32([1, 1, 2, 2]),
    }
    nodes = [
        node("Concat", ["z", "condition"], ["joined"], axis=1),
        node("MatMul", ["joined", "weights"], ["flat"]),
        node("Tanh", ["flat"], ["squashed"]),
        node("Reshape", ["squashed", "planes"], ["small"]),
        node("Resize", ["small", "", "factors"], ["float"], mode="nearest"),
        *head(image),
    ]
    manifest = manifest_of("tiny-sprite", image, CONDITIONS, graph)
    return manifest, build_model(manifest, graph, nodes, constants)


def write_sprites() -> None:
    """Write the bundle of sprites, and its graphs with the other heads."""
    manifest, model = sprites("uint8")
    tensors: dict[str, np.ndarray] = {}
    for count in (1, 3):
        feeds = {
            "z": normals(seed_range(42, count), (NOISE,)),
            "condition": CONDITIONS.encode_many(["pink hair", "black hair", ""][:count]),
        }
        tensors |= record(manifest.graphs[0], model, count, feeds)
    files = {
        "generator.onnx": model,
        "fixtures.safetensors": bytes(save(tensors)),
        "MODEL_CARD.md": b"# tiny-sprite\n\nA matrix product that the runtime's tests run.\n",
    }
    write_files(DATA / "tiny-sprite.ganport", manifest, files)
    for value_range in ("signed", "unit"):
        atomic_write(DATA / f"tiny-sprite-{value_range}.onnx", sprites(value_range)[1])


if __name__ == "__main__":
    write_three_graphs("tiny-gray", Image(GRAY))
    write_three_graphs("tiny-rgba", Image(RGBA))
    write_sprites()
