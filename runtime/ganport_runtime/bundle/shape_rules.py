"""The shape of every output of an ONNX node, computed from the shapes of its inputs.

The rules follow https://onnx.ai/onnx/operators, for operators whose size is known before they run.
A node with another operator is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, prod

from ganport_runtime.bundle.onnx_graph import (
    InvalidShapesError,
    Node,
    Shape,
    check_shape,
    check_type,
    pairs,
)
from ganport_runtime.bundle.product_rules import broadcast_shapes, einsum, gemm, matmul
from ganport_runtime.bundle.window_rules import conv, conv_transpose, global_pool, pool

_MAX_NAMED = 4
"""Inputs whose shapes a message names."""


def infer_shapes(node: Node) -> list[Shape]:
    """Return the shapes of the outputs of a node.

    Raises `ValueError` for an operator without a rule, for shapes that do not fit, and for a size
    that is not known.
    """
    if node.operator not in _RULES:
        raise ValueError("an operator that is not in the list")
    try:
        shapes = _RULES[node.operator](node)
        for shape in shapes:
            check_shape(shape)
    except (InvalidShapesError, IndexError, ZeroDivisionError, OverflowError) as error:
        shapes = [value.shape if value else () for value in node.inputs[:_MAX_NAMED]]
        texts = (f"[{','.join(map(str, shape))}]" for shape in shapes)
        detail = getattr(error, "detail", "") or " ".join(texts)
        raise InvalidShapesError(detail) from error
    return shapes


def _same(node: Node) -> list[Shape]:
    return [node.shape(0)] * max(1, len(node.output_names))


def _cast(node: Node) -> list[Shape]:
    check_type(node.integer("to"))
    return _same(node)


def _group_norm(node: Node) -> list[Shape]:
    if node.shape(1) not in ((node.integer("num_groups"),), node.shape(0)[1:2]):
        raise InvalidShapesError("scales of another length")
    return _same(node)


def _broadcast(node: Node) -> list[Shape]:
    return [broadcast_shapes(*(node.shape(index) for index in range(len(node.inputs))))]


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
    parts = pairs(node.slices(), node.shape(0))
    return [tuple(len(range(length)[part]) for part, length in parts)]


def _reshape(node: Node) -> list[Shape]:
    shape, wanted = node.shape(0), node.sizes(1)
    if not node.integer("allowzero"):
        wanted = [shape[i] if length == 0 else length for i, length in enumerate(wanted)]
    if -1 in wanted:
        wanted[wanted.index(-1)] = -prod(shape) // prod(wanted)
    if prod(wanted) != prod(shape):
        texts = (",".join(map(str, lengths)) for lengths in (shape, wanted[:8]))
        raise InvalidShapesError("[{}] reshaped to [{}]".format(*texts))
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
        raise IndexError("another order than that of the axes")
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
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        # It makes other sizes than those of the node.
        raise InvalidShapesError("a kept aspect ratio")
    if node.value(3):
        lengths = node.sizes(3)
    else:
        factors = pairs(axes, node.content(2).tolist())
        lengths = [int(shape[axis] * float(factor)) for axis, factor in factors]
    for axis, length in pairs(axes, lengths):
        shape[axis] = length
    return [tuple(shape)]


def _rearrange_blocks(node: Node) -> list[Shape]:
    if len(node.shape(0)) != 4:
        raise IndexError("other axes than those of images")
    (batch, channels, height, width), block = node.shape(0), node.integer("blocksize", 1)
    if node.operator == "DepthToSpace":
        return [(batch, channels // block**2, height * block, width * block)]
    return [(batch, channels * block**2, height // block, width // block)]


def _range(node: Node) -> list[Shape]:
    start, stop, step = (float(node.content(index)[0]) for index in range(3))
    return [(max(0, ceil((stop - start) / step)),)]


def _one_hot(node: Node) -> Shape:
    shape, depth = node.shape(0), node.sizes(1)
    if len(depth) != 1:
        raise IndexError("other than one depth")
    axis = node.axis(-1, len(shape) + 1)
    return (*shape[:axis], *depth, *shape[axis:])


_RULES: dict[str, Callable[[Node], list[Shape]]] = {
    "AffineGrid": lambda node: [(node.sizes(1)[0], *node.sizes(1)[2:], len(node.sizes(1)) - 2)],
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": lambda node: [tuple(node.sizes(0))],
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DepthToSpace": _rearrange_blocks,
    "Einsum": einsum,
    "Expand": lambda node: [broadcast_shapes(node.shape(0), node.sizes(1))],
    "Flatten": _flatten,
    "Gather": lambda node: [_replaced(node.shape(0), node.axis(0), *node.shape(1))],
    "GatherElements": lambda node: [node.shape(1)],
    "GatherND": lambda node: [
        (*node.shape(1)[:-1], *node.shape(0)[node.integer("batch_dims") + node.shape(1)[-1] :])
    ],
    "Gemm": gemm,
    "GroupNormalization": _group_norm,
    "GridSample": lambda node: [(*node.shape(0)[:2], *node.shape(1)[1:-1])],
    "MatMul": matmul,
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
    "Tile": lambda node: [tuple(n * k for n, k in pairs(node.shape(0), node.sizes(1)))],
    "TopK": lambda node: [_replaced(node.shape(0), node.axis(-1), *node.sizes(1))] * 2,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}

_ELEMENTWISE = """
Abs BatchNormalization BitwiseNot CastLike Ceil Clip CumSum DequantizeLinear Dropout EyeLike Floor
HardSigmoid Identity IsInf IsNaN LeakyRelu LpNormalization Neg Not QuantizeLinear Reciprocal Relu
ReverseSequence Round Sign Softsign Sqrt ThresholdedRelu Trilu
"""
_SLOW_ELEMENTWISE = """
Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Gelu HardSwish Hardmax
InstanceNormalization LRN LayerNormalization Log LogSoftmax MeanVarianceNormalization Mish
RotaryEmbedding ScatterElements ScatterND Selu Shrink Sigmoid Sin Sinh Softmax Softplus Swish Tan
Tanh
"""
_BROADCASTING = """
Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual
Max Mean Min Mul Or PRelu Sub Sum Xor
"""
_SLOW_BROADCASTING = "Mod Pow RMSNormalization Where"
_REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
_SLOW = """
GatherElements GatherND GridSample GroupNormalization LpPool ReduceLogSumExp Resize Transpose
"""
BROADCASTING = frozenset(f"{_BROADCASTING} {_SLOW_BROADCASTING}".split())
SLOW = frozenset(f"{_SLOW} {_SLOW_ELEMENTWISE} {_SLOW_BROADCASTING}".split())
"""Operators that take more than about 4 ns for a number, or copies of their output."""
_RULES |= dict.fromkeys(f"{_ELEMENTWISE} {_SLOW_ELEMENTWISE}".split(), _same)
_RULES |= dict.fromkeys(("ArgMax", "ArgMin"), lambda node: [_remove_axes(node, [node.axis(0)])])
_RULES |= dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), pool)
_RULES |= dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), global_pool)
_RULES |= dict.fromkeys(BROADCASTING, _broadcast)
_RULES |= {f"Reduce{name}": _reduce for name in _REDUCTIONS.split()}
