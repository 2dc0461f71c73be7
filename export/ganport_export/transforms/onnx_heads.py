"""Output heads of ONNX graphs: the nodes of `output_heads.OutputHead`, for any opset from 13."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import TensorProto, helper, numpy_helper

from ganport_export.transforms.output_heads import (
    MIN_ALPHA,
    PALETTE_BLOCK,
    SCALE,
    SHIFT,
    palette_blocks,
)
from ganport_runtime.conditions.colors import channels
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import ALPHA_THRESHOLD

_FLOAT = "image_float"


def add_head(model: onnx.ModelProto, image: ImageFormat, head: str) -> onnx.ModelProto:
    """Return a copy of a graph with float output whose images are those of a head.

    uint8 (batch, H, W, C) for "uint8", float32 (batch, C, H, W) in [0, 1] for "unit", unchanged
    for "float".
    """
    copied = copy.deepcopy(model)
    if head == "float":
        return copied
    graph = copied.graph
    output = graph.output[0]
    for node in graph.node:
        node.output[:] = [_FLOAT if name == output.name else name for name in node.output]
        node.input[:] = [_FLOAT if name == output.name else name for name in node.input]
    batch = output.type.tensor_type.shape.dim[0].dim_param
    _HeadBuilder(graph, image, head).build(output.name)
    shape: list[str | int] = [batch, image.channels, *image.size]
    if head == "uint8":
        shape = [batch, *image.size, image.channels]
    dtype = TensorProto.UINT8 if head == "uint8" else TensorProto.FLOAT
    output.CopyFrom(helper.make_tensor_value_info(output.name, dtype, shape))
    return copied


class _HeadBuilder:
    """Appends the nodes of a head to a graph."""

    def __init__(self, graph: onnx.GraphProto, image: ImageFormat, head: str) -> None:
        self.graph = graph
        self.image = image
        self.head = head
        self.constants: dict[tuple[str, bytes, tuple[int, ...]], str] = {}

    def build(self, output: str) -> None:
        """Append every node; the last one computes `output`."""
        planes = self._straight() if self.image.mode == "rgba" else self._opaque()
        if self.head == "unit":
            self._node("Identity", planes, output=output)
            return
        rows = self._node("Transpose", planes, perm=[0, 2, 3, 1])
        # Cast is last: runtimes without uint8 arithmetic need uint8 for one node only.
        self._node("Cast", rows, output=output, to=TensorProto.UINT8)

    def _opaque(self) -> str:
        if self.image.palette:
            return self._scaled(self._nearest(self._levels(_FLOAT)))
        return self._levels(_FLOAT) if self.head == "uint8" else self._clip(self._unit(), 1.0)

    def _straight(self) -> str:
        premultiplied, alpha = self._split(self._unit())
        divisor = self._node("Max", alpha, self._constant(MIN_ALPHA))
        color = self._clip(self._node("Div", premultiplied, divisor), 1.0)
        levels = self._levels(self._split(_FLOAT)[1])
        if self.image.alpha_levels == 2:
            opaque = self._node("Less", levels, self._constant(float(ALPHA_THRESHOLD)))
            levels = self._node("Where", opaque, self._constant(0.0), self._constant(255.0))
        if self.head == "uint8" or self.image.palette:
            doubled = self._node("Mul", color, self._constant(2.0))
            color = self._levels(self._node("Sub", doubled, self._constant(1.0)))
        if self.image.palette:
            color = self._scaled(self._nearest(color))
        visible = self._node("Greater", levels, self._constant(0.0))
        color = self._node("Where", visible, color, self._constant(0.0))
        keeps_levels = self.head == "uint8" or self.image.alpha_levels == 2
        straight = self._scaled(levels) if keeps_levels else self._clip(alpha, 1.0)
        return self._node("Concat", color, straight, axis=1)

    def _nearest(self, levels: str) -> str:
        """Return for each color the nearest of the palette in levels, the first of several."""
        blocks = palette_blocks(self.image)
        distance, chosen = self._nearest_in_block(levels, 0, *blocks[0])
        for index, block in enumerate(blocks[1:], 1):
            other, position = self._nearest_in_block(levels, index, *block)
            is_nearer = self._node("Less", other, distance)
            chosen = self._node("Where", is_nearer, position, chosen)
            distance = self._node("Min", other, distance)
        rows = self._node("Squeeze", chosen, self._constant([1], np.int64))
        colors = self._constant([channels(color) for color in self.image.palette])
        found = self._node("Gather", colors, rows, axis=0)
        return self._node("Transpose", found, perm=[0, 3, 1, 2])

    def _nearest_in_block(
        self, levels: str, index: int, weight: list[list[float]], bias: list[float]
    ) -> tuple[str, str]:
        kernel = self._constant(np.array(weight)[:, :, None, None])
        distances = self._node("Conv", levels, kernel, self._constant(bias))
        nearest = self._node("ArgMin", distances, axis=1, keepdims=1)
        distance = self._node("GatherElements", distances, nearest, axis=1)
        start = self._constant(index * PALETTE_BLOCK, np.int64)
        return distance, self._node("Add", nearest, start) if index else nearest

    def _unit(self) -> str:
        scaled = self._node("Mul", _FLOAT, self._constant(0.5))
        return self._node("Add", scaled, self._constant(0.5))

    def _levels(self, signed: str) -> str:
        shifted = self._node(
            "Add", self._node("Mul", signed, self._constant(SCALE)), self._constant(SHIFT)
        )
        # Floor and not Round: Round is half-even, and WebGPU runtimes do not support it.
        return self._node("Floor", self._clip(shifted, 255.0))

    def _scaled(self, levels: str) -> str:
        if self.head == "uint8":
            return levels
        return self._node("Div", levels, self._constant(255.0))

    def _clip(self, name: str, high: float) -> str:
        return self._node("Clip", name, self._constant(0.0), self._constant(high))

    def _split(self, name: str) -> tuple[str, str]:
        axis = self._constant([1], np.int64)
        ends = [self._constant([end], np.int64) for end in (0, 3, 4)]
        color = self._node("Slice", name, ends[0], ends[1], axis)
        return color, self._node("Slice", name, ends[1], ends[2], axis)

    def _node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = f"head_{len(self.graph.node)}_{operator.lower()}"
        result = output or name
        self.graph.node.append(helper.make_node(operator, inputs, [result], name, **attributes))
        return result

    def _constant(self, value: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """Return the name of a constant; equal ones are shared."""
        array = np.array(value, dtype)
        key = (array.dtype.str, array.tobytes(), array.shape)
        if key not in self.constants:
            self.constants[key] = f"head_constant_{len(self.constants)}"
            self.graph.initializer.append(numpy_helper.from_array(array, self.constants[key]))
        return self.constants[key]
