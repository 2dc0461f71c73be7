"""Gate 1: a graph is valid, and is what the contract says a graph is."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import TensorProto, helper

from ganport_export.errors import ContractError
from ganport_export.formats.onnx_graph import BATCH
from ganport_export.interface import Interface

Shape = tuple[int | str, ...]
Spelled = tuple[str, int, Shape]
"""Name, ONNX type and shape of a tensor."""
_RANDOM = ("Random", "Bernoulli", "Multinomial")
_STANDARD = ("", "ai.onnx")


def check_structure(
    model: onnx.ModelProto, place: str, interface: Interface, image: str, opset: int
) -> None:
    """Refuse a graph that is invalid or breaks the contract's form; raises ContractError.

    Checked: ONNX's own full check, tensors (name, order, dtype, shape, only `batch` open), opset,
    IR version, one file, standard operators, no randomness, nothing in training mode.
    """
    _check_validity(model, place)
    _check_tensors(model.graph, place, interface, image)
    _check_versions(model, place, opset)
    for node in _nodes(model.graph):
        _check_node(node, place)
    stray = [t.name for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    if stray or model.functions:
        found = f"weights outside it ({stray[0]})" if stray else "functions of its own"
        raise _break(place, "one self-contained graph", found)


def _check_validity(model: onnx.ModelProto, place: str) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise _break(place, "a valid ONNX graph", " ".join(str(error).split())[:300]) from error


def _check_tensors(graph: onnx.GraphProto, place: str, interface: Interface, image: str) -> None:
    wanted: list[Spelled] = [
        (name, TensorProto.FLOAT, (BATCH, *shape)) for name, shape in interface.inputs.items()
    ]
    _check_all(f"{place}: inputs", wanted, graph.input)
    kind = TensorProto.UINT8 if interface.head(image) == "uint8" else TensorProto.FLOAT
    output: Spelled = (interface.output, kind, (BATCH, *interface.output_shape(image)))
    _check_all(f"{place}: output", [output], graph.output)


def _check_all(place: str, wanted: list[Spelled], tensors: list[onnx.ValueInfoProto]) -> None:
    expected = ", ".join(_spell(*tensor) for tensor in wanted)
    found = ", ".join(
        _spell(tensor.name, tensor.type.tensor_type.elem_type, _shape(tensor)) for tensor in tensors
    )
    if found != expected:
        raise _break(place, expected, found or "none")


def _check_versions(model: onnx.ModelProto, place: str, opset: int) -> None:
    found = {entry.domain: entry.version for entry in model.opset_import}
    if found != {"": opset}:
        listed = ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in found.items())
        raise _break(place, f"opset {opset} alone", listed)
    lowest = helper.find_min_ir_version_for(list(model.opset_import))
    if model.ir_version != lowest:
        raise _break(place, f"IR version {lowest}", str(model.ir_version))


def _check_node(node: onnx.NodeProto, place: str) -> None:
    where = f"{place}: node {node.name!r}"
    if node.domain not in _STANDARD:
        raise _break(where, "standard operators", f"{node.domain}.{node.op_type}")
    if node.op_type.startswith(_RANDOM):
        raise _break(where, "no randomness inside the graph", node.op_type)
    training = any(a.name == "training_mode" and a.i for a in node.attribute)
    if training or (node.op_type == "Dropout" and len(node.input) > 2):
        raise _break(where, "no node in training mode", node.op_type)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _shape(tensor: onnx.ValueInfoProto) -> Shape:
    dims = tensor.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in dims)


def _spell(name: str, kind: int, shape: Shape) -> str:
    return f"{name} {TensorProto.DataType.Name(kind).lower()} [{', '.join(map(str, shape))}]"


def _break(place: str, expected: str, found: str) -> ContractError:
    return ContractError(
        place,
        expected=expected,
        found=found,
        fix="Change the network's forward, or the interface that describes it.",
    )
