"""Decomposition of a transposed convolution into the plain convolutions of its phases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Pair = tuple[int, int]
Weight = NDArray[np.float32]


@dataclass(frozen=True)
class Phase:
    """The plain convolution that computes the output pixels (2m + row, 2n + column)."""

    row: int
    column: int
    kernel: Weight
    """(outputs, inputs, height, width)."""
    pads: tuple[int, int, int, int]
    """Top, left, bottom, right; negative where the convolution would have to skip pixels."""


@dataclass(frozen=True)
class TransposedConv:
    """A transposed convolution of stride 2, or of any stride over a single pixel."""

    name: str
    """Name of the output tensor."""
    source: str
    """Name of the input tensor."""
    has_one_pixel: bool
    """Whether the input has height 1 and width 1."""
    weight: Weight
    """(inputs, outputs, height, width)."""
    bias: Weight
    begin: Pair
    end: Pair
    """Pixels that the padding removes on each side, by direction."""
    extra: Pair
    """Pixels that the output padding adds at the end."""

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return len(self.bias)

    @property
    def window(self) -> Pair:
        """Largest number of input pixels that one output pixel depends on, by direction."""
        height, width = self.weight.shape[2:]
        return (height + 1) // 2, (width + 1) // 2

    @property
    def has_equal_phases(self) -> bool:
        """Whether the four phases have one output size, a kernel, and no negative padding."""
        is_even = all(self._growth(axis) % 2 == 0 for axis in (0, 1))
        return is_even and all(min(p.pads) >= 0 and p.kernel.size for p in self.phases())

    def phases(self) -> Iterator[Phase]:
        """Yield the four phases in row-major order."""
        flat = self.weight.transpose(1, 0, 2, 3)
        for row in (0, 1):
            down, top, bottom = self._taps(0, row)
            for column in (0, 1):
                across, left, right = self._taps(1, column)
                kernel = flat[:, :, down][:, :, :, across]
                yield Phase(row, column, kernel, (top, left, bottom, right))

    def common_kernel(self) -> Weight:
        """Return one kernel `(4 * outputs, inputs, *window)` for all phases, padded with zeros.

        It computes the layer without padding, whose phases all have the same window.
        """
        height, width = self.window
        even = np.zeros((*self.weight.shape[:2], 2 * height, 2 * width), np.float32)
        even[:, :, : self.weight.shape[2], : self.weight.shape[3]] = self.weight
        phases = [even[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        flipped = [phase[:, :, ::-1, ::-1].transpose(1, 0, 2, 3) for phase in phases]
        return np.concatenate(flipped)

    def crop(self) -> tuple[Pair, Pair]:
        """Return the pixels to crop from the output of `common_kernel`, at the start and end."""
        sizes = self.weight.shape[2:]
        ends = [
            2 * self.window[axis] - sizes[axis] + self.end[axis] - self.extra[axis]
            for axis in (0, 1)
        ]
        return self.begin, (ends[0], ends[1])

    def cropped_weight(self) -> Weight:
        """Return the weight without the rows and columns that the padding removes."""
        height, width = self.weight.shape[2:]
        rows = slice(self.begin[0], height - self.end[0])
        columns = slice(self.begin[1], width - self.end[1])
        return self.weight[:, :, rows, columns]

    def _taps(self, axis: int, phase: int) -> tuple[NDArray[np.int64], int, int]:
        """Return the taps of a phase in the order of a convolution, and the padding around it."""
        # Output 2m + phase adds input i times tap k where 2m + phase = 2i - begin + k.
        shift, parity = divmod(phase + self.begin[axis], 2)
        taps = np.arange(parity, self.weight.shape[2 + axis], 2)[::-1]
        return taps, len(taps) - 1 - shift, self._growth(axis) // 2 + shift

    def _growth(self, axis: int) -> int:
        """Return the output size minus twice the input size."""
        lost = self.begin[axis] + self.end[axis]
        return int(self.weight.shape[2 + axis]) - 2 - lost + self.extra[axis]


def read_transposed_conv(node: onnx.NodeProto, graph: onnx.GraphProto) -> TransposedConv | None:
    """Return a node as a TransposedConv, or None if it is another node or cannot be decomposed."""
    if node.op_type != "ConvTranspose":
        return None
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    arrays = [_constant(graph, name) for name in node.input[1:]]
    if not _is_supported(attributes) or any(array is None for array in arrays):
        return None
    weight, *bias = (np.asarray(array) for array in arrays)
    if weight.ndim != 4:
        return None
    pads, extra = attributes.get("pads", [0] * 4), attributes.get("output_padding", [0, 0])
    layer = TransposedConv(
        name=node.output[0],
        source=node.input[0],
        has_one_pixel=_is_one_pixel(graph, node.input[0]) and not any(extra),
        weight=weight,
        bias=bias[0] if bias else np.zeros(weight.shape[1], np.float32),
        begin=(pads[0], pads[1]),
        end=(pads[2], pads[3]),
        extra=(extra[0], extra[1]),
    )
    strided = list(attributes.get("strides", [1, 1])) == [2, 2]
    return layer if layer.has_one_pixel or (strided and min(layer.crop()[1]) >= 0) else None


def _is_supported(attributes: dict[str, Any]) -> bool:
    is_dense = max(attributes.get("dilations", [1])) == 1 and attributes.get("group", 1) == 1
    has_pads = attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    return is_dense and has_pads and "output_shape" not in attributes


def _constant(graph: onnx.GraphProto, name: str) -> NDArray[Any] | None:
    return next((numpy_helper.to_array(t) for t in graph.initializer if t.name == name), None)


def _is_one_pixel(graph: onnx.GraphProto, name: str) -> bool:
    known = (*graph.input, *graph.value_info)
    shapes = [tensor.type.tensor_type.shape.dim for tensor in known if tensor.name == name]
    return any([dim.dim_value for dim in shape[2:]] == [1, 1] for shape in shapes)
