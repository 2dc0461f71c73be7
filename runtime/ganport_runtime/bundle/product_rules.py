"""The shapes of matrix products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganport_runtime.bundle.onnx_graph import Node, Shape, pairs


def broadcast_shapes(*shapes: Sequence[int]) -> Shape:
    """Return the shape of a result that broadcasts; raise `IndexError` for lengths that differ."""
    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError as error:
        raise IndexError(str(error)) from error


def matmul(node: Node) -> list[Shape]:
    """Return the shape of the node `MatMul`."""
    one, two = node.shape(0), node.shape(1)
    left, right = one if len(one) > 1 else (1, *one), two if len(two) > 1 else (*two, 1)
    if left[-1] != right[-2]:
        raise IndexError("lengths that differ")
    rows, columns = left[-2:-1] if len(one) > 1 else (), right[-1:] if len(two) > 1 else ()
    return [(*broadcast_shapes(left[:-2], right[:-2]), *rows, *columns)]


def gemm(node: Node) -> list[Shape]:
    """Return the shape of the node `Gemm`."""
    rows = node.shape(0)[1 if node.integer("transA") else 0]
    return [(rows, node.shape(1)[0 if node.integer("transB") else 1])]


def einsum_lengths(node: Node) -> dict[str, int]:
    """Return the length of every index of the node `Einsum`, the largest where one broadcasts."""
    terms = node.text("equation").replace(" ", "").partition("->")[0].split(",")
    shapes = [node.shape(index) for index in range(len(node.inputs))]
    lengths: dict[str, int] = {}
    for term, shape in pairs(terms, shapes):
        for name, length in pairs(term, shape):
            lengths[name] = max(length, lengths.get(name, 0))
    return lengths


def einsum(node: Node) -> list[Shape]:
    """Return the shape of the node `Einsum`."""
    lengths = einsum_lengths(node)
    _, arrow, output = node.text("equation").replace(" ", "").partition("->")
    if not arrow or (output and not output.isalpha()):
        raise IndexError("an equation without the names of all axes")
    return [tuple(lengths.get(name, -1) for name in output)]
