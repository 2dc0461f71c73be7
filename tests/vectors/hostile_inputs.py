"""The inputs of the vectors of bundles and graphs to refuse."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import onnx
from hostile_graphs import COSTLY_CONSTANTS, costly_graphs, foreign_types
from inputs import DATA, Cases
from onnx import TensorProto, helper, numpy_helper

WORDED = ("a file that is neither (",)
"""Parts of what was found that Python or NumPy word."""
NOISE = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 12])
IMAGE = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 12])
node = helper.make_node


def zipped(files: Mapping[str, bytes], **options: Any) -> bytes:
    """Return a stored zip of files; `options` are fields of each member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            for key, value in options.items():
                setattr(info, key, value)
            archive.writestr(info, data)
    return buffer.getvalue()


@cache
def tiny_files() -> dict[str, bytes]:
    """Return the files of the smallest bundle that loads."""
    graph = (DATA / "tiny-unconditional.onnx").read_bytes()
    manifest = json.loads((DATA / "tiny.ganport" / "manifest.json").read_bytes())
    manifest["conditions"] = []
    manifest["graphs"][0]["inputs"].pop()
    entry = {"sha256": hashlib.sha256(graph).hexdigest(), "size": len(graph)}
    manifest["files"] = {"generator.onnx": entry}
    return {"manifest.json": json.dumps(manifest).encode(), "generator.onnx": graph}


@cache
def base_files() -> dict[str, bytes]:
    """Return the files that the patches change."""
    return {"tiny.zip": zipped(tiny_files()), "tiny.onnx": tiny_files()["generator.onnx"]}


def encoded_files() -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in base_files().items()}


def difference(before: bytes, after: bytes) -> list[list[Any]]:
    """Return the patch from `before` to `after`: the part between equal beginnings and ends."""
    most = min(len(before), len(after))
    start = next((i for i in range(most) if before[i] != after[i]), most)
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return [[start, len(before) - end, after[start : len(after) - end].hex()]]


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the zip with a changed manifest."""
    files = tiny_files()
    manifest = json.loads(files["manifest.json"])
    change(manifest)
    return zipped(files | {"manifest.json": json.dumps(manifest).encode()})


def replaced(before: bytes, after: bytes) -> bytes:
    """Return the zip with the first occurrence of some bytes replaced."""
    data = base_files()["tiny.zip"]
    assert before in data
    return data.replace(before, after, 1)


def bundle_cases() -> Cases:
    tiny, data = tiny_files(), base_files()["tiny.zip"]
    central = data.find(b"PK\1\2")
    link, folder = (kind << 16 for kind in (stat.S_IFLNK | 0o644, stat.S_IFDIR | 0o755))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", tiny["manifest.json"])
    zips = {
        "as it is": data,
        "empty file": b"",
        "text": b"<!doctype html><title>404</title>",
        "truncated": data[:-30],
        "bytes behind the directory": data + b"x",
        "comment": data[:-2] + struct.pack("<H", 1) + b"x",
        "member twice": zipped(tiny | {"MANIFEST.json": b"{}"}).replace(b"MANIFEST", b"manifest"),
        "changed bytes": replaced(b"weights", b"weighty"),
        "member with a path": zipped({"a/manifest.json": tiny["manifest.json"]}),
        "folder as a member": zipped(tiny, external_attr=folder),
        "link as a member": zipped(tiny, external_attr=link),
        "compressed member": packed.getvalue(),
        "encrypted member": data[: central + 8] + b"\x01" + data[central + 9 :],
        "without manifest": zipped({"generator.onnx": tiny["generator.onnx"]}),
        "without graph": zipped({"manifest.json": tiny["manifest.json"]}),
        "changed graph": zipped(
            tiny | {"generator.onnx": tiny["generator.onnx"].replace(b"weights", b"weighty")}
        ),
        "shorter graph": zipped(tiny | {"generator.onnx": tiny["generator.onnx"][:-1]}),
        "many members": data[:-12] + struct.pack("<H", 1200) + data[-10:],
        "size beyond the zip": zipped(tiny | {"x": b""}).replace(
            b"\0\0\0\0\0\0\0\0\1\0\0\0", b"\xff\xff\xff\x00\xff\xff\xff\x00\1\0\0\0"
        ),
        "newer schema": edited(lambda m: m.update(schema_version=99)),
        "unknown interface": edited(lambda m: m["graphs"][0].update(interface="gan.dream/7")),
        "TorchScript only": edited(lambda m: m["graphs"][0]["files"][0].update(role="torchscript")),
        "half precision only": edited(
            lambda m: m["graphs"][0]["files"][0].update(precision="fp16")
        ),
        "other tensor": edited(lambda m: m["graphs"][0]["inputs"][0].update(shape=["batch", 5])),
    }
    cases: Cases = {
        name: {"file": "tiny.zip", "patches": difference(data, changed)}
        for name, changed in zips.items()
    }
    for name, changed in lone_graphs().items():
        patches = difference(base_files()["tiny.onnx"], changed)
        cases[name] = {"file": "tiny.onnx", "name": "graph.onnx", "patches": patches}
    return cases


def lone_graphs() -> dict[str, bytes]:
    """Return single graph files: one that loads, and some to refuse."""
    graph = base_files()["tiny.onnx"]
    bare = onnx.load_from_string(graph)
    bare.ClearField("metadata_props")
    twice = onnx.load_from_string(graph)
    twice.metadata_props[0].value = twice.metadata_props[0].value.replace("{", '{"noise": 1, ', 1)
    return {
        "single graph": graph,
        "single graph without interface": bare.SerializeToString(),
        "single graph with a name twice": twice.SerializeToString(),
        "single graph of text": b"this is no graph",
        "single graph that is empty": b"",
        "single graph, truncated": graph[:-1],
        "single graph with text that is not UTF-8": graph.replace(b'"colour"', b'"col\xff\xfer"'),
        "single graph in a newer schema": graph.replace(
            b'"schema_version":1', b'"schema_version":9'
        ),
    }


def model(*nodes: onnx.NodeProto, domains: tuple[str, ...] = ("",), **constants: Any) -> bytes:
    """Return a graph from `z` to `image`."""
    tensors = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(list(nodes), "g", [NOISE], [IMAGE], tensors)
    opsets = [helper.make_opsetid(domain, 18) for domain in domains]
    return bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())


def sizes(*numbers: int) -> Any:
    return np.array(numbers, np.int64)


def branch(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    output = helper.make_empty_tensor_value_info(nodes[-1].output[0])
    return helper.make_graph(list(nodes), "branch", [], [output])


def choice(one: onnx.NodeProto, two: onnx.NodeProto) -> onnx.NodeProto:
    return node("If", ["yes"], ["image"], then_branch=branch(one), else_branch=branch(two))


def graph_cases() -> Cases:
    """Return graphs with a forbidden node, a size too large or unknown, and allowed ones."""
    loop = node("Loop", ["count", "yes"], ["image"], body=branch(node("Relu", ["z"], ["y"])))
    relu, wide = node("Relu", ["z"], ["y"]), node("Concat", ["z", "z"], ["y"], axis=1)
    row = node("ConstantOfShape", ["row_sizes"], ["row"])
    column = node("ConstantOfShape", ["column_sizes"], ["column"])
    shape = [
        node("Shape", ["z"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Concat", ["n", "rest"], ["to"], axis=0),
        node("Reshape", ["z", "to"], ["image"]),
    ]
    constants: dict[str, Any] = {
        "count": np.int64(2**62), "yes": np.bool_(True), "zero": sizes(0), "rest": sizes(3, 4),
        "one": np.ones(12, np.float32), "wanted": sizes(2**15, 2**15), "far": np.int64(2**40),
        "start": np.int64(0), "step": np.int64(1), "side": sizes(8000, 8000),
        "row_sizes": sizes(1, 2**15), "column_sizes": sizes(2**15, 1),
        "scales": np.array([1, 1e9], np.float32), "pads": sizes(0, 2**30, 0, 0),
        "kernel": np.zeros((12, 4, 4, 4), np.float32), "square": sizes(-1, 12, 1, 1),
        "ends": sizes(-(2**63), 2**63 - 1), "axes": sizes(1), "bad": sizes(5, 5),
    } | COSTLY_CONSTANTS  # fmt: skip
    graphs = {
        "Loop": [loop],
        "Scan": [node("Scan", ["z"], ["image"], body=branch(relu), num_scan_inputs=1)],
        "SequenceMap": [node("SequenceMap", ["z"], ["image"])],
        "RandomNormalLike": [node("RandomNormalLike", ["z"], ["image"])],
        "Bernoulli": [node("Bernoulli", ["z"], ["image"])],
        "Multinomial": [node("Multinomial", ["z"], ["image"])],
        "RandomNormal in a branch": [choice(relu, node("RandomNormalLike", ["z"], ["y"]))],
        "Dropout in training mode": [node("Dropout", ["z", "one", "yes"], ["image"])],
        "BatchNormalization in training mode": [
            node("BatchNormalization", ["z", *["one"] * 4], ["image"], training_mode=1)
        ],
        "domain of a node": [node("Gelu", ["z"], ["image"], domain="com.microsoft")],
        "operator that is not in the list": [node("NonZero", ["z"], ["image"])],
        "graph inside": [node("Relu", ["z"], ["image"], body=branch(relu))],
        "branches": [choice(relu, relu)],
        "branches of different shapes": [choice(relu, wide)],
        "node before its input": [node("Relu", ["later"], ["image"])],
        "shape from the input": shape,
        "Expand": [row, node("Expand", ["row", "wanted"], ["image"])],
        "Tile": [node("Tile", ["z", "wanted"], ["image"])],
        "ConstantOfShape": [node("ConstantOfShape", ["wanted"], ["image"])],
        "Range": [node("Range", ["start", "far", "step"], ["image"])],
        "Range of step 0": [node("Range", ["start", "far", "start"], ["image"])],
        "Resize": [node("Resize", ["z", "", "scales"], ["image"])],
        "Pad": [node("Pad", ["z", "pads"], ["image"])],
        "MatMul": [row, column, node("MatMul", ["column", "row"], ["image"])],
        "MatMul of other lengths": [row, node("MatMul", ["z", "row"], ["image"])],
        "Add": [row, column, node("Add", ["column", "row"], ["image"])],
        "many operations": [
            node("ConstantOfShape", ["side"], ["a"]),
            node("MatMul", ["a", "a"], ["image"]),
        ],
        "size from values": [
            node("ReduceMax", ["z"], ["m"], keepdims=0),
            node("Cast", ["m"], ["whole"], to=TensorProto.INT64),
            node("Unsqueeze", ["whole", "zero"], ["to"]),
            node("ConstantOfShape", ["to"], ["image"]),
        ],
        "faster than the batch": [
            node("Transpose", ["z"], ["t"]),
            node("MatMul", ["z", "t"], ["image"]),
        ],
        "transposed convolutions": [
            node("Reshape", ["z", "square"], ["map"]),
            node("ConvTranspose", ["map", "kernel"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("Relu", ["a"], ["image"]),
        ],
        "convolution of strides 0": [
            node("Reshape", ["z", "square"], ["map"]),
            node("Conv", ["map", "kernel"], ["image"], strides=[0, 0]),
        ],
        "Reshape to another size": [node("Reshape", ["z", "bad"], ["image"])],
        "Slice to the end": [
            node("Slice", ["z", "axes", "count", "axes"], ["image"]),
        ],
        "Transpose of other axes": [node("Transpose", ["z"], ["image"], perm=[0, 0])],
        "Concat along a missing axis": [node("Concat", ["z", "z"], ["image"], axis=7)],
        "Constant without a value": [node("Constant", [], ["c"]), node("Relu", ["z"], ["image"])],
    }  # fmt: skip
    graphs |= costly_graphs()
    cases = {}
    for name, nodes in graphs.items():
        text = str(nodes)
        used = {key: value for key, value in constants.items() if f'"{key}"' in text}
        cases[name] = model(*nodes, **used)
    cases["domain of the model"] = model(relu, domains=("", "com.example"))
    cases |= foreign_types()
    cases["empty fields"] = b"\x0a\x00" * 40
    return {name: {"model": base64.b64encode(data).decode()} for name, data in cases.items()}
