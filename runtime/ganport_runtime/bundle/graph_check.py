"""The check of an ONNX graph before any library reads it: its operators, sizes and work.

A graph of a few bytes may take any amount of memory and time. `check_graph` refuses a graph unless
the shape of every tensor follows from the shapes of the inputs, and unless memory and work are
bounded and grow no faster than the batch.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import onnx_graph
from ganport_runtime.bundle.graph_cost import Cost
from ganport_runtime.bundle.onnx_graph import (
    DTYPES,
    MAX_KNOWN,
    Graph,
    Node,
    Shape,
    Value,
    check_shape,
)
from ganport_runtime.bundle.protobuf import Message
from ganport_runtime.bundle.shape_rules import infer_shapes
from ganport_runtime.errors import BundleError
from ganport_runtime.values import sanitize

_BATCHES = 1, 16
_FIX = "The file is damaged, or breaks the rules for graphs: docs/interface.md, section 2."


def check_graph(data: bytes, place: str) -> None:
    """Raise `BundleError` for a graph that the contract forbids or whose cost is not bounded."""
    try:
        model = Message(memoryview(data))
        _check_model(model)
        graph = Graph(model.message(7))
        small, large = (_measure(graph, batch) for batch in _BATCHES)
        for one, many in zip(small.sizes, large.sizes, strict=True):
            if many > max(1, one) * _BATCHES[1]:
                raise ValueError("a tensor that grows faster than the batch")
    except (ValueError, RecursionError) as error:
        found = sanitize(str(error), 200)
        raise BundleError(place, "an ONNX graph that is safe to load", found, _FIX) from error


def _check_model(model: Message) -> None:
    onnx_graph.read_metadata(model)  # onnxruntime decodes it without a check
    for opset in model.messages(8):
        if opset.text(1) not in ("", "ai.onnx"):
            raise ValueError(f"operators of the domain {opset.text(1)}")
    for field, found in ((20, "a training graph"), (25, "functions of its own")):
        if field in model:
            raise ValueError(found)
    graph = model.message(7)
    if not graph.messages(12):
        raise ValueError("no output")
    for value in (*graph.messages(11), *graph.messages(12)):
        kind = value.message(2).message(1)
        if kind.integer(1) not in (onnx_graph.FLOAT32, onnx_graph.UINT8):
            raise ValueError(f"{value.text(1)} of another type than float32 and uint8")
        for length in kind.message(2).messages(1):
            length.integer(1)  # raises for another wire type, as in JavaScript
            length.text(2)  # onnxruntime decodes these names without a check


def _measure(graph: Graph, batch: int) -> Cost:
    cost = Cost(batch)
    inputs = {value.text(1): Value(_input_shape(value, batch)) for value in graph.inputs}
    cost.add([value.shape for value in inputs.values()])
    _evaluate(graph, ChainMap(inputs), cost)
    return cost


def _input_shape(value: Message, batch: int) -> Shape:
    """Return the declared shape of an input with `batch` for its dynamic length, the first."""
    lengths = value.message(2).message(1).message(2).messages(1)
    if any(1 not in length for length in lengths[1:]):
        raise ValueError(f"{value.text(1)} with a dynamic length besides its batch")
    # A length that is both a number and a name, or below 1, would be dynamic for onnxruntime.
    if any(1 in length and (2 in length or length.integer(1) < 1) for length in lengths):
        raise ValueError(f"{value.text(1)} with a length below 1")
    shape = tuple(length.integer(1) if 1 in length else batch for length in lengths)
    check_shape(shape)
    return shape


def _evaluate(graph: Graph, outer: ChainMap[str, Value], cost: Cost) -> list[Value]:
    """Return the outputs of a graph; `outer` are the values that it does not compute itself."""
    constants = {name: value._replace(is_constant=True) for name, value in graph.tensors.items()}
    values = outer.new_child(constants)  # a copy for each branch would take quadratic time
    cost.add([value.shape for value in graph.tensors.values()])
    uses = Counter(graph.used_names())
    for node in graph.nodes:
        names = list(node.used_names())
        try:
            node.inputs = [values[name] if name else None for name in node.input_names]
            outputs = _evaluate_node(node, values, cost)
        except KeyError as error:
            raise ValueError(f"the node {node.label} before its input {error}") from None
        except ValueError as error:
            raise ValueError(f"the node {node.label}: {error}") from error
        values.update(zip(node.output_names, outputs, strict=False))
        for name in names:
            uses[name] -= 1
            if not uses[name] and name in values and name not in outer:
                cost.free(values[name])
    return [values.get(name, Value(())) for name in graph.outputs]


def _evaluate_node(node: Node, values: ChainMap[str, Value], cost: Cost) -> list[Value]:
    if node.operator == "If":
        used = [values[name] for name in node.used_names() if name in values]
        results = [_evaluate(branch, values, cost) for branch in node.branches]
        found = {tuple(value.shape for value in outputs) for outputs in results}
        if len(found) != 1:
            raise ValueError("branches of different shapes")
        is_constant = all(value.is_constant for value in used)
        return [Value(shape, None, is_constant) for shape in found.pop()]
    if node.operator == "Constant":
        value = node.constant()
        cost.add([value.shape])
        return [value._replace(is_constant=True)]
    shapes = infer_shapes(node)
    used = [value for value in node.inputs if value]
    is_constant = node.operator in ("Shape", "Size") or all(value.is_constant for value in used)
    cost.add_node(node, shapes, is_constant)
    contents = [_content(node, shapes[0]), *[None] * (len(shapes) - 1)]
    return [Value(*each, is_constant) for each in zip(shapes, contents, strict=True)]


def _content(node: Node, shape: Shape) -> NDArray[Any] | None:
    """Return the numbers of a small output that does not depend on the inputs of the graph."""
    if node.operator == "Shape":
        return np.array(node.shape_part(), np.int64)
    if node.operator == "Size":
        return np.array(prod(node.shape(0)), np.int64)
    arrays = [value.data for value in node.inputs if value and value.data is not None]
    is_known = len(arrays) == len(node.inputs) and prod(shape) <= MAX_KNOWN
    if node.operator not in _CONTENT or not is_known:
        return None
    try:
        with np.errstate(all="raise"):
            return np.asarray(_CONTENT[node.operator](node, *arrays)).reshape(shape)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return None


def _divide(node: Node, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    if a.dtype.kind != "i":
        return np.asarray(a / b)
    return np.asarray(np.sign(a) * np.sign(b) * (abs(a) // abs(b)))  # toward zero, as in C++


_CONTENT: dict[str, Callable[..., Any]] = {
    "Add": lambda node, a, b: a + b,
    "Cast": lambda node, a: a.astype(DTYPES[node.integer("to")]),
    "Concat": lambda node, *parts: np.concatenate(parts, node.integer("axis")),
    "ConstantOfShape": lambda node, a: np.full(a, node.tensor("value").data),
    "Div": _divide,
    "Equal": lambda node, a, b: a == b,
    "Expand": lambda node, a, b: np.broadcast_to(a, np.broadcast_shapes(a.shape, tuple(b))),
    "Floor": lambda node, a: np.floor(a),
    "Gather": lambda node, a, b: np.take(a, b, node.integer("axis")),
    "Identity": lambda node, a: a,
    "Max": lambda node, *parts: np.maximum.reduce(np.broadcast_arrays(*parts)),
    "Min": lambda node, *parts: np.minimum.reduce(np.broadcast_arrays(*parts)),
    "Mul": lambda node, a, b: a * b,
    "Range": lambda node, start, stop, step: np.arange(start, stop, step),
    "Reshape": lambda node, a, b: a,
    "Slice": lambda node, a, *others: a[node.slices()],
    "Squeeze": lambda node, a, *axes: a,
    "Sub": lambda node, a, b: a - b,
    "Unsqueeze": lambda node, a, *axes: a,
    "Where": lambda node, a, b, c: np.where(a, b, c),
}
