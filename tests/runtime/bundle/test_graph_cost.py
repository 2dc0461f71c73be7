"""Graphs that cost more than their outputs, or that would take long to check."""

import time
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.bundle.graph_cost import count_operations, count_scratch
from ganport_runtime.bundle.onnx_graph import Node, Value
from ganport_runtime.bundle.protobuf import Message
from ganport_runtime.bundle.shape_rules import infer_shapes
from ganport_runtime.errors import BundleError

node = helper.make_node


def sizes(*numbers: int) -> Any:
    return np.array(numbers, np.int64)


def model(nodes: list[onnx.NodeProto], *tensors: onnx.TensorProto, **constants: Any) -> bytes:
    """Return a graph from `z` to `image`."""
    values = [helper.make_tensor_value_info(n, 1, ["batch", 4]) for n in ("z", "image")]
    arrays = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [*arrays, *tensors])
    opsets = [helper.make_opsetid("", 18)]
    data: bytes = helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return data


def found(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        check_graph(data, "here.onnx")
    return caught.value.found


def computed(operator: str, *shapes: tuple[int, ...], **attributes: Any) -> bytes:
    """Return a graph with a node of inputs of some shapes, which depend on `z`."""
    names = [f"i{index}" for index in range(len(shapes))]
    wanted = {f"s{index}": sizes(*shape) for index, shape in enumerate(shapes)}
    nodes = [node("ReduceMax", ["z"], ["largest"], keepdims=0)]
    nodes += [node("Expand", ["largest", f"s{i}"], [name]) for i, name in enumerate(names)]
    return model([*nodes, node(operator, names, ["image"], **attributes)], **wanted)


MEMORY: dict[str, tuple[bytes, str]] = {
    "columns": (computed("ConvTranspose", (1, 1, 128, 128), (1, 16, 64, 64)), "in memory"),
    "convolution over four axes": (
        computed("Conv", (1, 1, 32, 32, 32, 32), (1, 1, 6, 6, 6, 6)),
        "more than three axes",
    ),
    "channels of vector instructions": (
        computed("Conv", (1, 1, 2**13, 2**13), (1, 1, 1, 1)),
        "in memory",
    ),
    "outer product": (
        computed("Einsum", (2**15,), (2**14,), (2**15,), (2**14,), equation="a,b,a,b->"),
        "in memory",
    ),
    "broadcast index": (
        computed("Einsum", (2**10, 2**9), (2**9, 2**9), (1, 1, 1), equation="ab,bc,abc->abc"),
        "in memory",
    ),
    "squares of channels": (computed("LRN", (1, 4, 64, 64), size=2**18 - 1), "in memory"),
    "two-way broadcast": (computed("PRelu", (2**15, 1), (1, 2**15)), "in memory"),
    "points": (computed("GridSample", (1, 1, 2, 2), (1, 2**13, 2**13, 2)), "in memory"),
    "scales of groups": (
        computed("GroupNormalization", (1, 1, 2**14), (2**14,), (2**14,), num_groups=1),
        "scales",
    ),
    "text": (computed("Cast", (4,), to=TensorProto.STRING), "type 8"),
}


@pytest.mark.parametrize("name", MEMORY)
def test_memory_beyond_the_outputs_is_refused(name: str) -> None:
    data, reason = MEMORY[name]
    assert reason in found(data)


@pytest.mark.parametrize("policy", ["not_smaller", "not_larger"])
def test_kept_aspect_ratio_is_refused(policy: str) -> None:
    """The sizes of the output are others than those of the node."""
    resize = node("Resize", ["x", "", "", "to"], ["image"], keep_aspect_ratio_policy=policy)
    nodes = [node("Expand", ["one", "from"], ["x"]), resize]
    constants = {
        "one": np.ones(1, np.float32),
        "from": sizes(1, 1, 1, 30000),
        "to": sizes(1, 1, 200, 100),
    }
    assert "aspect ratio" in found(model(nodes, **constants))


def test_antialias_of_crossed_sizes_is_refused() -> None:
    """One axis is resized after the other: the first result has both large lengths."""
    nodes = [
        node("Expand", ["one", "from"], ["x"]),
        node("Resize", ["x", "", "", "to"], ["image"], mode="linear", antialias=1),
    ]
    constants = {
        "one": np.ones(1, np.float32),
        "from": sizes(1, 1, 2**15, 2),
        "to": sizes(1, 1, 2, 2**15),
    }
    assert "in memory" in found(model(nodes, **constants))


def test_constants_are_not_freed_because_onnxruntime_keeps_them() -> None:
    def chain(source: str) -> bytes:
        nodes = [node("ReduceMax", ["z"], ["m"], keepdims=0)]
        for i in range(10):
            nodes.append(node("Expand", [source, "wanted"], [f"e{i}"]))
            nodes.append(node("ReduceMax", [f"e{i}"], [f"r{i}"], keepdims=0))
        return model(nodes, one=np.ones(1, np.float32), wanted=sizes(2**26))

    assert "in memory" in found(chain("one"))
    check_graph(chain("m"), "here")


@pytest.mark.parametrize("dtype", [TensorProto.STRING, TensorProto.COMPLEX64, 17, 22, 0])
def test_tensor_of_another_type_is_refused(dtype: int) -> None:
    tensor = onnx.TensorProto(name="t", data_type=dtype, dims=[4])
    constant = node("Constant", [], ["c"], value=tensor)
    relu = node("Relu", ["z"], ["image"])
    assert "type" in found(model([relu], tensor))
    assert "type" in found(model([constant, relu]))


def many_axes(lengths: list[int], nodes: int) -> bytes:
    tensor = onnx.TensorProto(name="t", data_type=1, dims=lengths)
    names = ["t", *(f"y{i}" for i in range(nodes))]
    chain = [node("Identity", [names[i]], [names[i + 1]]) for i in range(nodes)]
    return model([*chain, node("Identity", ["z"], ["image"])], tensor)


def many_branches(count: int) -> bytes:
    branch = helper.make_graph([], "b", [], [helper.make_empty_tensor_value_info("z")])
    nodes = [
        node("If", ["c"], [f"y{i}"], then_branch=branch, else_branch=branch) for i in range(count)
    ]
    tensors = {f"i{i}": np.float32(0) for i in range(2 * count)}
    return model([*nodes, node("Identity", ["z"], ["image"])], c=np.bool_(True), **tensors)


@pytest.mark.parametrize(
    ("kind", "reason"), [("lengths", "axes"), ("axes", "axes"), ("branches", "nodes")]
)
def test_graph_that_is_slow_to_check_is_refused_at_once(kind: str, reason: str) -> None:
    data = {
        "lengths": lambda: many_axes([2**62] * 50_000, 1),
        "axes": lambda: many_axes([2048] + [1] * 100_000, 500),
        "branches": lambda: many_branches(5_000),
    }[kind]()
    started = time.process_time()
    assert reason in found(data)
    assert time.process_time() - started < 1


def test_many_branches_within_the_limit_take_linear_time() -> None:
    data = many_branches(450)
    started = time.process_time()
    check_graph(data, "here")
    assert time.process_time() - started < 1


@pytest.mark.parametrize("lengths", [[1] * 17, [2**40 + 1], [2**62, 0]])
def test_shape_beyond_the_limits_is_refused(lengths: list[int]) -> None:
    assert "invalid shapes" in found(many_axes(lengths, 1))
    assert "axes" in found(model([node("Unsqueeze", ["z", "a"], ["image"])], a=sizes(*range(15))))


def test_work_of_slow_operators_is_refused() -> None:
    """Each `Pow` takes 11 ns for a number, as many as 300 multiplications of a matrix product."""
    nodes = [node("ReduceMax", ["z"], ["m"], keepdims=0), node("Expand", ["m", "wanted"], ["x0"])]
    nodes += [node("Pow", [f"x{i}", "e"], [f"x{i + 1}"]) for i in range(800)]
    assert "operations" in found(model(nodes, wanted=sizes(2**22), e=np.float32(1.5)))


ROWS = np.full((2**16, 1), 0.5, np.float32)
PLANES = np.full((1, 64, 64, 64), 0.5, np.float32)
COLUMNS, LINES = (np.full(shape * 8, 0.5, np.float32) for shape in ((2, 1), (1, 2)))
SLOW: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("Acosh", [ROWS + 1], {}),
    ("Add", [COLUMNS, LINES], {}),
    ("Conv", [PLANES.reshape(1, -1, 1), PLANES.reshape(-1, 1, 1)], {"group": PLANES.size}),
    ("ConvTranspose", [ROWS.reshape(-1, 1, 1, 1), np.ones((1, 1, 1, 1), np.float32)], {}),
    ("Einsum", [ROWS, ROWS], {"equation": "ab,ab->ab"}),
    ("LRN", [PLANES], {"size": 5}),
    ("LayerNormalization", [ROWS, np.ones(1, np.float32)], {}),
    ("LpPool", [PLANES], {"kernel_shape": [9, 9]}),
    ("MatMul", [ROWS.reshape(-1, 1, 1), ROWS.reshape(-1, 1, 1)], {}),
    ("Mod", [COLUMNS, LINES], {"fmod": 1}),
    ("Pow", [COLUMNS, LINES], {}),
    ("Softmax", [ROWS], {}),
    ("Tan", [ROWS], {}),
    ("TopK", [PLANES.reshape(1, -1), sizes(PLANES.size)], {}),
    ("Transpose", [PLANES], {"perm": [3, 2, 1, 0]}),
    ("Where", [COLUMNS > 0, LINES, COLUMNS], {}),
]


@pytest.mark.parametrize("case", SLOW, ids=lambda case: case[0])
def test_operation_takes_at_most_about_1_ns(case: tuple[str, list[Any], dict[str, Any]]) -> None:
    """The bound is 10 ns, because machines differ and are shared."""
    operator, arrays, attributes = case
    names = [f"i{index}" for index in range(len(arrays))]
    outputs = ["o0", "o1"] if operator == "TopK" else ["o0"]
    made = node(operator, names, outputs, **attributes)
    parsed = Node(Message(memoryview(made.SerializeToString())), 0, [1])
    parsed.inputs = [Value(np.shape(array), np.asarray(array)) for array in arrays]
    operations = count_operations(parsed, infer_shapes(parsed)[0])
    assert cpu_seconds(made, names, arrays) < operations * 10e-9
    assert count_scratch(parsed, infer_shapes(parsed)[0]) >= 0


def cpu_seconds(made: onnx.NodeProto, names: list[str], arrays: list[Any]) -> float:
    """Return the CPU time of a node in onnxruntime with one thread, the best of three."""
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in zip(names, arrays, strict=True)
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in made.output]
    graph = helper.make_graph([made], "g", inputs, outputs)
    opsets = [helper.make_opsetid("", 18)]
    proto = onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=opsets, ir_version=8)
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    times = []
    for _ in range(3):
        started = time.process_time()
        session.run(None, dict(zip(names, arrays, strict=True)))
        times.append(time.process_time() - started)
    return min(times)
