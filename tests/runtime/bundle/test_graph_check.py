"""Graphs that the contract forbids, or that would take any amount of memory or time."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.bundle.onnx_graph import MAX_NODES
from ganport_runtime.errors import BundleError

IMAGE = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 12])
NOISE = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 12])
node = helper.make_node


def model(*nodes: onnx.NodeProto, domains: tuple[str, ...] = ("",), **constants: Any) -> bytes:
    """Return a graph from `z` to `image`; the last node gives `image`."""
    tensors = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(list(nodes), "g", [NOISE], [IMAGE], tensors)
    opsets = [helper.make_opsetid(domain, 18) for domain in domains]
    data: bytes = helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return data


def found(data: bytes) -> str:
    """Return what the check refuses."""
    with pytest.raises(BundleError) as caught:
        check_graph(data, "here.onnx")
    assert str(caught.value).isprintable()
    return caught.value.found


def test_every_committed_graph_passes(data: Path) -> None:
    for path in (*data.glob("*.onnx"), *data.glob("*.ganport/*.onnx")):
        check_graph(path.read_bytes(), path.name)
    starter = Bundle.open("starter")
    check_graph(starter.read("generator.onnx"), "starter")


def branch(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    output = helper.make_empty_tensor_value_info(nodes[-1].output[0])
    return helper.make_graph(list(nodes), "branch", [], [output])


def choice(*nodes: onnx.NodeProto) -> onnx.NodeProto:
    return node("If", ["yes"], ["image"], then_branch=branch(*nodes), else_branch=branch(*nodes))


def loop() -> onnx.NodeProto:
    names = ["step", "go"]
    body = helper.make_graph(
        [node("Identity", ["go"], ["still"])],
        "body",
        [
            helper.make_tensor_value_info(name, kind, [])
            for name, kind in zip(names, (TensorProto.INT64, TensorProto.BOOL), strict=True)
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    return node("Loop", ["count", "yes"], ["image"], body=body)


RANDOM = node("RandomNormalLike", ["z"], ["noise"])
TRAINED = node(
    "BatchNormalization", ["z", "one", "one", "one", "one"], ["y", "m", "v"], training_mode=1
)
FORBIDDEN = {
    "Loop": (loop(), {}),
    "Scan": (node("Scan", ["z"], ["image"], body=branch(RANDOM), num_scan_inputs=1), {}),
    "SequenceMap": (node("SequenceMap", ["z"], ["image"]), {}),
    "RandomNormalLike": (RANDOM, {}),
    "Bernoulli": (node("Bernoulli", ["z"], ["image"]), {}),
    "Multinomial": (node("Multinomial", ["z"], ["image"]), {}),
    "in training mode": (TRAINED, {}),
    "Dropout": (node("Dropout", ["z", "ratio", "yes"], ["image"]), {}),
    "of the domain com.microsoft": (node("Gelu", ["z"], ["image"], domain="com.microsoft"), {}),
    "an operator that is not in the list": (node("NonZero", ["z"], ["image"]), {}),
    "a graph inside": (node("Relu", ["z"], ["image"], body=branch(RANDOM)), {}),
}
CONSTANTS = {"count": np.int64(2**62), "yes": np.bool_(True), "one": np.ones(12, np.float32)}
CONSTANTS |= {"ratio": np.float32(0.5)}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_node_is_refused_also_in_a_branch(name: str) -> None:
    forbidden = FORBIDDEN[name][0]
    assert name in found(model(forbidden, **CONSTANTS))
    assert name in found(model(choice(forbidden), **CONSTANTS))


def test_branches_of_allowed_nodes_pass() -> None:
    check_graph(model(choice(node("Relu", ["z"], ["y"])), **CONSTANTS), "here")


def test_branches_of_different_shapes_are_refused() -> None:
    other = branch(node("Concat", ["z", "z"], ["y"], axis=1))
    same = branch(node("Relu", ["z"], ["y"]))
    both = node("If", ["yes"], ["image"], then_branch=same, else_branch=other)
    assert "branches of different shapes" in found(model(both, **CONSTANTS))


def test_foreign_domain_is_refused_even_if_no_node_uses_it() -> None:
    assert "com.example" in found(
        model(node("Relu", ["z"], ["image"]), domains=("", "com.example"))
    )


def test_local_functions_that_double_are_refused() -> None:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    functions = [
        helper.make_function("own", "f0", ["x"], ["y"], [node("Relu", ["x"], ["y"])], opsets)
    ]
    for level in range(1, 40):
        calls = [
            node(f"f{level - 1}", ["x"], ["a"], domain="own"),
            node(f"f{level - 1}", ["a"], ["y"], domain="own"),
        ]
        functions.append(helper.make_function("own", f"f{level}", ["x"], ["y"], calls, opsets))
    graph = helper.make_graph([node("f39", ["z"], ["image"], domain="own")], "g", [NOISE], [IMAGE])
    data = helper.make_model(graph, functions=functions, opset_imports=opsets[:1])
    assert "functions" in found(data.SerializeToString())


def doubled(count: int) -> list[onnx.NodeProto]:
    names = ["z", *(f"t{index}" for index in range(count - 1)), "image"]
    return [node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]


def sizes(*numbers: int) -> Any:
    return np.array(numbers, np.int64)


LARGE = {
    "Expand": [node("Expand", ["row", "wanted"], ["image"])],
    "Tile": [node("Tile", ["z", "wanted"], ["image"])],
    "ConstantOfShape": [node("ConstantOfShape", ["wanted"], ["image"])],
    "Range": [node("Range", ["zero", "many", "step"], ["image"])],
    "Concat": doubled(30),
    "Pad": [node("Pad", ["z", "pads"], ["image"])],
    "Resize": [node("Resize", ["z", "", "scales"], ["image"])],
    "OneHot": [node("OneHot", ["indices", "many", "values"], ["image"])],
    "MatMul": [node("MatMul", ["column", "row"], ["image"])],
    "Add": [node("Add", ["column", "row"], ["image"])],
    "Gather": [node("Gather", ["row", "indices"], ["image"])],
}
LARGE_CONSTANTS = {
    "wanted": sizes(2**15, 2**15),
    "pads": sizes(0, 2**30, 0, 0),
    "scales": np.array([1, 1e9], np.float32),
    "zero": np.int64(0),
    "many": np.int64(2**40),
    "step": np.int64(1),
    "indices": np.zeros((2, 2**14), np.int64),
    "values": np.zeros(2, np.float32),
    "column": np.zeros((2**15, 1), np.float32),
    "row": np.zeros((1, 2**15), np.float32),
}


@pytest.mark.parametrize("name", LARGE)
def test_graph_that_needs_too_much_memory_is_refused(name: str) -> None:
    assert "numbers in memory" in found(model(*LARGE[name], **LARGE_CONSTANTS))


def test_small_file_with_large_products_is_refused() -> None:
    """Two products of 8000 x 8000 matrices in a file of some hundred bytes."""
    nodes = [
        node("ConstantOfShape", ["side"], ["a"]),
        node("MatMul", ["a", "a"], ["b"]),
        node("MatMul", ["a", "b"], ["image"]),
    ]
    data = model(*nodes, side=sizes(8000, 8000))
    assert len(data) < 500
    assert "operations" in found(data)


def test_memory_that_is_freed_counts_once() -> None:
    wide = [node("Expand", ["z", "wanted"], ["t0"])]
    chain = [node("Tanh", [f"t{i}"], [f"t{i + 1}"]) for i in range(40)]
    data = model(*wide, *chain, node("ReduceMax", ["t40"], ["image"]), wanted=sizes(2**20, 1, 12))
    check_graph(data, "here")


def test_size_that_depends_on_values_is_refused() -> None:
    nodes = [
        node("ReduceMax", ["z"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["whole"], to=TensorProto.INT64),
        node("Unsqueeze", ["whole", "axes"], ["wanted"]),
        node("ConstantOfShape", ["wanted"], ["image"]),
    ]
    assert "does not follow from the shapes" in found(model(*nodes, axes=sizes(0)))


def test_tensor_that_grows_faster_than_the_batch_is_refused() -> None:
    nodes = [node("Transpose", ["z"], ["t"]), node("MatMul", ["z", "t"], ["image"])]
    assert "faster than the batch" in found(model(*nodes))


def test_too_many_nodes_and_deep_branches_are_refused() -> None:
    assert "nodes" in found(model(*[node("Relu", ["z"], ["t"])] * (MAX_NODES + 1)))
    inner = node("Relu", ["z"], ["y"])
    for _ in range(12):
        inner = node("If", ["yes"], ["y"], then_branch=branch(inner), else_branch=branch(inner))
        if len(inner.SerializeToString()) > 2**20:
            break
    assert "nested deeper" in found(model(inner, **CONSTANTS))


def test_millions_of_empty_fields_are_refused_quickly() -> None:
    started = time.process_time()
    assert "fields" in found(b"\x0a\x00" * 5_000_000)
    assert time.process_time() - started < 5


def tensor(location: str | None = None) -> onnx.TensorProto:
    made = numpy_helper.from_array(np.zeros(2, np.float32), "location")
    if location:
        made.ClearField("raw_data")
        made.external_data.add(key="location", value=location)
        made.data_location = TensorProto.EXTERNAL
    return made


def holders(inner: onnx.TensorProto) -> dict[str, bytes]:
    """Return a model for each message that can hold a tensor."""
    constant = node("Constant", [], ["y"], value=inner)
    lists = node("Relu", ["z"], ["image"])
    lists.attribute.add(name="several", type=AttributeProto.TENSORS).tensors.append(inner)
    relu = node("Relu", ["z"], ["image"])
    plain = helper.make_graph([relu], "g", [NOISE], [IMAGE], [inner])
    sparse = helper.make_graph(
        [relu],
        "g",
        [NOISE],
        [IMAGE],
        sparse_initializer=[helper.make_sparse_tensor(inner, tensor(), [2])],
    )
    return {
        "initializer": helper.make_model(plain).SerializeToString(),
        "constant": model(constant, relu),
        "branch": model(choice(constant), **CONSTANTS),
        "list": model(lists),
        "sparse": helper.make_model(sparse).SerializeToString(),
    }


@pytest.mark.parametrize("place", holders(tensor()))
def test_weights_in_another_file_are_refused_in_every_message(place: str) -> None:
    assert found(holders(tensor("weights.bin"))[place])
    if place not in ("list", "sparse"):  # these are never accepted
        check_graph(holders(tensor())[place], "here")


def test_location_or_path_alone_is_refused() -> None:
    marked, pathed = tensor(), tensor("weights.bin")
    marked.data_location = TensorProto.EXTERNAL
    pathed.ClearField("data_location")
    for one in (marked, pathed):
        assert "another file" in found(holders(one)["initializer"])
