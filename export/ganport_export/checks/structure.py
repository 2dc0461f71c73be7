"""Check 1: a graph is valid ONNX and has the form that the contract requires."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import helper

from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.options import ExportOptions
from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.bundle.schema import Tensor
from ganport_runtime.errors import BundleError

_REFUSED_FIX = (
    "Replace it by other operators, or compute it in __init__ if it depends only on weights. The "
    "rules for graphs: docs/interface.md, section 2."
)


def check_structure(
    data: bytes,
    place: str,
    interface: Interface,
    options: ExportOptions,
    *,
    final: bool = False,
    modules: Mapping[str, str] | None = None,
) -> None:
    """Raise ContractError for a graph that is invalid or breaks the form of the contract.

    It checks: ONNX's own full check; name, order, type and shape of inputs and output; opset and IR
    version; and what a runtime checks before it loads a graph. A graph that is not `final` has
    float images as output. `modules` are the paths of the modules by the names of values; they name
    the place of a node that a runtime refuses.
    """
    model = onnx.load_from_string(data)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        found = " ".join(str(error).split())[:300]
        raise ContractError(place, "a valid ONNX graph", found) from error
    _check_tensors(model.graph, place, interface, options.image if final else "float")
    _check_versions(model, place, options.opset)
    try:
        check_graph(data, place)
    except BundleError as error:
        path = _refused_module(error.found, model.graph, modules or {})
        raise ContractError(
            f"module {path!r}" if path else place,
            "a graph that a runtime accepts",
            error.found,
            _REFUSED_FIX if path else "",
        ) from error


def _refused_module(found: str, graph: onnx.GraphProto, modules: Mapping[str, str]) -> str:
    """Return the path of the module that made the node that `found` names; "" if not known."""
    matches = []
    for node in graph.node:
        label = f"the node {node.op_type} {node.name}".strip()
        if found == label or found.startswith((f"{label}:", f"{label} ")):
            matches.append((len(label), modules.get(node.output[0], "")))
    return max(matches, default=(0, ""))[1]


def _check_tensors(graph: onnx.GraphProto, place: str, interface: Interface, image: str) -> None:
    inputs, output = interface.tensors(image)
    for what, specs, tensors in (
        ("inputs", inputs, graph.input),
        ("output", (output,), graph.output),
    ):
        expected, found = ", ".join(map(str, specs)), ", ".join(map(_describe, tensors))
        if found != expected:
            raise ContractError(f"{place}: {what}", expected, found or "none")


def _check_versions(model: onnx.ModelProto, place: str, opset: int) -> None:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    if versions != {"": opset}:
        found = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in versions.items())
        raise ContractError(place, f"opset {opset} and no other", found)
    lowest = helper.find_min_ir_version_for(list(model.opset_import))
    if model.ir_version != lowest:
        raise ContractError(place, f"IR version {lowest}", str(model.ir_version))


def _describe(tensor: onnx.ValueInfoProto) -> str:
    kind = tensor.type.tensor_type
    dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in kind.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    return str(Tensor(tensor.name, dtype, tuple(dims)))
