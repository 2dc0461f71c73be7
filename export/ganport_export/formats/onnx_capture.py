"""Conversion of a network to an ONNX graph: capture by torch.export, then translation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import onnx
import torch
from onnxscript import optimizer
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ganport_export.adapter import path_in_network, unwrap
from ganport_export.diagnosis import FIXED_BATCH_FIX
from ganport_export.errors import ContractError, ExportError, UnsupportedError
from ganport_export.formats import stderr_on_success, suppress_known_messages
from ganport_export.interface import Interface
from ganport_export.module_calls import ModuleCall, find_fixed_batch
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.resize import correct_scales

_SCOPES = "pkg.torch.onnx.name_scopes"
"""Metadata of a node: the paths of its modules from the outermost one, then its own name."""
MAX_BYTES = 2**31 - 2**24
"""Largest size of the weights: a protobuf message is limited to 2 GiB, and the graph needs some."""

_MAX_FOLDED = 2**20
"""Elements of the largest tensor that is computed at export, so that the file grows little."""


def capture_graph(
    module: nn.Module, interface: Interface, example: InputBatch, opset: int
) -> onnx.ModelProto:
    """Return the float32 graph of a network, with the tensor names of the interface.

    `example` is the batch for the capture; torch.export would make a batch size of 1 constant.
    Raises UnsupportedError with operator and module for what ONNX cannot express, and ContractError
    if the network works only for the batch size of the example.
    """
    _check_size(module)
    with suppress_known_messages():
        program = capture_program(module, example)
        model = _fold_constants(_translate(program, module, interface, opset))
    correct_scales(model)
    model.graph.name = interface.stem
    return model


def module_paths(model: onnx.ModelProto, network: nn.Module) -> dict[str, str]:
    """Return the path of the module that made each value of a captured graph, by its name."""
    paths: dict[str, str] = {}
    for node in model.graph.node:
        scopes = {entry.key: entry.value for entry in node.metadata_props}.get(_SCOPES, "")
        path = (re.findall(r"'([^']*)'", scopes)[:-1] or [""])[-1]
        paths |= dict.fromkeys(node.output, path_in_network(network, path))
    return paths


def _check_size(module: nn.Module) -> None:
    size = sum(tensor.nbytes for tensor in module.state_dict().values())
    if size > MAX_BYTES:
        raise UnsupportedError(
            f"network {type(unwrap(module)).__name__}",
            f"at most {MAX_BYTES:,} bytes of weights, the capacity of one ONNX file",
            f"{size:,} bytes",
            "Use --format torchscript.",
        )


def capture_program(module: nn.Module, example: InputBatch) -> ExportedProgram:
    """Return the ExportedProgram of a network for any batch size; raises like `capture_graph`."""
    try:
        return _capture(module, example.tensors(), tuple({0: Dim.DYNAMIC} for _ in example.inputs))
    except Exception as error:  # the exporter's errors have no common base class
        raise _capture_error(module, error, example) from error


def _capture(
    module: nn.Module, inputs: tuple[Any, ...], dynamic: tuple[Mapping[int, Any] | None, ...]
) -> ExportedProgram:
    """Return the program of a module whose inputs have these dynamic dimensions."""
    first: Exception | None = None
    # Non-strict capture is faster and supports more modules. Strict capture reads Python bytecode
    # and supports len(z) and int(z.shape[0]), which make the batch size constant in the other.
    for strict in (False, True):
        try:
            with suppress_known_messages(), stderr_on_success():
                return torch.export.export(module, inputs, dynamic_shapes=dynamic, strict=strict)
        except Exception as error:  # the exporter's errors have no common base class
            first = first or error
    assert first is not None
    raise first


def _is_fixed(call: ModuleCall, larger: ModuleCall) -> bool:
    pairs = zip(call.inputs, larger.inputs, strict=False)
    dynamic = tuple(_batch_dims(*pair) for pair in pairs)
    try:
        _capture(call.module, call.inputs, dynamic)
    except Exception as error:  # the exporter's errors have no common base class
        return any(dynamic) and _says_fixed(error)
    return False


def _batch_dims(value: Any, larger: Any) -> dict[int, Any] | None:
    if not isinstance(value, Tensor) or not isinstance(larger, Tensor):
        return None
    sizes = zip(value.shape, larger.shape, strict=False)
    return {dim: Dim.DYNAMIC for dim, (small, large) in enumerate(sizes) if small != large}


def _says_fixed(error: Exception) -> bool:
    text = " ".join(str(error).split())
    return "specialized it to be a constant" in text or "inferred a static shape" in text


def _capture_error(module: nn.Module, error: Exception, example: InputBatch) -> ExportError:
    place, text = f"network {type(unwrap(module)).__name__}", " ".join(str(error).split())
    if _says_fixed(error):
        return ContractError(
            find_fixed_batch(module, example, _is_fixed) or place,
            "a forward for any batch size",
            f"one for the example's batch size of {len(example)} only",
            FIXED_BATCH_FIX,
        )
    line = re.findall(r'File "[^"]*?([^"/\\]+)", line (\d+), in (\S+) (\S.*?)(?: File |$)', text)
    where = f"{line[-1][0]} line {line[-1][1]}: {line[-1][3][:80].strip()}" if line else ""
    if "data-dependent" in text.lower():
        return UnsupportedError(
            place,
            "a forward without branches on input values",
            f"a branch on the content of a tensor {where}".strip(),
            "Decide in __init__ with a Python value, or compute both and use torch.where.",
        )
    return UnsupportedError(
        place,
        "a forward that torch.export can capture",
        f"{type(error).__name__}: {text[:300]}",
        "See the torch.export documentation for what it can capture.",
    )


def _translate(
    program: ExportedProgram, module: nn.Module, interface: Interface, opset: int
) -> onnx.ModelProto:
    try:
        translated = torch.onnx.export(
            program,
            (),
            dynamo=True,
            opset_version=opset,
            input_names=list(interface.inputs),
            output_names=[interface.output_name],
            external_data=False,
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        raise _translation_error(program, module, error) from error
    assert translated is not None
    model: onnx.ModelProto = translated.model_proto
    return model


def _fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Compute every value that depends only on weights."""
    # The exporter folds small tensors only. Without this step a graph would multiply the three
    # factors of a flow's 48-channel rotation at every call.
    folded: onnx.ModelProto = optimizer.optimize(
        model, input_size_limit=_MAX_FOLDED, output_size_limit=_MAX_FOLDED
    )
    return folded


def _translation_error(
    program: ExportedProgram, module: nn.Module, error: Exception
) -> UnsupportedError:
    causes = _cause_texts(error)
    text = " ".join(causes)
    missing = re.search(r"No ONNX function found for <OpOverload\(op='([\w.:]+)'", text)
    node = re.search(r"translating node %(\w+)", text)
    called = re.search(r"target=torch\.ops\.([\w.]+?)(\.default)?\]", text)
    operator = (missing or called or ["", "an operator"])[1]
    path = path_in_network(module, _module_path(program, node[1] if node else ""))
    return UnsupportedError(
        f"module {path!r}",
        "operators that ONNX has",
        operator if missing else f"{operator} in an unsupported form: {causes[-1][:200]}",
        f"Replace {operator} by other operators, or compute it in __init__ if it depends "
        "only on weights.",
    )


def _cause_texts(error: BaseException | None) -> list[str]:
    texts = []
    while error is not None:
        texts.append(" ".join(str(error).split()))
        error = error.__cause__
    return texts[1:] or texts  # the first is advice for the developers of the exporter


def _module_path(program: ExportedProgram, node: str) -> str:
    # Decomposition extends node names (linalg_inv to linalg_inv_ex), so the longest prefix counts.
    stacks = {n.name: n.meta.get("nn_module_stack") or {} for n in program.graph.nodes}
    prefixes = [name for name in stacks if node == name or node.startswith(f"{name}_")]
    stack: dict[str, Any] = stacks[max(prefixes, key=len)] if prefixes else {}
    path = str(list(stack.values())[-1][0]) if stack else "unknown"
    return path.removeprefix("L['self']").removeprefix(".")
