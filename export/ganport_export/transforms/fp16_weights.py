"""Weights in float16 where they lie, and in float32 where they are reckoned with."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ganport_export.errors import ParityError

_LEAST = 256
"""Numbers in a weight that is worth a node of its own."""
_STORED = "{}.stored"


def rounded(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose matrices and kernels are rounded to float16, and stored in float32 as before.

    Vectors stay as they are: biases and the statistics of norms are few, and a small variance
    does not live in float16. Raises ParityError for a weight beyond float16's 65504.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    for tensor in copied.graph.initializer:
        if _is_large(tensor):
            near = _half(tensor).astype(np.float32)
            if not np.isfinite(near).all():
                raise _too_large(tensor)
            tensor.CopyFrom(numpy_helper.from_array(near, tensor.name))
    return copied


def stored_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which every weight that float16 holds exactly lies in float16, behind a cast.

    It computes bit for bit what `model` does: runtimes work the casts out when they load it.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    casts = []
    for tensor in copied.graph.initializer:
        if _is_large(tensor) and np.array_equal(_half(tensor), numpy_helper.to_array(tensor)):
            name, stored = tensor.name, _STORED.format(tensor.name)
            tensor.CopyFrom(numpy_helper.from_array(_half(tensor), stored))
            cast = helper.make_node("Cast", [stored], [name], f"{name}.cast", to=TensorProto.FLOAT)
            casts.append(cast)
    nodes = [*casts, *copied.graph.node]
    del copied.graph.node[:]
    copied.graph.node.extend(nodes)
    return copied


def count_weights(model: onnx.ModelProto) -> tuple[int, int]:
    """The numbers of a graph that `rounded` rounds, and all of its float32 numbers."""
    weights = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    sizes = [(int(np.prod(t.dims)), _is_large(t)) for t in weights]
    return sum(size for size, large in sizes if large), sum(size for size, _ in sizes)


def _is_large(tensor: onnx.TensorProto) -> bool:
    shape = tensor.dims
    return tensor.data_type == TensorProto.FLOAT and len(shape) > 1 and np.prod(shape) >= _LEAST


def _half(tensor: onnx.TensorProto) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):  # what is too large becomes infinity, and is looked for
        return numpy_helper.to_array(tensor).astype(np.float16)


def _too_large(tensor: onnx.TensorProto) -> ParityError:
    largest = float(np.abs(numpy_helper.to_array(tensor)).max())
    return ParityError(
        f"weight {tensor.name!r}",
        expected="numbers that float16 holds, up to 65504",
        found=f"{largest:.3g}",
        fix="This network needs its weights in float32: export it without --weights fp16.",
    )
