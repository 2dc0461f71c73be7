"""The cost of an ONNX graph: its numbers in memory, and its work as weighted operations.

An operation takes at most about 1 ns on one core. A multiplication of a convolution or a matrix
product counts 1. The other weights and the sizes of scratch memory were measured with onnxruntime
1.27, one thread and the shapes that are slowest: many small products, broadcasts along every axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ganport_runtime.bundle.onnx_graph import Node, Shape, Value
from ganport_runtime.bundle.product_rules import einsum_lengths
from ganport_runtime.bundle.shape_rules import BROADCASTING, SLOW

MAX_NUMBERS = 2**29
"""Numbers that are in memory at the same time, for one image."""
MAX_OPERATIONS = 2**38
"""Operations for one image: at most about 5 minutes on one core, dense products 10 seconds."""
_MOVE, _SLOW_MOVE, _SORT = 8, 32, 256
"""Operations for each number that a node reads or writes: at most about 8, 30 and 150 ns."""
_PRODUCT = 256
"""Operations for each product of matrices, however small."""
_CHANNELS = 16
"""A convolution with vector instructions fills its output channels up to a multiple of this."""
_AXIS, _POINT = 100, 16
"""Numbers that `Resize` stores for each position along an axis, and `GridSample` for each point."""


class Cost:
    """The cost of a graph for one batch size."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self.sizes: list[int] = []
        self._live = self._operations = 0

    def add(self, shapes: Sequence[Shape], operations: int = 0, scratch: int = 0) -> None:
        """Add tensors, and numbers that are freed at once; raise `ValueError` beyond a limit."""
        numbers = [prod(shape) for shape in shapes]
        self.sizes += numbers
        self._live += sum(numbers)
        self._operations += max(0, operations)
        if self._live + max(0, scratch) > self._batch * MAX_NUMBERS:
            raise ValueError(f"more than {MAX_NUMBERS:,} numbers in memory for one image")
        if self._operations > self._batch * MAX_OPERATIONS:
            raise ValueError(f"more than {MAX_OPERATIONS:,} operations for one image")

    def add_node(self, node: Node, outputs: Sequence[Shape], is_constant: bool) -> None:
        """Add the outputs and the work of a node."""
        if node.operator == "Conv":  # a copy of its weights is kept
            self._live += prod(_fill(node.shape(1), 0))
        operations, scratch = count_operations(node, outputs[0]), count_scratch(node, outputs[0])
        if is_constant:  # they are copied when the graph is loaded
            scratch += sum(prod(shape) for shape in outputs) + _sum_inputs(node)
        self.add(outputs, operations, scratch)

    def free(self, value: Value) -> None:
        """Subtract a tensor that no other node reads.

        onnxruntime computes constants when it loads a graph, and keeps all of them.
        """
        self._live -= 0 if value.is_constant else value.size


def count_operations(node: Node, output: Shape) -> int:
    """Return the weighted operations of a node."""
    size, operator = prod(output), node.operator
    least = size if operator in BROADCASTING else 0
    moved = size + _sum_inputs(node, least) + _count_buffers(node, output)
    return _weight(node) * moved + _count_products(node, output)


def _weight(node: Node) -> int:
    if node.operator == "TopK" or node.text("mode") == "cubic":
        return _SORT
    return _SLOW_MOVE if node.operator in SLOW else _MOVE


def _count_products(node: Node, output: Shape) -> int:
    """Return the multiplications of a node, and the costs of its matrix products."""
    size, operator = prod(output), node.operator
    if operator in ("Conv", "ConvTranspose"):
        steps = size if operator == "Conv" else prod(node.shape(0))
        products = sum(output[:1]) * node.integer("group", 1)
        return steps * prod(node.shape(1)[1:]) + _PRODUCT * products
    if operator in ("MatMul", "Gemm"):
        products = prod(output[:-2]) + prod(node.shape(1)[:-2])
        length = node.shape(0)[0 if node.integer("transA") else -1]
        return size * length + _PRODUCT * products
    if operator in ("AveragePool", "LpPool", "MaxPool"):
        return _SLOW_MOVE * size * prod(node.integers("kernel_shape"))
    if operator == "Einsum":
        volume, count = prod(einsum_lengths(node).values()), len(node.inputs)
        return count * (volume + _PRODUCT * (volume if count > 2 else size))
    return 0


def count_scratch(node: Node, output: Shape) -> int:
    """Return the numbers that a node allocates besides its outputs, and frees at its end."""
    is_joined = node.operator in BROADCASTING and len(node.inputs) > 2
    copies = 3 if is_joined or node.operator in SLOW else 0
    return _count_buffers(node, output) or copies * prod(output)


def _count_buffers(node: Node, output: Shape) -> int:
    """Return the numbers in buffers of operators that need more than copies of their output."""
    size, operator = prod(output), node.operator
    if operator == "Conv":
        return prod(node.shape(0)) + prod(_fill(output, 1))
    if operator == "ConvTranspose":  # the columns of one image
        return prod(node.shape(1)[1:]) * prod(node.shape(0)[2:])
    if operator == "Einsum":
        volume = prod(einsum_lengths(node).values()) if len(node.inputs) > 2 else size
        return 2 * (volume + _sum_inputs(node))
    if operator == "Resize":  # one axis after the other
        return prod(map(max, node.shape(0), output)) + _AXIS * sum(output)
    if operator == "GridSample":
        return _POINT * prod(node.shape(1)[:-1])
    if operator == "LRN":  # the squares of all channels and of a border
        return size + (sum(output[1:2]) + node.integer("size")) * prod(output[2:])
    return 0


def _sum_inputs(node: Node, least: int = 0) -> int:
    """Return the numbers of all inputs, at least `least` for each."""
    return sum(max(least, value.size) for value in node.inputs if value)


def _fill(shape: Shape, axis: int) -> Shape:
    """Return a shape with its channels filled up."""
    length = -(-shape[axis] // _CHANNELS) * _CHANNELS
    return (*shape[:axis], length, *shape[axis + 1 :])
