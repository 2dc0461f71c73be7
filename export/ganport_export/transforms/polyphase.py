"""Transposed convolutions of stride 2 as plain convolutions: each phase of the output by itself.

Output pixel 2m + r of such a layer has the taps of one parity alone, so the pixels of one r in
each direction are a plain convolution with a quarter of the kernel, and the four interleave (Shi et
al., "Is the deconvolution layer the same as a convolutional layer?", 2016). The same products are
summed, so it is exact; OpenVINO has bfloat16 for these convolutions and not for those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ganport_export.errors import UnsupportedError
from ganport_export.transforms.transposed import Transposed, read_transposed

_LANES = 16
"""Output channels that a processor computes at once, used or not."""
_POINTWISE = ("Elu", "LeakyRelu", "Relu", "Sigmoid", "Tanh")
_TO_END = 2**63 - 1


def in_phases(model: onnx.ModelProto, place: str) -> onnx.ModelProto:
    """A copy of a float32 graph without transposed convolutions of stride 2, as far as it can be.

    One that starts from a single pixel becomes a matrix product. An activation that follows moves
    in front of the interleaving, where runtimes fuse it with the convolution. Layers of other
    strides, with groups or with dilation stay. Raises UnsupportedError for a graph in which
    nothing changes.
    """
    phased = onnx.ModelProto()
    phased.CopyFrom(model)
    graph = phased.graph
    plan = _Plan(graph)
    nodes = [new for node in graph.node for new in plan.rewrite(node)]
    if not plan.weights:
        raise UnsupportedError(
            place,
            expected="a network with transposed convolutions of stride 2",
            found="none that can be rewritten",
            fix="Leave --phase out.",
        )
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *plan.weights])
    return phased


class _Plan:
    """What becomes of each node of a graph; gathers the `weights` that new nodes read."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.weights: list[onnx.TensorProto] = []
        self._graph = graph
        self._outputs = {tensor.name for tensor in graph.output}
        self._moved: set[str] = set()  # outputs of activations that stand elsewhere now

    def rewrite(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """The nodes in place of `node`."""
        layer = read_transposed(node, self._graph)
        if node.output[0] in self._moved:
            return
        if layer is None:
            yield node
        elif layer.of_one_pixel:
            yield from self._product(layer)
        else:
            yield from self._phases(layer)

    def _product(self, layer: Transposed) -> Iterator[onnx.NodeProto]:
        name, kernel = layer.name, layer.cropped_weight()
        outputs = kernel.shape[1:]
        weight = self._weight(f"{name}/weight", kernel.reshape(len(kernel), -1))
        bias = self._weight(f"{name}/bias", np.repeat(layer.bias, outputs[1] * outputs[2]))
        shape = self._weight(f"{name}/shape", np.array([-1, *outputs]))
        yield _node("Flatten", [layer.source], f"{name}/flat", axis=1)
        yield _node("Gemm", [f"{name}/flat", weight, bias], f"{name}/product")
        yield _node("Reshape", [f"{name}/product", shape], name)

    def _phases(self, layer: Transposed) -> Iterator[onnx.NodeProto]:
        activation = self._activation(layer.name)
        last = activation.output[0] if activation else layer.name
        self._moved |= {last} if activation else set()
        # With few channels four convolutions would leave most lanes empty; one computes all
        # phases over a common window instead, and a border that is cut off.
        if layer.channels < _LANES or not layer.splits:
            convolutions = [self._whole(layer)]
        else:
            convolutions = list(self._quarters(layer))
        yield from convolutions
        ready = [node.output[0] for node in convolutions]
        if activation:
            acted = [_repeated(activation, tensor) for tensor in ready]
            yield from acted
            ready = [node.output[0] for node in acted]
        yield from self._interleaved(layer, ready, last)

    def _whole(self, layer: Transposed) -> onnx.NodeProto:
        name = layer.name
        weight = self._weight(f"{name}/weight", layer.common_kernel())
        bias = self._weight(f"{name}/bias", np.tile(layer.bias, 4))
        pads = [size - 1 for size in layer.window] * 2
        return _convolution([layer.source, weight, bias], f"{name}/phases", layer.window, pads)

    def _quarters(self, layer: Transposed) -> Iterator[onnx.NodeProto]:
        bias = self._weight(f"{layer.name}/bias", layer.bias)
        for part in layer.quarters():
            tensor = f"{layer.name}/phase{part.row}{part.column}"
            weight = self._weight(f"{tensor}/weight", part.kernel)
            inputs = [layer.source, weight, bias]
            yield _convolution(inputs, tensor, part.kernel.shape[2:], part.pads)

    def _interleaved(
        self, layer: Transposed, tensors: Sequence[str], last: str
    ) -> Iterator[onnx.NodeProto]:
        name, cut = layer.name, layer.cut()
        side_by_side = tensors[0]
        if len(tensors) > 1:
            side_by_side = f"{name}/phases"
            yield _node("Concat", tensors, side_by_side, axis=1)
        whole = len(tensors) > 1 or not np.any(cut)
        woven = last if whole else f"{name}/woven"
        yield _node("DepthToSpace", [side_by_side], woven, blocksize=2, mode="DCR")
        if not whole:
            ends = [-end if end else _TO_END for end in cut[1]]
            bounds = {"starts": cut[0], "ends": ends, "axes": (2, 3)}
            given = [self._weight(f"{name}/{key}", np.array(at)) for key, at in bounds.items()]
            yield _node("Slice", [woven, *given], last)

    def _activation(self, tensor: str) -> onnx.NodeProto | None:
        """The node that alone reads `tensor`, if it may as well come before the interleaving."""
        readers: list[onnx.NodeProto] = [n for n in self._graph.node if tensor in n.input]
        if tensor in self._outputs or len(readers) != 1 or readers[0].op_type not in _POINTWISE:
            return None
        return readers[0]

    def _weight(self, name: str, array: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _convolution(
    inputs: Sequence[str], output: str, window: Sequence[int], pads: Sequence[int]
) -> onnx.NodeProto:
    return _node("Conv", inputs, output, kernel_shape=list(window), pads=list(pads), strides=[1, 1])


def _repeated(activation: onnx.NodeProto, tensor: str) -> onnx.NodeProto:
    node = onnx.NodeProto()
    node.CopyFrom(activation)
    node.name = node.output[0] = f"{tensor}/active"
    node.input[0] = tensor
    return node


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], output, **attributes)
