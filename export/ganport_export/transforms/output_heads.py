"""Output heads: the last operations of a graph, which turn float images into uint8 images.

uint8 = floor(clamp(x * 127.5 + 128, 0, 255)) in NHWC order, the same values as
`ganport_runtime.images.encode.to_uint8`.
"""

from __future__ import annotations

import copy

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

SCALE = 127.5
SHIFT = 128.0
_FLOAT = "image_float"


class ToUint8(nn.Module):
    """Output head of a TorchScript file."""

    def forward(self, image: Tensor) -> Tensor:
        """Convert images (N, 3, H, W) float32 in [-1, 1] to (N, H, W, 3) uint8."""
        levels = (image * SCALE + SHIFT).clamp(0.0, 255.0).floor()
        return levels.permute(0, 2, 3, 1).to(torch.uint8, memory_format=torch.contiguous_format)


def add_uint8_head(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a graph whose float output `image` is uint8 (batch, H, W, 3)."""
    copied = copy.deepcopy(model)
    graph = copied.graph
    output = graph.output[0]
    name = output.name
    for node in graph.node:
        node.output[:] = [_FLOAT if tensor == name else tensor for tensor in node.output]
        node.input[:] = [_FLOAT if tensor == name else tensor for tensor in node.input]
    constants = {"head_scale": SCALE, "head_shift": SHIFT, "head_low": 0.0, "head_high": 255.0}
    for constant, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), constant))
    graph.node.extend(_uint8_nodes(name))
    batch, channels, height, width = output.type.tensor_type.shape.dim
    shape = [batch.dim_param, height.dim_value, width.dim_value, channels.dim_value]
    output.CopyFrom(helper.make_tensor_value_info(name, TensorProto.UINT8, shape))
    return copied


def _uint8_nodes(output: str) -> list[onnx.NodeProto]:
    node = helper.make_node
    clip_inputs = ["head_shifted", "head_low", "head_high"]
    return [
        node("Mul", [_FLOAT, "head_scale"], ["head_scaled"], "head_mul"),
        node("Add", ["head_scaled", "head_shift"], ["head_shifted"], "head_add"),
        node("Clip", clip_inputs, ["head_clipped"], "head_clip"),
        # Floor and not Round: Round is half-even, and WebGPU runtimes do not support it.
        node("Floor", ["head_clipped"], ["head_levels"], "head_floor"),
        node("Transpose", ["head_levels"], ["head_rows"], "head_transpose", perm=[0, 2, 3, 1]),
        # Cast is last: runtimes without uint8 arithmetic need uint8 for one node only.
        node("Cast", ["head_rows"], [output], "head_cast", to=TensorProto.UINT8),
    ]
