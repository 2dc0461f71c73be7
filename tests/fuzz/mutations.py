"""Seeded mutations of bytes, JSON values, text tables and ONNX graphs."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import onnx
from onnx import helper

_NUMBERS = (0, 1, 2, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**62, -1)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, 1e308, -1e-308, 2**31, 2**63, 2**64, 10**40),
    *("", " ", "x", "x" * 5000, "\x1b[2J", "\udc80", "pink", "-", "a/b", "../a", "1", "é" * 99),
    *([], {}, [[]], [None], {"a": 1}, [0] * 1000, [1e308] * 3),
)
_WORDS = (b"\x00", b"\xff", b'"', b",", b"\n", b"\r", b"[", b"{", b"}", b"PK\x05\x06", b"NaN", b"-")
_OPERATORS = (
    *("Add", "Cast", "Concat", "ConstantOfShape", "Conv", "ConvTranspose", "Div", "Einsum"),
    *("Expand", "Flatten", "Gather", "Gemm", "GridSample", "Identity", "If", "Loop", "MatMul"),
    *("Mod", "NonZero", "OneHot", "Pad", "RandomNormal", "Range", "ReduceMax", "Relu", "Reshape"),
    *("Resize", "Scan", "Shape", "Slice", "Softmax", "Split", "Squeeze", "Tile", "TopK", "Where"),
    *("GroupNormalization", "LRN", "Pow", "PRelu", "Transpose", "Unsqueeze"),
)


_ATTRIBUTES = (
    *("axis", "axes", "perm", "strides", "pads", "group", "to", "training_mode"),
    *("size", "num_groups", "antialias", "keep_aspect_ratio_policy", "mode", "equation"),
)
_TEXTS = {
    "keep_aspect_ratio_policy": ("stretch", "not_larger", "not_smaller", ""),
    "mode": ("nearest", "linear", "cubic", "constant", ""),
    "equation": ("ab,bc->ac", "a,b,a,b->", "ab,ab->ba", "ab,bc,abc->abc", "aa->a", "->", "ab"),
}


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Return a copy with one to six changes: flipped, removed, repeated or foreign bytes."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(changed) + 1)
        stop = min(len(changed), start + random.choice((1, 1, 2, 4, 8, 64, 1024)))
        match random.randrange(7):
            case 0 if start < len(changed):
                changed[start] ^= 1 << random.randrange(8)
            case 1:
                changed[start:stop] = random.randbytes(stop - start)
            case 2:
                del changed[start:stop]
            case 3:
                changed[start:start] = changed[start:stop] * random.choice((1, 2, 100))
            case 4:
                size = random.choice((1, 2, 4, 8))
                number = random.choice(_NUMBERS) % 2 ** (8 * size)
                changed[start : start + size] = number.to_bytes(
                    size, random.choice(("little", "big"))
                )
            case 5:
                changed[start:start] = random.choice(_WORDS)
            case _ if random.randrange(4) == 0:
                del changed[start:]
    return bytes(changed)


def mutate_json(value: Any, random: Random) -> Any:
    """Return a copy of JSON values with one to three other, missing or additional values."""
    copied = json.loads(json.dumps(value))
    for _ in range(random.randint(1, 3)):
        parent = _choose_container(copied, random)
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            continue
        key = random.choice(keys)
        match random.randrange(4):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                name = random.choice(("", "x", key + " ", key.upper()))
                parent[name] = deepcopy(parent[key])
            case 2 if isinstance(parent, list):
                parent[key:key] = deepcopy([parent[key]] * random.choice((1, 3, 300)))
            case _:
                parent[key] = deepcopy(random.choice(_VALUES))
    return copied


def mutate_json_bytes(data: bytes, random: Random) -> bytes:
    """Return a JSON text with other values, or with other bytes."""
    if random.randrange(3) == 0:
        return mutate_bytes(data, random)
    changed = mutate_json(json.loads(data), random)
    return json.dumps(changed, ensure_ascii=random.random() < 0.9).encode(errors="surrogatepass")


def mutate_text(data: bytes, random: Random) -> bytes:
    """Return a table with other lines and cells, or with other bytes."""
    if random.randrange(3) == 0:
        return mutate_bytes(data, random)
    lines = data.split(b"\n")
    for _ in range(random.randint(1, 4)):
        row = random.randrange(len(lines))
        separator = random.choice((b",", b" ", b":", b'"'))
        cells = lines[row].split(separator)
        cell = random.randrange(len(cells))
        match random.randrange(5):
            case 0:
                cells[cell] = random.choice(_WORDS)
            case 1:
                cells[cell:cell] = [cells[cell]] * random.choice((1, 50))
            case 2:
                del cells[cell]
            case 3:
                cells[cell] = str(random.choice(_VALUES)).encode(errors="surrogatepass")
            case _:
                lines[row:row] = [lines[row]] * random.choice((1, 20))
                continue
        lines[row] = separator.join(cells)
    return b"\n".join(lines)


def mutate_graph(data: bytes, random: Random) -> bytes:
    """Return an ONNX graph with other operators, sizes, names or attributes, or other bytes."""
    if random.randrange(4) == 0:
        return mutate_bytes(data, random)
    model = onnx.load_from_string(data)
    for _ in range(random.randint(1, 4)):
        random.choice(_GRAPH_CHANGES)(model.graph, random)
    changed: bytes = model.SerializeToString()
    return changed if random.randrange(8) else _add_foreign_type(model, random)


def _add_foreign_type(model: onnx.ModelProto, random: Random) -> bytes:
    """Return a graph with a field of a wire type that protobuf ignores in a tensor or attribute."""
    parts = [*model.graph.initializer, *(a for node in model.graph.node for a in node.attribute)]
    changed: bytes = model.SerializeToString()
    if not parts:
        return changed
    number = random.choice((1, 2, 3, 4, 5, 7, 8))
    wire_type, size = random.choice(((0, 1), (1, 8), (5, 4)))
    field = bytes([number << 3 | wire_type]) + bytes(size)
    # Protobuf merges the parts of a graph: the new tensor or attribute follows the others.
    chosen = random.choice(parts)
    inner = chosen.SerializeToString() + field
    if isinstance(chosen, onnx.AttributeProto):
        node = helper.make_node("Constant", [], ["foreign"]).SerializeToString()
        return changed + _nest(7, _nest(1, node + _nest(5, inner)))
    return changed + _nest(7, _nest(5, inner))


def _nest(number: int, data: bytes) -> bytes:
    """Return a field of a protobuf message that holds bytes."""
    size, length = len(data), b""
    while size >= 128:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def _choose_container(value: Any, random: Random) -> Any:
    """Return a random list or object within a JSON value."""
    while True:
        children = list(value.values() if isinstance(value, dict) else value)
        containers = [child for child in children if isinstance(child, dict | list) and child]
        if not containers or random.randrange(3) == 0:
            return value
        value = random.choice(containers)


def _change_operator(graph: onnx.GraphProto, random: Random) -> None:
    node = random.choice(graph.node)
    node.op_type = random.choice(_OPERATORS)
    if random.randrange(8) == 0:
        node.domain = "com.microsoft"


def _change_wiring(graph: onnx.GraphProto, random: Random) -> None:
    names = [name for node in graph.node for name in (*node.input, *node.output)] + ["", "nowhere"]
    node = random.choice(graph.node)
    side = random.choice((node.input, node.output))
    if side and random.randrange(4):
        side[random.randrange(len(side))] = random.choice(names)
    else:
        side.append(random.choice(names))


def _change_attribute(graph: onnx.GraphProto, random: Random) -> None:
    node = random.choice(graph.node)
    number = random.choice((*_NUMBERS, 3, 4, 64))
    if node.attribute and random.randrange(3):
        attribute = random.choice(node.attribute)
        if attribute.ints:
            attribute.ints[random.randrange(len(attribute.ints))] = number
        else:
            attribute.i = number
    else:
        name = random.choice(_ATTRIBUTES)
        value: Any = number if random.randrange(2) else [number, 1]
        if name in _TEXTS:
            value = random.choice(_TEXTS[name])
        node.attribute.append(helper.make_attribute(name, value))


def _change_tensor(graph: onnx.GraphProto, random: Random) -> None:
    if not graph.initializer:
        return
    tensor = random.choice(graph.initializer)
    match random.randrange(4):
        case 0:
            tensor.dims.extend([random.choice((1, 2, 2**31, 2**40))] * random.choice((1, 1, 17)))
        case 1 if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(_NUMBERS)
        case 2:
            tensor.data_type = random.randrange(24)
        case _:
            tensor.raw_data = mutate_bytes(tensor.raw_data, random)


def _change_declaration(graph: onnx.GraphProto, random: Random) -> None:
    values = [*graph.input, *graph.output]
    if not values:
        return
    kind = random.choice(values).type.tensor_type
    if kind.shape.dim and random.randrange(3):
        random.choice(kind.shape.dim).dim_value = random.choice(_NUMBERS)
    elif random.randrange(2):
        kind.elem_type = random.randrange(24)
    else:
        random.choice(values).name = random.choice(("z", "image", "", "x"))


def _change_nodes(graph: onnx.GraphProto, random: Random) -> None:
    node = random.choice(graph.node)
    if random.randrange(2) and len(graph.node) > 1:
        graph.node.remove(node)
    else:
        graph.node.append(node)


_GRAPH_CHANGES: tuple[Callable[[onnx.GraphProto, Random], None], ...] = (
    _change_operator,
    _change_wiring,
    _change_attribute,
    _change_tensor,
    _change_declaration,
    _change_nodes,
)
