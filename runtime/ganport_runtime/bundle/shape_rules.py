"""The shape of every output of an ONNX node, computed from the shapes of its inputs.

The rules follow https://onnx.ai/onnx/operators, for operators whose size is known before they run.
A node with another operator is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod

import numpy as np

from ganport_runtime.bundle.onnx_graph import Node, Shape


def infer_shapes(node: Node) -> list[Shape]:
    """Return the shapes of the outputs of a node.

    Raises `ValueError` for an operator without a rule, for shapes that do not fit, and for a size
    that is not known.
    """
    if node.operator not in _RULES:
        raise ValueError("an operator that is not in the list")
    try:
        shapes = _RULES[node.operator](node)
    except (IndexError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"invalid shapes ({error})") from error
    if any(length < 0 for shape in shapes for length in shape):
        raise ValueError(f"a negative length in {shapes[0]}")
    return shapes


def _same(node: Node) -> list[Shape]:
    return [node.shape(0)] * max(1, len(node.output_names))


def _broadcast(node: Node) -> list[Shape]:
    return [np.broadcast_shapes(*(node.shape(index) for index in range(len(node.inputs))))]


def _reduce(node: Node) -> list[Shape]:
    axes = node.sizes(1, "axes") or range(0 if node.integer("noop_with_empty_axes") else 99)
    return [_remove_axes(node, axes)]


def _remove_axes(node: Node, axes: Sequence[int]) -> Shape:
    shape, keep = node.shape(0), node.integer("keepdims", 1)
    chosen = {axis % max(1, len(shape)) for axis in axes}
    lengths = enumerate(shape)
    return tuple(1 if axis in chosen else n for axis, n in lengths if keep or axis not in chosen)


def _replaced(shape: Shape, axis: int, *lengths: int) -> Shape:
    return (*shape[:axis], *lengths, *shape[axis + 1 :])


def _concat(node: Node) -> list[Shape]:
    axis = node.axis(0)
    length = sum(node.shape(index)[axis] for index in range(len(node.inputs)))
    return [_replaced(node.shape(0), axis, length)]


def _split(node: Node) -> list[Shape]:
    shape, axis, count = node.shape(0), node.axis(0), len(node.output_names)
    part = -(-shape[axis] // count)
    equal = [part] * (count - 1) + [shape[axis] - part * (count - 1)]
    return [_replaced(shape, axis, size) for size in node.sizes(1, "split") or equal]


def _slice(node: Node) -> list[Shape]:
    parts = zip(node.slices(), node.shape(0), strict=True)
    return [tuple(len(range(length)[part]) for part, length in parts)]


def _reshape(node: Node) -> list[Shape]:
    shape, wanted = node.shape(0), node.sizes(1)
    if not node.integer("allowzero"):
        wanted = [shape[i] if length == 0 else length for i, length in enumerate(wanted)]
    if -1 in wanted:
        wanted[wanted.index(-1)] = -prod(shape) // prod(wanted)
    if prod(wanted) != prod(shape):
        raise ValueError(f"{shape} reshaped to {wanted[:8]}")
    return [tuple(wanted)]


def _flatten(node: Node) -> list[Shape]:
    shape, axis = node.shape(0), node.integer("axis", 1)
    axis += len(shape) if axis < 0 else 0
    return [(prod(shape[:axis]), prod(shape[axis:]))]


def _squeeze(node: Node) -> list[Shape]:
    shape, axes = node.shape(0), node.sizes(1, "axes")
    if not axes:
        return [tuple(length for length in shape if length != 1)]
    chosen = {axis % len(shape) for axis in axes}
    return [tuple(length for axis, length in enumerate(shape) if axis not in chosen)]


def _unsqueeze(node: Node) -> list[Shape]:
    axes, rest = node.sizes(1, "axes"), iter(node.shape(0))
    rank = len(node.shape(0)) + len(axes)
    chosen = {axis % rank for axis in axes}
    return [tuple(1 if axis in chosen else next(rest, 1) for axis in range(rank))]


def _transpose(node: Node) -> list[Shape]:
    shape = node.shape(0)
    order = node.integers("perm", range(len(shape))[::-1])
    if sorted(order) != list(range(len(shape))):
        raise ValueError(f"the order {order[:8]} of {len(shape)} axes")
    return [tuple(shape[axis] for axis in order)]


def _pad(node: Node) -> list[Shape]:
    shape, pads = list(node.shape(0)), node.sizes(1, "pads")
    axes = node.sizes(3) if node.value(3) else range(len(shape))
    for axis, before, after in zip(axes, pads, pads[len(pads) // 2 :], strict=False):
        shape[axis] += before + after
    return [tuple(shape)]


def _resize(node: Node) -> list[Shape]:
    shape = list(node.shape(0))
    axes = node.integers("axes", range(len(shape)))
    if node.value(3):
        lengths = node.sizes(3)  # a kept aspect ratio makes them smaller
    else:
        factors = zip(axes, node.content(2), strict=True)
        lengths = [int(shape[axis] * float(factor)) for axis, factor in factors]
    for axis, length in zip(axes, lengths, strict=True):
        shape[axis] = length
    return [tuple(shape)]


def _rearrange_blocks(node: Node) -> list[Shape]:
    (batch, channels, height, width), block = node.shape(0), node.integer("blocksize", 1)
    if node.operator == "DepthToSpace":
        return [(batch, channels // block**2, height * block, width * block)]
    return [(batch, channels * block**2, height // block, width // block)]


def _range(node: Node) -> list[Shape]:
    start, stop, step = (float(node.content(index)[0]) for index in range(3))
    return [(max(0, ceil((stop - start) / step)),)]


def _matmul(node: Node) -> list[Shape]:
    one, two = node.shape(0), node.shape(1)
    left, right = one if len(one) > 1 else (1, *one), two if len(two) > 1 else (*two, 1)
    if left[-1] != right[-2]:
        raise ValueError(f"a product of {one} and {two}")
    rows, columns = left[-2:-1] if len(one) > 1 else (), right[-1:] if len(two) > 1 else ()
    return [(*np.broadcast_shapes(left[:-2], right[:-2]), *rows, *columns)]


def _gemm(node: Node) -> list[Shape]:
    rows = node.shape(0)[1 if node.integer("transA") else 0]
    return [(rows, node.shape(1)[0 if node.integer("transB") else 1])]


def einsum_lengths(node: Node) -> dict[str, int]:
    """Return the length of every index of the node `Einsum`."""
    terms = node.text("equation").replace(" ", "").partition("->")[0].split(",")
    shapes = [node.shape(index) for index in range(len(node.inputs))]
    pairs = zip(terms, shapes, strict=True)
    return {name: n for term, shape in pairs for name, n in zip(term, shape, strict=True)}


def _einsum(node: Node) -> list[Shape]:
    lengths = einsum_lengths(node)
    _, arrow, output = node.text("equation").replace(" ", "").partition("->")
    if not arrow or (output and not output.isalpha()):
        raise ValueError("an equation without the names of all axes")
    return [tuple(lengths.get(name, -1) for name in output)]


def _conv(node: Node) -> list[Shape]:
    shape, weight = node.shape(0), node.shape(1)
    return [(shape[0], weight[0], *_windows(node, shape[2:], weight[2:]))]


def _pool(node: Node) -> list[Shape]:
    shape = node.shape(0)
    windows = _windows(node, shape[2:], node.integers("kernel_shape"))
    return [(*shape[:2], *windows)] * max(1, len(node.output_names))


def _global_pool(node: Node) -> list[Shape]:
    return [(*node.shape(0)[:2], *(1 for _ in node.shape(0)[2:]))]


def _windows(node: Node, lengths: Shape, kernel: Sequence[int]) -> list[int]:
    """Return the number of positions of a sliding window along every axis."""
    rank, mode = len(lengths), node.text("auto_pad", "NOTSET")
    strides, dilations = (node.integers(n, [1] * rank) for n in ("strides", "dilations"))
    pads = node.integers("pads", [0] * 2 * rank)
    if mode.startswith("SAME"):
        return [-(-length // stride) for length, stride in zip(lengths, strides, strict=True)]
    if len(kernel) != rank or min((*kernel, *strides, *dilations), default=1) < 1:
        raise ValueError("another window than the input has axes")
    is_ceil, found = node.integer("ceil_mode"), []
    for i, length in enumerate(lengths):
        free = length + pads[i] + pads[i + rank] - (kernel[i] - 1) * dilations[i] - 1
        count = (-(-free // strides[i]) if is_ceil else free // strides[i]) + 1
        # A window that starts in the padding behind the data does not count.
        found.append(count - bool(is_ceil and (count - 1) * strides[i] >= length + pads[i]))
    return found


def _conv_transpose(node: Node) -> list[Shape]:
    shape, weight = node.shape(0), node.shape(1)
    rank = len(shape) - 2
    strides, dilations = (node.integers(n, [1] * rank) for n in ("strides", "dilations"))
    extra, pads = node.integers("output_padding", [0] * rank), node.integers("pads", [0] * 2 * rank)
    lengths = node.integers("output_shape") or [
        strides[i] * (shape[i + 2] - 1)
        + extra[i]
        + (weight[i + 2] - 1) * dilations[i]
        + 1
        - pads[i]
        - pads[i + rank]
        for i in range(rank)
    ]
    if node.text("auto_pad", "NOTSET").startswith("SAME"):
        lengths = [length * stride for length, stride in zip(shape[2:], strides, strict=True)]
    return [(shape[0], weight[1] * node.integer("group", 1), *lengths[-rank:])]


def _one_hot(node: Node) -> Shape:
    shape, (depth,) = node.shape(0), node.sizes(1)
    axis = node.axis(-1, len(shape) + 1)
    return (*shape[:axis], depth, *shape[axis:])


_RULES: dict[str, Callable[[Node], list[Shape]]] = {
    "AffineGrid": lambda node: [(node.sizes(1)[0], *node.sizes(1)[2:], len(node.sizes(1)) - 2)],
    "Concat": _concat,
    "ConstantOfShape": lambda node: [tuple(node.sizes(0))],
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _rearrange_blocks,
    "Einsum": _einsum,
    "Expand": lambda node: [np.broadcast_shapes(node.shape(0), tuple(node.sizes(1)))],
    "Flatten": _flatten,
    "Gather": lambda node: [_replaced(node.shape(0), node.axis(0), *node.shape(1))],
    "GatherElements": lambda node: [node.shape(1)],
    "GatherND": lambda node: [
        (*node.shape(1)[:-1], *node.shape(0)[node.integer("batch_dims") + node.shape(1)[-1] :])
    ],
    "Gemm": _gemm,
    "GridSample": lambda node: [(*node.shape(0)[:2], *node.shape(1)[1:-1])],
    "MatMul": _matmul,
    "OneHot": lambda node: [_one_hot(node)],
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda node: [(len(node.shape_part()),)],
    "Size": lambda node: [()],
    "Slice": _slice,
    "SpaceToDepth": _rearrange_blocks,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": lambda node: [tuple(n * k for n, k in zip(node.shape(0), node.sizes(1), strict=True))],
    "TopK": lambda node: [_replaced(node.shape(0), node.axis(-1), *node.sizes(1))] * 2,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}

_ELEMENTWISE = """
Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BitwiseNot Cast CastLike Ceil Celu Clip Cos
Cosh CumSum DequantizeLinear Dropout Elu Erf Exp EyeLike Floor Gelu GroupNormalization HardSigmoid
HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log
LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not PRelu QuantizeLinear
RMSNormalization Reciprocal Relu ReverseSequence RotaryEmbedding Round ScatterElements ScatterND
Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu
Trilu
"""
_BROADCASTING = """
Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual
Max Mean Min Mod Mul Or Pow Sub Sum Where Xor
"""
_REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
_RULES |= dict.fromkeys(_ELEMENTWISE.split(), _same)
_RULES |= dict.fromkeys(("ArgMax", "ArgMin"), lambda node: [_remove_axes(node, [node.axis(0)])])
_RULES |= dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), _pool)
_RULES |= dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _global_pool)
_RULES |= dict.fromkeys(_BROADCASTING.split(), _broadcast)
_RULES |= {f"Reduce{name}": _reduce for name in _REDUCTIONS.split()}
