"""The parts of an ONNX graph that decide its sizes, read from protobuf messages.

The field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Every
constructor raises `ValueError` for what the contract forbids in a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.protobuf import Message
from ganport_runtime.values import sanitize

MAX_NODES = 50_000
_BRANCH_NODES = 50
"""Nodes as which a branch counts, because each branch is measured as a graph."""
MAX_KNOWN = 1024
"""Numbers of a tensor up to which its content is followed: shapes, scales, axes."""
_MAX_RANK, _MAX_LENGTH = 16, 2**40
_MAX_DEPTH = 8
_DOMAINS = ("", "ai.onnx")
_REFUSED = ("Loop", "Scan", "SequenceMap", "Random", "Bernoulli", "Multinomial")
"""Operators, or the start of their names, that no graph may hold."""
_UNKNOWN_SIZE = "a size that does not follow from the shapes of the inputs"
FLOAT32, UINT8, INT32, INT64, BOOL = 1, 2, 6, 7, 9
DTYPES = {FLOAT32: "<f4", INT32: "<i4", INT64: "<i8", BOOL: "?"}
"""The types of which contents are followed."""
_NUMERIC = (*range(1, 8), *range(9, 14), 16)
"""Whole numbers of 8 to 64 bits, booleans, floats of 16 to 64 bits: at most 8 bytes a number."""

Shape = tuple[int, ...]
_First = TypeVar("_First")
_Second = TypeVar("_Second")


class InvalidShapesError(ValueError):
    """Shapes that do not fit each other, or that no tensor may have."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"invalid shapes ({detail})" if detail else "invalid shapes")
        self.detail = detail


class Value(NamedTuple):
    """The shape of a tensor, and its content if that is small and independent of the inputs.

    A constant tensor depends on no input of the graph, or on their shapes alone.
    """

    shape: Shape
    data: NDArray[Any] | None = None
    is_constant: bool = False

    @property
    def size(self) -> int:
        """Count of the numbers."""
        return prod(self.shape)


class Graph:
    """A graph or a branch of `If`: its initializers, its nodes, the names of its outputs."""

    def __init__(self, message: Message, depth: int = 0, budget: list[int] | None = None) -> None:
        budget = [MAX_NODES] if budget is None else budget
        if depth > _MAX_DEPTH:
            raise ValueError(f"branches nested deeper than {_MAX_DEPTH}")
        if 15 in message:
            raise ValueError("a sparse tensor")
        _spend(budget, _BRANCH_NODES if depth else 0)
        self.inputs = message.messages(11)
        self.outputs = [value.text(1) for value in message.messages(12)]
        self.nodes: list[Node] = []
        for node in message.messages(1):
            _spend(budget, 1)
            self.nodes.append(Node(node, depth, budget))
        self.tensors = {tensor.text(8): read_tensor(tensor) for tensor in message.messages(5)}

    def used_names(self) -> Iterator[str]:
        """Yield the name of every tensor that a node or an output reads, once for each use."""
        for node in self.nodes:
            yield from node.used_names()
        yield from self.outputs


class Node:
    """A node of a graph; `inputs` are its values, None for an optional one that is left out."""

    def __init__(self, message: Message, depth: int, budget: list[int]) -> None:
        self.operator = message.text(4)
        self.label = f"{sanitize(self.operator)} {sanitize(message.text(3))}".strip()
        self.input_names, self.output_names = message.texts(1), message.texts(2)
        self.inputs: Sequence[Value | None] = ()
        entries = message.messages(5)
        self._attributes = {entry.text(1): entry for entry in entries}
        self._check(message.text(7), len(entries))
        graphs = [entry.message(6) for entry in entries if 6 in entry]
        self.branches = [Graph(graph, depth + 1, budget) for graph in graphs]

    def used_names(self) -> Iterator[str]:
        """Yield the name of every tensor that the node and its branches read."""
        yield from filter(None, self.input_names)
        for branch in self.branches:
            yield from branch.used_names()

    def _check(self, domain: str, count: int) -> None:
        found = ""
        if domain not in _DOMAINS:
            found = f" of the domain {sanitize(domain)}"
        elif self.integer("training_mode") or (self.operator == "Dropout" and self.input_names[2:]):
            found = " in training mode"
        elif count != len(self._attributes):
            found = " with an attribute twice"
        for entry in self._attributes.values():
            # Lists of tensors or graphs, sparse tensors, other types, references to a function.
            if any(field in entry for field in (10, 11, 14, 15, 21, 22, 23)):
                found = " with an attribute of another type"
            if 6 in entry and self.operator != "If":
                found = " with a graph inside"
            if 5 in entry:
                read_tensor(entry.message(5))
        if found or self.operator.startswith(_REFUSED):
            raise ValueError(f"the node {self.label}{found}")

    def constant(self) -> Value:
        """Return the value of the node `Constant`."""
        if "value" in self._attributes:
            return self.tensor("value")
        for name, entry in self._attributes.items():
            if name in ("value_int", "value_ints"):
                data = np.array(entry.integers(3) or entry.integers(8), np.int64)
            elif name in ("value_float", "value_floats"):
                data = np.array(entry.floats(2) or entry.floats(7), np.float32)
            else:
                continue
            shape = (len(data),) if name.endswith("s") else ()
            return Value(shape, data.reshape(shape) if len(data) <= MAX_KNOWN else None)
        raise ValueError("a constant of another type")

    def tensor(self, name: str) -> Value:
        """Return a tensor attribute; by default a single zero."""
        message = self._attributes.get(name)
        return (
            Value((1,), np.zeros(1, np.float32))
            if message is None
            else read_tensor(message.message(5))
        )

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer attribute."""
        message = self._attributes.get(name)
        return default if message is None else message.integer(3)

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """Return an attribute of integers."""
        message = self._attributes.get(name)
        return list(default) if message is None else message.integers(8)

    def text(self, name: str, default: str = "") -> str:
        """Return a text attribute."""
        message = self._attributes.get(name)
        return default if message is None else message.text(4)

    def value(self, index: int) -> Value | None:
        """Return an optional input."""
        return self.inputs[index] if index < len(self.inputs) else None

    def shape(self, index: int) -> Shape:
        """Return the shape of a required input."""
        if (value := self.value(index)) is None:
            raise ValueError(f"no input {index}")
        return value.shape

    def content(self, index: int) -> NDArray[Any]:
        """Return the numbers of an input that sets a size, as a list."""
        value = self.value(index)
        if value is None or value.data is None:
            raise ValueError(_UNKNOWN_SIZE)
        return value.data.reshape(-1)

    def sizes(self, index: int, attribute: str = "") -> list[int]:
        """Return whole numbers from an input, or from the attribute of earlier opsets."""
        if self.value(index) is None and attribute:
            return self.integers(attribute)
        return [int(number) for number in self.content(index)]

    def slices(self) -> tuple[slice, ...]:
        """Return what the node `Slice` takes of every axis."""
        starts, stops = self.sizes(1), self.sizes(2)
        axes = self.sizes(3) if self.value(3) else range(len(starts))
        steps = self.sizes(4) if self.value(4) else [1] * len(starts)
        slices = [slice(None)] * len(self.shape(0))
        if not len(starts) == len(stops) == len(axes) == len(steps):
            raise IndexError("lists of other lengths")
        for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
            # A stop before the first element is -1 for Python, which would be the last one.
            is_before = step < 0 and stop < -self.shape(0)[axis]
            slices[axis] = slice(start, None if is_before else stop, step)
        return tuple(slices)

    def shape_part(self) -> Shape:
        """Return what the node `Shape` takes of the shape of its input."""
        shape = self.shape(0)
        return shape[self.integer("start") : self.integer("end", len(shape))]

    def axis(self, default: int, rank: int | None = None) -> int:
        """Return the attribute `axis`, counted from the first of `rank` axes."""
        rank = len(self.shape(0)) if rank is None else rank
        axis = self.integer("axis", default)
        if not -rank <= axis < rank:
            raise IndexError(f"axis {axis} of {rank}")
        return axis % rank


def pairs(ones: Sequence[_First], twos: Sequence[_Second]) -> Iterator[tuple[_First, _Second]]:
    """Return the pairs of two lists; raise `IndexError` if their lengths differ."""
    if len(ones) != len(twos):
        raise IndexError("lists of other lengths")
    return zip(ones, twos, strict=True)


def _spend(budget: list[int], nodes: int) -> None:
    budget[0] -= nodes
    if budget[0] < 0:
        raise ValueError(f"more than {MAX_NODES:,} nodes")


def read_tensor(message: Message) -> Value:
    """Return the shape of a tensor message, with its content if that is small."""
    if 13 in message or message.integer(14):
        raise ValueError("weights in another file")
    shape, dtype = tuple(message.integers(1)), message.integer(2)
    check_type(dtype)
    check_shape(shape)
    if prod(shape) > MAX_KNOWN or dtype not in DTYPES:
        return Value(shape)
    if raw := message.data(9):
        if len(raw) != prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
            raise InvalidShapesError
        flat: NDArray[Any] = np.frombuffer(raw, DTYPES[dtype])
    elif dtype == FLOAT32:
        flat = np.array(message.floats(4), np.float32)
    else:
        numbers = message.integers(7 if dtype == INT64 else 5)
        flat = np.array(numbers, np.int64).astype(DTYPES[dtype])
    if flat.size != prod(shape):
        raise InvalidShapesError
    return Value(shape, flat.reshape(shape))


def check_type(dtype: int) -> None:
    """Raise `ValueError` for a type of tensors that is not numeric, such as strings."""
    if dtype not in _NUMERIC:
        raise ValueError(f"a tensor of type {dtype}")


def check_shape(shape: Shape) -> None:
    """Raise `InvalidShapesError` for too many axes, or for a length below 0 or above 2^40.

    The size of a shape that passes is cheap to compute.
    """
    if len(shape) > _MAX_RANK:
        raise InvalidShapesError(f"more than {_MAX_RANK} axes")
    if any(not 0 <= length <= _MAX_LENGTH for length in shape):
        raise InvalidShapesError


def read_metadata(model: Message) -> dict[str, str]:
    """Return the `metadata_props` of a model."""
    return {entry.text(1): entry.text(2) for entry in model.messages(14)}
