"""Conversion of a graph to an opset below 18, the lowest that torch writes.

Operators whose form changed get their older form, and operators that are younger are replaced by
older ones. `onnx.version_converter` has no adapter for Split, Pad, Mish and LayerNormalization.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ganport_export.errors import UnsupportedError

_FIX = "Use a higher --opset, if the target reads it, or replace the operator in the network."


def convert_opset(
    model: onnx.ModelProto, opset: int, modules: Mapping[str, str]
) -> onnx.ModelProto:
    """Return a copy of a graph under an older opset, with equal outputs.

    `modules` are the paths of the modules by the names of values. Raises UnsupportedError with the
    module for an operator that the opset cannot express.
    """
    copied = copy.deepcopy(model)
    converter = _Converter(copied.graph, opset, modules)
    nodes = [new for node in copied.graph.node for new in converter.convert(node)]
    del copied.graph.node[:]
    copied.graph.node.extend(nodes)
    copied.opset_import[0].version = opset
    copied.ir_version = helper.find_min_ir_version_for(list(copied.opset_import))
    return copied


class _Converter:
    def __init__(self, graph: onnx.GraphProto, opset: int, modules: Mapping[str, str]) -> None:
        self.graph = graph
        self.opset = opset
        self.modules = modules
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        values = (*graph.input, *graph.value_info, *graph.output)
        self.shapes = {value.name: value.type.tensor_type.shape.dim for value in values}

    def convert(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Yield the nodes that replace a node; raises UnsupportedError."""
        if node.op_type in _REPLACED and not self._exists(node.op_type):
            yield from _REPLACED[node.op_type](self, node)
            return
        if not self._exists(node.op_type):
            raise self.unsupported(node, node.op_type)
        if node.op_type.startswith("Reduce") and len(node.input) > 1:
            self._move_axes(node)
        if node.op_type == "Split":
            self._state_sizes(node)
        self._remove_defaults(node)
        limit = self._schema(node.op_type, self.opset).max_input
        if any(node.input[limit:]):
            raise self.unsupported(node, f"{node.op_type} with {len(node.input)} inputs")
        del node.input[limit:]
        yield node

    def constant(self, name: str, values: object, dtype: type = np.float32) -> str:
        """Add a constant to the graph and return its name."""
        self.graph.initializer.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def unsupported(self, node: onnx.NodeProto, found: str) -> UnsupportedError:
        """Return the error of a node that the opset cannot express."""
        path = self.modules.get(node.output[0], "unknown")
        expected = f"operators of opset {self.opset}"
        return UnsupportedError(f"module {path!r}", expected, found, _FIX)

    def _exists(self, operator: str) -> bool:
        return bool(onnx.defs.has(operator, self.opset, ""))

    def _schema(self, operator: str, opset: int) -> onnx.defs.OpSchema:
        return onnx.defs.get_schema(operator, opset, "")

    def _move_axes(self, node: onnx.NodeProto) -> None:
        """Move constant axes from an input to the attribute of older opsets."""
        if self._schema(node.op_type, self.opset).max_input > 1:
            return
        if node.input[1]:
            if node.input[1] not in self.constants:
                raise self.unsupported(node, f"{node.op_type} with computed axes")
            axes = numpy_helper.to_array(self.constants[node.input[1]]).tolist()
            node.attribute.append(helper.make_attribute("axes", axes))
        del node.input[1:]

    def _state_sizes(self, node: onnx.NodeProto) -> None:
        """Replace the number of parts of a Split by their sizes."""
        if len(node.input) > 1:
            return
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        length = self.shapes[node.input[0]][axis].dim_value if node.input[0] in self.shapes else 0
        if not length:
            raise self.unsupported(node, "Split of an unknown length")
        part = -(-length // len(node.output))
        sizes = [part] * (len(node.output) - 1)
        node.input.append(
            self.constant(f"{node.output[0]}_sizes", [*sizes, length - sum(sizes)], np.int64)
        )

    def _remove_defaults(self, node: onnx.NodeProto) -> None:
        """Remove attributes that the older form lacks, if they have their default value."""
        newer = self._schema(node.op_type, onnx.defs.onnx_opset_version()).attributes
        older = self._schema(node.op_type, self.opset).attributes
        for attribute in [a for a in node.attribute if a.name not in older]:
            given, default = helper.get_attribute_value(attribute), None
            if attribute.name in newer and newer[attribute.name].default_value.name:
                default = helper.get_attribute_value(newer[attribute.name].default_value)
            if given != default and attribute.name != "num_outputs":
                raise self.unsupported(node, f"{node.op_type} with {attribute.name} = {given}")
            node.attribute.remove(attribute)


def _replace_mish(converter: _Converter, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """Yield x * tanh(softplus(x))."""
    x, (y,) = node.input[0], node.output
    yield helper.make_node("Softplus", [x], [f"{y}_softplus"], f"{y}_softplus")
    yield helper.make_node("Tanh", [f"{y}_softplus"], [f"{y}_tanh"], f"{y}_tanh")
    yield helper.make_node("Mul", [x, f"{y}_tanh"], [y], f"{y}_mul")


def _replace_layer_norm(converter: _Converter, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """Yield (x - mean) / sqrt(variance + epsilon) * scale + bias over the last axes."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    x, y = node.input[0], node.output[0]
    axis, rank = attributes.get("axis", -1), len(converter.shapes.get(x, ()))
    if axis >= 0 and not rank:
        raise converter.unsupported(node, "LayerNormalization of an unknown rank")
    axes = list(range(axis - rank if axis >= 0 else axis, 0))
    epsilon = converter.constant(f"{y}_epsilon", attributes.get("epsilon", 1e-5))
    steps = [
        ("ReduceMean", [x], "mean"),
        ("Sub", [x, f"{y}_mean"], "centered"),
        ("Mul", [f"{y}_centered", f"{y}_centered"], "squares"),
        ("ReduceMean", [f"{y}_squares"], "variance"),
        ("Add", [f"{y}_variance", epsilon], "positive"),
        ("Sqrt", [f"{y}_positive"], "deviation"),
        ("Div", [f"{y}_centered", f"{y}_deviation"], "normal"),
        ("Mul", [f"{y}_normal", node.input[1]], "scaled"),
    ]
    last = f"{y}_scaled"
    if len(node.input) > 2 and node.input[2]:
        steps.append(("Add", [last, node.input[2]], "biased"))
        last = f"{y}_biased"
    for operator, inputs, name in steps:
        output = y if f"{y}_{name}" == last else f"{y}_{name}"
        made = helper.make_node(operator, inputs, [output], f"{y}_{name}")
        if operator == "ReduceMean":
            made.attribute.append(helper.make_attribute("axes", axes))
        yield made


_REPLACED: dict[str, Callable[[_Converter, onnx.NodeProto], Iterator[onnx.NodeProto]]] = {
    "LayerNormalization": _replace_layer_norm,
    "Mish": _replace_mish,
}
