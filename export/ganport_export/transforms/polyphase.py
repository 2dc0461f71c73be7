"""Polyphase decomposition: a transposed convolution of stride 2 becomes four plain convolutions.

The output pixels (2m + r, 2n + c) of such a layer use the kernel taps of one parity only. For each
(r, c) they are a plain convolution with a quarter of the kernel, and the four results interleave
(Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016). The sums have
the same products, so the result is exact. OpenVINO computes plain convolutions in bfloat16, but not
transposed ones.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ganport_export.errors import UnsupportedError
from ganport_export.transforms.transposed_conv import TransposedConv, read_transposed_conv

_MIN_CHANNELS = 16
"""Output channels that fill the vector registers of a CPU."""
_ELEMENTWISE = ("Elu", "LeakyRelu", "Relu", "Sigmoid", "Tanh")
_TO_END = 2**63 - 1


def to_polyphase(model: onnx.ModelProto, place: str) -> onnx.ModelProto:
    """Return a copy of a float32 graph with its transposed convolutions of stride 2 replaced.

    A layer whose input is a single pixel becomes a matrix product. A following activation moves in
    front of the interleaving, where runtimes fuse it with the convolution. Layers with another
    stride, with groups or with dilation stay. Raises UnsupportedError if no layer can be replaced.
    """
    copied = copy.deepcopy(model)
    graph = copied.graph
    rewriter = _Rewriter(graph)
    nodes = [new for node in graph.node for new in rewriter.rewrite(node)]
    if not rewriter.weights:
        raise UnsupportedError(
            place,
            "a network with transposed convolutions of stride 2",
            "none that can be replaced",
            "Leave --polyphase out.",
        )
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend([*kept, *rewriter.weights])
    return copied


class _Rewriter:
    """Replaces the nodes of a graph, and collects the `weights` of the new nodes."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.weights: list[onnx.TensorProto] = []
        self._graph = graph
        self._outputs = {tensor.name for tensor in graph.output}
        self._moved: set[str] = set()
        """Outputs of the activations that have moved in front of the interleaving."""

    def rewrite(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Yield the nodes that replace `node`."""
        layer = read_transposed_conv(node, self._graph)
        if node.output[0] in self._moved:
            return
        if layer is None:
            yield node
        elif layer.has_one_pixel:
            yield from self._matrix_product(layer)
        else:
            yield from self._polyphase(layer)

    def _matrix_product(self, layer: TransposedConv) -> Iterator[onnx.NodeProto]:
        name, kernel = layer.name, layer.cropped_weight()
        outputs = kernel.shape[1:]
        weight = self._weight(f"{name}/weight", kernel.reshape(len(kernel), -1))
        bias = self._weight(f"{name}/bias", np.repeat(layer.bias, outputs[1] * outputs[2]))
        shape = self._weight(f"{name}/shape", np.array([-1, *outputs]))
        yield _node("Flatten", [layer.source], f"{name}/flat", axis=1)
        yield _node("Gemm", [f"{name}/flat", weight, bias], f"{name}/product")
        yield _node("Reshape", [f"{name}/product", shape], name)

    def _polyphase(self, layer: TransposedConv) -> Iterator[onnx.NodeProto]:
        activation = self._movable_activation(layer.name)
        output = activation.output[0] if activation else layer.name
        self._moved |= {output} if activation else set()
        # With few channels, four convolutions would leave vector registers partly empty. Then one
        # convolution computes all phases over a common window, and its border is cropped.
        if layer.channels < _MIN_CHANNELS or not layer.has_equal_phases:
            convolutions = [self._joint_convolution(layer)]
        else:
            convolutions = list(self._phase_convolutions(layer))
        yield from convolutions
        tensors = [node.output[0] for node in convolutions]
        if activation:
            activations = [_copy_activation(activation, tensor) for tensor in tensors]
            yield from activations
            tensors = [node.output[0] for node in activations]
        yield from self._interleave(layer, tensors, output)

    def _joint_convolution(self, layer: TransposedConv) -> onnx.NodeProto:
        name = layer.name
        weight = self._weight(f"{name}/weight", layer.common_kernel())
        bias = self._weight(f"{name}/bias", np.tile(layer.bias, 4))
        pads = [size - 1 for size in layer.window] * 2
        return _convolution([layer.source, weight, bias], f"{name}/phases", layer.window, pads)

    def _phase_convolutions(self, layer: TransposedConv) -> Iterator[onnx.NodeProto]:
        bias = self._weight(f"{layer.name}/bias", layer.bias)
        for phase in layer.phases():
            tensor = f"{layer.name}/phase{phase.row}{phase.column}"
            weight = self._weight(f"{tensor}/weight", phase.kernel)
            inputs = [layer.source, weight, bias]
            yield _convolution(inputs, tensor, phase.kernel.shape[2:], phase.pads)

    def _interleave(
        self, layer: TransposedConv, tensors: Sequence[str], output: str
    ) -> Iterator[onnx.NodeProto]:
        name, crop = layer.name, layer.crop()
        phases = tensors[0]
        if len(tensors) > 1:
            phases = f"{name}/phases"
            yield _node("Concat", tensors, phases, axis=1)
        is_complete = len(tensors) > 1 or not np.any(crop)
        interleaved = output if is_complete else f"{name}/woven"
        yield _node("DepthToSpace", [phases], interleaved, blocksize=2, mode="DCR")
        if not is_complete:
            ends = [-end if end else _TO_END for end in crop[1]]
            bounds = {"starts": crop[0], "ends": ends, "axes": (2, 3)}
            inputs = [self._weight(f"{name}/{key}", np.array(v)) for key, v in bounds.items()]
            yield _node("Slice", [interleaved, *inputs], output)

    def _movable_activation(self, tensor: str) -> onnx.NodeProto | None:
        """Return the node that alone reads `tensor`, if it is an elementwise activation."""
        readers: list[onnx.NodeProto] = [n for n in self._graph.node if tensor in n.input]
        if tensor in self._outputs or len(readers) != 1 or readers[0].op_type not in _ELEMENTWISE:
            return None
        return readers[0]

    def _weight(self, name: str, array: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _convolution(
    inputs: Sequence[str], output: str, window: Sequence[int], pads: Sequence[int]
) -> onnx.NodeProto:
    return _node("Conv", inputs, output, kernel_shape=list(window), pads=list(pads), strides=[1, 1])


def _copy_activation(activation: onnx.NodeProto, tensor: str) -> onnx.NodeProto:
    node = copy.deepcopy(activation)
    node.name = node.output[0] = f"{tensor}/active"
    node.input[0] = tensor
    return node


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], output, **attributes)
