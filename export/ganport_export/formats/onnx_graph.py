"""Network to ONNX: captured by torch.export, translated, then stripped of everything local."""

from __future__ import annotations

import re
from typing import Any

import onnx
import torch
from onnx import helper
from onnxscript import optimizer
from torch import nn
from torch.export import Dim, ExportedProgram

from ganport_export.errors import ContractError, ExportError, OptionError, UnsupportedError
from ganport_export.interface import Interface
from ganport_export.suppress_stderr import silence, stderr_on_success
from ganport_export.test_inputs import Sample

MIN_OPSET = 18
PRODUCER = "ganport"
BATCH = "batch"
MAX_BYTES = 2**31 - 2**24
"""Of weights: a protobuf ends at 2 GiB, and the graph itself needs a little."""

_MOST_FOLDED = 2**20
"""Numbers in a tensor that is worked out beforehand: a graph must not grow by much."""


def check_opset(opset: int) -> None:
    """Refuse an opset below 18, or above what the installed onnx knows; raises OptionError."""
    highest = onnx.defs.onnx_opset_version()
    if not MIN_OPSET <= opset <= highest:
        raise OptionError(
            "opset",
            expected=f"{MIN_OPSET} to {highest}",
            found=str(opset),
            fix=f"Take {MIN_OPSET} unless a player asks for more.",
        )


def write_graph(
    module: nn.Module, interface: Interface, example: Sample, opset: int
) -> onnx.ModelProto:
    """The float32 graph of a network, its inputs and output named as the interface has them.

    `example` is the batch it is captured with; one of size 1 would be frozen into the graph.
    Raises UnsupportedError for what ONNX cannot express, naming operator and module, and
    ContractError when the network is tied to the example's batch size.
    """
    _check_size(module)
    with silence():
        program = _capture(module, example)
        model = _fold_constants(_translate(program, interface, opset))
    model.graph.name = interface.stem
    return stripped(model)


def stripped(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without names of people, places or programs: what is left is the computation.

    The exporter writes stack traces with local paths into every node. Shapes inside the graph are
    kept where only the batch is open.
    """
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    _clear_texts(bare)
    bare.producer_name, bare.producer_version = PRODUCER, ""
    bare.domain, bare.model_version = "", 0
    bare.ir_version = helper.find_min_ir_version_for(list(bare.opset_import))
    _name_batch(bare.graph)
    inner = [tensor for tensor in bare.graph.value_info if _only_batch_is_open(tensor)]
    weights = {tensor.name for tensor in bare.graph.initializer}
    kept = sorted((t for t in inner if t.name not in weights), key=lambda t: t.name)
    del bare.graph.value_info[:]
    bare.graph.value_info.extend(kept)
    return bare


def serialized(model: onnx.ModelProto) -> bytes:
    """The bytes of a graph, the same for the same graph."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def set_metadata(model: onnx.ModelProto, key: str, value: str) -> None:
    """Make `value` the one metadata entry of a graph."""
    del model.metadata_props[:]
    helper.set_model_props(model, {key: value})


def _check_size(module: nn.Module) -> None:
    size = sum(tensor.nbytes for tensor in module.state_dict().values())
    if size > MAX_BYTES:
        raise UnsupportedError(
            f"network {type(module).__name__}",
            expected=f"at most {MAX_BYTES:,} bytes of weights, what one ONNX file holds",
            found=f"{size:,} bytes",
            fix="Use --format torchscript.",
        )


def _capture(module: nn.Module, example: Sample) -> ExportedProgram:
    first: Exception | None = None
    # The strict capture reads Python's bytecode and copes with len(z) and int(z.shape[0]), which
    # fix the batch size for the other one; that one is faster and takes more kinds of module.
    for strict in (False, True):
        try:
            with stderr_on_success():
                return torch.export.export(
                    module,
                    example.tensors(),
                    dynamic_shapes=tuple({0: Dim.DYNAMIC} for _ in example.inputs),
                    strict=strict,
                )
        except Exception as error:  # the exporter's errors have no common base
            first = first or error
    assert first is not None
    raise _capture_error(type(module).__name__, first, len(example)) from first


def _capture_error(network: str, error: Exception, batch: int) -> ExportError:
    text = " ".join(str(error).split())
    if "specialized it to be a constant" in text or "inferred a static shape" in text:
        return ContractError(
            f"network {network}",
            expected="a forward for any batch size",
            found=f"one that works for the example's batch of {batch} alone",
            fix="Use -1, expand or z.shape[0] wherever the batch size stands as a number.",
        )
    line = re.findall(r'File "[^"]*?([^"/\\]+)", line (\d+), in (\S+) (\S.*?)(?: File |$)', text)
    where = f"{line[-1][0]} line {line[-1][1]}: {line[-1][3][:80].strip()}" if line else ""
    if "data-dependent" in text.lower():
        return UnsupportedError(
            f"network {network}",
            expected="a forward whose path its inputs' values do not change",
            found=f"a branch on the content of a tensor {where}".strip(),
            fix="Decide in __init__ with a Python value, or compute both and use torch.where.",
        )
    return UnsupportedError(
        f"network {network}",
        expected="a forward that torch.export can capture",
        found=f"{type(error).__name__}: {text[:300]}",
        fix="See the torch.export documentation for what it can capture.",
    )


def _translate(program: ExportedProgram, interface: Interface, opset: int) -> onnx.ModelProto:
    try:
        written = torch.onnx.export(
            program,
            (),
            dynamo=True,
            opset_version=opset,
            input_names=list(interface.inputs),
            output_names=[interface.output],
            external_data=False,
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        raise _translation_error(program, error) from error
    assert written is not None
    model: onnx.ModelProto = written.model_proto
    return model


def _fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with whatever its weights alone decide worked out."""
    # The exporter folds small tensors only: a flow's rotation of 48 channels would be multiplied
    # out of its three factors at every call.
    folded: onnx.ModelProto = optimizer.optimize(
        model, input_size_limit=_MOST_FOLDED, output_size_limit=_MOST_FOLDED
    )
    return folded


def _translation_error(program: ExportedProgram, error: Exception) -> UnsupportedError:
    causes = _causes(error)
    text = " ".join(causes)
    missing = re.search(r"No ONNX function found for <OpOverload\(op='([\w.:]+)'", text)
    node = re.search(r"translating node %(\w+)", text)
    called = re.search(r"target=torch\.ops\.([\w.]+?)(\.default)?\]", text)
    operator = (missing or called or ["", "an operator"])[1]
    return UnsupportedError(
        f"module {_module_of(program, node[1] if node else '')!r}",
        expected="operators that ONNX has",
        found=operator if missing else f"{operator} in a form it does not: {causes[-1][:200]}",
        fix=f"Write {operator} with other operators, or compute it in __init__ when it depends on "
        "weights alone.",
    )


def _causes(error: BaseException | None) -> list[str]:
    texts = []
    while error is not None:
        texts.append(" ".join(str(error).split()))
        error = error.__cause__
    return texts[1:] or texts  # the first is the exporter's advice to its own developers


def _module_of(program: ExportedProgram, node: str) -> str:
    # Decomposition renames nodes (linalg_inv to linalg_inv_ex), so the longest common name counts.
    stacks = {n.name: n.meta.get("nn_module_stack") or {} for n in program.graph.nodes}
    named = [name for name in stacks if node == name or node.startswith(f"{name}_")]
    stack: dict[str, Any] = stacks[max(named, key=len)] if named else {}
    path, kind = list(stack.values())[-1] if stack else ("", "")
    return str(path or getattr(kind, "__name__", kind) or "unknown").removeprefix("L['self'].")


def _clear_texts(message: Any) -> None:
    for field, value in message.ListFields():
        if field.name in ("doc_string", "metadata_props"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                _clear_texts(part)


def _name_batch(graph: onnx.GraphProto) -> None:
    # torch names the open dimension s20 or so; every tensor that has it first gets our name.
    open_dims = {_first_dim(tensor) for tensor in graph.input} - {""}
    for tensor in (*graph.input, *graph.output, *graph.value_info):
        if _first_dim(tensor) in open_dims:
            tensor.type.tensor_type.shape.dim[0].dim_param = BATCH


def _first_dim(tensor: onnx.ValueInfoProto) -> str:
    dims = tensor.type.tensor_type.shape.dim
    return str(dims[0].dim_param) if dims else ""


def _only_batch_is_open(tensor: onnx.ValueInfoProto) -> bool:
    shape = tensor.type.tensor_type.shape
    return all(
        dim.HasField("dim_value") or (index == 0 and dim.dim_param == BATCH)
        for index, dim in enumerate(shape.dim)
    )
