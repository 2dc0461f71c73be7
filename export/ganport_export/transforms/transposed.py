"""A transposed convolution taken apart into the plain convolutions of its phases."""

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
class Quarter:
    """The plain convolution of the output pixels (2m + row, 2n + column)."""

    row: int
    column: int
    kernel: Weight
    """(outputs, inputs, height, width), as a convolution has it."""
    pads: tuple[int, int, int, int]
    """Top, left, bottom, right; below zero where pixels would have to be left out."""


@dataclass(frozen=True)
class Transposed:
    """A transposed convolution of stride 2, or of any stride over a single pixel."""

    name: str
    """Of the tensor it makes."""
    source: str
    of_one_pixel: bool
    weight: Weight
    """(inputs, outputs, height, width)."""
    bias: Weight
    begin: Pair
    end: Pair
    """Pixels that the padding takes away on either side, by direction."""
    extra: Pair
    """Pixels that the output padding adds at the end."""

    @property
    def channels(self) -> int:
        """Output channels."""
        return len(self.bias)

    @property
    def window(self) -> Pair:
        """Input pixels that decide one output pixel, at most, by direction."""
        height, width = self.weight.shape[2:]
        return (height + 1) // 2, (width + 1) // 2

    @property
    def splits(self) -> bool:
        """Whether the four phases are of one size, none of them empty, and pad only."""
        quarters = list(self.quarters())
        even = all(self._growth(axis) % 2 == 0 for axis in (0, 1))
        return even and all(min(q.pads) >= 0 and q.kernel.size for q in quarters)

    def quarters(self) -> Iterator[Quarter]:
        """The four phases in row-major order."""
        flat = self.weight.transpose(1, 0, 2, 3)
        for row in (0, 1):
            down, top, bottom = self._phase(0, row)
            for column in (0, 1):
                across, left, right = self._phase(1, column)
                kernel = flat[:, :, down][:, :, :, across]
                yield Quarter(row, column, kernel, (top, left, bottom, right))

    def common_kernel(self) -> Weight:
        """One kernel (4 x outputs, inputs, *window) for all phases, the smaller ones with zeros.

        It belongs to the layer without padding, whose phases all see the same window.
        """
        height, width = self.window
        even = np.zeros((*self.weight.shape[:2], 2 * height, 2 * width), np.float32)
        even[:, :, : self.weight.shape[2], : self.weight.shape[3]] = self.weight
        phases = [even[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        turned = [phase[:, :, ::-1, ::-1].transpose(1, 0, 2, 3) for phase in phases]
        return np.concatenate(turned)

    def cut(self) -> tuple[Pair, Pair]:
        """What to take off the output of `common_kernel` at the beginning and at the end."""
        sizes = self.weight.shape[2:]
        ends = [
            2 * self.window[axis] - sizes[axis] + self.end[axis] - self.extra[axis]
            for axis in (0, 1)
        ]
        return self.begin, (ends[0], ends[1])

    def cropped_weight(self) -> Weight:
        """What one pixel spreads: the weight without what the padding takes away."""
        height, width = self.weight.shape[2:]
        rows = slice(self.begin[0], height - self.end[0])
        columns = slice(self.begin[1], width - self.end[1])
        return self.weight[:, :, rows, columns]

    def _phase(self, axis: int, phase: int) -> tuple[NDArray[np.int64], int, int]:
        """The taps of a phase in a convolution's order, and the padding before and behind."""
        # Output 2m + phase adds input i times tap k where 2m + phase = 2i - begin + k.
        shift, parity = divmod(phase + self.begin[axis], 2)
        taps = np.arange(parity, self.weight.shape[2 + axis], 2)[::-1]
        return taps, len(taps) - 1 - shift, self._growth(axis) // 2 + shift

    def _growth(self, axis: int) -> int:
        """Output pixels beyond two for each input pixel."""
        lost = self.begin[axis] + self.end[axis]
        return int(self.weight.shape[2 + axis]) - 2 - lost + self.extra[axis]


def read_transposed(node: onnx.NodeProto, graph: onnx.GraphProto) -> Transposed | None:
    """A node as such a layer, or None where it is another one or cannot be taken apart."""
    if node.op_type != "ConvTranspose":
        return None
    given = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    arrays = [_constant(graph, name) for name in node.input[1:]]
    if not _is_plain(given) or any(array is None for array in arrays):
        return None
    weight, *bias = (np.asarray(array) for array in arrays)
    if weight.ndim != 4:
        return None
    pads, extra = given.get("pads", [0] * 4), given.get("output_padding", [0, 0])
    layer = Transposed(
        name=node.output[0],
        source=node.input[0],
        of_one_pixel=_is_one_pixel(graph, node.input[0]) and not any(extra),
        weight=weight,
        bias=bias[0] if bias else np.zeros(weight.shape[1], np.float32),
        begin=(pads[0], pads[1]),
        end=(pads[2], pads[3]),
        extra=(extra[0], extra[1]),
    )
    strided = list(given.get("strides", [1, 1])) == [2, 2]
    return layer if layer.of_one_pixel or (strided and min(layer.cut()[1]) >= 0) else None


def _is_plain(given: dict[str, Any]) -> bool:
    spread = max(given.get("dilations", [1])) > 1 or given.get("group", 1) > 1
    return (
        not spread and given.get("auto_pad", b"NOTSET") == b"NOTSET" and "output_shape" not in given
    )


def _constant(graph: onnx.GraphProto, name: str) -> NDArray[Any] | None:
    return next((numpy_helper.to_array(t) for t in graph.initializer if t.name == name), None)


def _is_one_pixel(graph: onnx.GraphProto, name: str) -> bool:
    known = (*graph.input, *graph.value_info)
    shapes = [tensor.type.tensor_type.shape.dim for tensor in known if tensor.name == name]
    return any([dim.dim_value for dim in shape[2:]] == [1, 1] for shape in shapes)
