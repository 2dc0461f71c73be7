"""Small bundles that are hard for a page: large images, many labels, a graph that fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.noise import ALGORITHM

TO_IMAGE = [
    helper.make_node("Unsqueeze", ["value", "axes"], ["point"]),
    helper.make_node("Expand", ["point", "shape"], ["floats"]),
    helper.make_node("Cast", ["floats"], ["image"], to=TensorProto.UINT8),
]
"""Nodes from a `value` (N, 1) to images of one color."""


def one_hot(name: str, labels: list[str]) -> dict[str, Any]:
    return {"name": name, "kind": "one_hot", "labels": labels, "default": labels[0]}


def many_groups() -> list[dict[str, Any]]:
    """Return 240 groups with 10,000 labels, some of them named like parts of every object."""
    palette = {f"color {i:03}": f"#{i * 257:06x}" for i in range(255)} | {"constructor": "#ff0000"}
    first = [
        {"name": "paint", "kind": "rgb", "palette": palette, "default": "color 000"},
        one_hot("odd", ["plain", "constructor", "__proto__", "hasOwnProperty", "L" * 100]),
        {
            "name": "extras",
            "kind": "multi_hot",
            "labels": ["hat", "constructor", "scarf"],
            "default": [],
            "max_on": 2,
        },
        one_hot("large", [f"label {i:04}" for i in range(4000)]),
        one_hot("__proto__", ["no", "yes"]),
    ]
    rest = [one_hot(f"group {i}", [f"item {i}-{j}" for j in range(25)]) for i in range(235)]
    groups, start = [], 0
    for group in first + rest:
        size = 3 if group["kind"] == "rgb" else len(group["labels"])
        groups.append({**group, "slice": [start, start + size]})
        start += size
    groups[0]["range"] = [0, 1]
    return groups


def graph_bytes(
    nodes: list[NodeProto],
    constants: Mapping[str, ArrayLike],
    side: int = 16,
    conditions: list[dict[str, Any]] | None = None,
) -> bytes:
    """Return a bundle whose nodes turn `z` (N, 1) and `condition` into `value` (N, 1)."""
    shape = [side, side, 3]
    sizes = {"z": 1}
    if conditions:
        sizes["condition"] = conditions[-1]["slice"][1]
    values = {"axes": [2, 3], "shape": [1, *shape], **constants}
    graph = helper.make_graph(
        [*nodes, *TO_IMAGE],
        "studio",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
            for name, size in sizes.items()
        ],
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *shape])],
        [numpy_helper.from_array(np.array(value), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    interface = {
        "schema_version": 2,
        "interface": "gan.generate/1",
        "inputs": [
            {"name": name, "dtype": "float32", "shape": ["batch", size]}
            for name, size in sizes.items()
        ],
        "output": {"name": "image", "dtype": "uint8", "shape": ["batch", *shape]},
        "conditions": conditions or [],
        "noise": {"algorithm": ALGORITHM, "temperature": 1},
        "image": {"size": shape[:2], "mode": "rgb", "range": "uint8", "layout": "NHWC"},
    }
    helper.set_model_props(model, {METADATA_KEY: json.dumps(interface)})
    data: bytes = model.SerializeToString()
    return data


def write_graphs(folder: Path) -> None:
    """Write `large.onnx`, `failing.onnx` and `many.onnx`."""
    same = [helper.make_node("Identity", ["z"], ["value"])]
    (folder / "large.onnx").write_bytes(graph_bytes(same, {}, side=4096))

    # The index is outside of the table, which no check before the first image can see.
    gather = [
        helper.make_node("Cast", ["z"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Add", ["whole", "far"], ["index"]),
        helper.make_node("Gather", ["table", "index"], ["value"], axis=0),
    ]
    constants: dict[str, ArrayLike] = {"far": np.int64(1000), "table": np.zeros(3, np.float32)}
    (folder / "failing.onnx").write_bytes(graph_bytes(gather, constants))

    groups = many_groups()
    weights = np.zeros((groups[-1]["slice"][1], 1))
    # Seeds are random and pixels whole numbers, so labels differ by several levels.
    for start, end in (group["slice"] for group in groups[:-235]):
        weights[start:end, 0] = 8 * (1 + np.arange(end - start) % 5)
    sums = [
        helper.make_node("MatMul", ["condition", "weights"], ["sum"]),
        helper.make_node("Add", ["sum", "z"], ["value"]),
    ]
    many = graph_bytes(sums, {"weights": weights.astype(np.float32)}, conditions=groups)
    (folder / "many.onnx").write_bytes(many)


@pytest.fixture(scope="session")
def graphs() -> Callable[[Path], None]:
    return write_graphs
