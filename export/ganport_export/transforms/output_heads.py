"""The last step of a graph: float pictures as they are, or uint8 rows a game can show.

uint8 = floor(clamp(x * 127.5 + 128, 0, 255)), NHWC; the same numbers as
`ganport_runtime.images.encode.to_uint8`.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

SCALE = 127.5
SHIFT = 128.0
_FLOAT = "image_float"


class ToUint8(nn.Module):
    """Pictures (N, 3, H, W) float32 to (N, H, W, 3) uint8."""

    def forward(self, image: Tensor) -> Tensor:
        """The uint8 rows of float pictures."""
        levels = (image * SCALE + SHIFT).clamp(0.0, 255.0).floor()
        return levels.permute(0, 2, 3, 1).to(torch.uint8, memory_format=torch.contiguous_format)


def with_uint8_head(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph whose float output `image` has become uint8 (batch, H, W, 3)."""
    headed = onnx.ModelProto()
    headed.CopyFrom(model)
    graph = headed.graph
    output = graph.output[0]
    name = output.name
    for node in graph.node:
        node.output[:] = [_FLOAT if tensor == name else tensor for tensor in node.output]
        node.input[:] = [_FLOAT if tensor == name else tensor for tensor in node.input]
    constants = {"head_scale": SCALE, "head_shift": SHIFT, "head_low": 0.0, "head_high": 255.0}
    for constant, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), constant))
    graph.node.extend(
        [
            helper.make_node("Mul", [_FLOAT, "head_scale"], ["head_scaled"], "head_mul"),
            helper.make_node("Add", ["head_scaled", "head_shift"], ["head_shifted"], "head_add"),
            helper.make_node(
                "Clip", ["head_shifted", "head_low", "head_high"], ["head_clipped"], "head_clip"
            ),
            # Floor, not Round: Round is half-even, and WebGPU players do not have it.
            helper.make_node("Floor", ["head_clipped"], ["head_levels"], "head_floor"),
            helper.make_node(
                "Transpose", ["head_levels"], ["head_rows"], "head_transpose", perm=[0, 2, 3, 1]
            ),
            # The cast comes last: players without uint8 arithmetic need it for one node only.
            helper.make_node("Cast", ["head_rows"], [name], "head_cast", to=TensorProto.UINT8),
        ]
    )
    batch, channels, height, width = output.type.tensor_type.shape.dim
    shape = [batch.dim_param, height.dim_value, width.dim_value, channels.dim_value]
    output.CopyFrom(helper.make_tensor_value_info(name, TensorProto.UINT8, shape))
    return headed
