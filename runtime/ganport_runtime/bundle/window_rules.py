"""The shapes of nodes with sliding windows: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence

from ganport_runtime.bundle.onnx_graph import InvalidShapesError, Node, Shape, pairs

_MAX_RANK = 5


def conv(node: Node) -> list[Shape]:
    """Return the shape of the node `Conv`."""
    _check_rank(node)
    shape, weight = node.shape(0), node.shape(1)
    return [(shape[0], weight[0], *_windows(node, shape[2:], weight[2:]))]


def pool(node: Node) -> list[Shape]:
    """Return the shapes of a pool, with that of its indexes."""
    shape = node.shape(0)
    windows = _windows(node, shape[2:], node.integers("kernel_shape"))
    return [(*shape[:2], *windows)] * max(1, len(node.output_names))


def global_pool(node: Node) -> list[Shape]:
    """Return the shape of a pool over all positions."""
    return [(*node.shape(0)[:2], *(1 for _ in node.shape(0)[2:]))]


def _windows(node: Node, lengths: Shape, kernel: Sequence[int]) -> list[int]:
    """Return the number of positions of a sliding window along every axis."""
    rank, mode = len(lengths), node.text("auto_pad", "NOTSET")
    strides, dilations = (node.integers(n, [1] * rank) for n in ("strides", "dilations"))
    pads = node.integers("pads", [0] * 2 * rank)
    if mode.startswith("SAME"):
        return [-(-length // stride) for length, stride in pairs(lengths, strides)]
    if len(kernel) != rank or min((*kernel, *strides, *dilations), default=1) < 1:
        raise IndexError("another window than the input has axes")
    is_ceil, found = node.integer("ceil_mode"), []
    for i, length in enumerate(lengths):
        free = length + pads[i] + pads[i + rank] - (kernel[i] - 1) * dilations[i] - 1
        count = (-(-free // strides[i]) if is_ceil else free // strides[i]) + 1
        # A window that starts in the padding behind the data does not count.
        found.append(count - bool(is_ceil and (count - 1) * strides[i] >= length + pads[i]))
    return found


def conv_transpose(node: Node) -> list[Shape]:
    """Return the shape of the node `ConvTranspose`."""
    _check_rank(node)
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
        lengths = [length * stride for length, stride in pairs(shape[2:], strides)]
    return [(shape[0], weight[1] * node.integer("group", 1), *lengths[-rank:])]


def _check_rank(node: Node) -> None:
    """Refuse convolutions that onnxruntime computes from copies of all windows."""
    if len(node.shape(0)) > _MAX_RANK:
        raise InvalidShapesError("a convolution over more than three axes")
