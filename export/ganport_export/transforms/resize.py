"""Scales of Resize nodes that float32 rounds below a whole number of pixels.

torch resizes 5 pixels by 1.4 to 7. A graph holds the scale in float32, whose exact product with 5
is below 7, so ONNX would infer 6 pixels.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


def correct_scales(model: onnx.ModelProto) -> None:
    """Raise the scales of a graph in place, until ONNX infers the sizes that torch computed."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    values = (*graph.input, *graph.value_info, *graph.output)
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values
    }
    for node in graph.node:
        scales = constants.get(node.input[2]) if _is_scaled(node) else None
        if scales is None or not {node.input[0], node.output[0]} <= shapes.keys():
            continue
        given = numpy_helper.to_array(scales)
        corrected = _correct(given, shapes[node.input[0]], shapes[node.output[0]])
        if not np.array_equal(corrected, given):
            node.input[2] = f"{node.output[0]}_scales"
            graph.initializer.append(numpy_helper.from_array(corrected, node.input[2]))


def _is_scaled(node: onnx.NodeProto) -> bool:
    return node.op_type == "Resize" and len(node.input) == 3 and bool(node.input[2])


def _correct(given: NDArray[np.float32], old: list[int], new: list[int]) -> NDArray[np.float32]:
    """Return scales with the smallest steps up that give the sizes `new`, where they lack one."""
    factors = given.copy()
    for axis, (before, after) in enumerate(zip(old, new, strict=True)):
        while 0 < int(before * float(factors[axis])) == after - 1:
            factors[axis] = np.nextafter(factors[axis], np.float32(np.inf))
    return factors
