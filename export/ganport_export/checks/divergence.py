"""Where a graph that fails parity departs from its network: the first module whose value differs.

The outputs of all modules are recorded in torch. An ONNX graph returns the values that its modules
made, as further outputs. TorchScript and ExportedPrograms have no such values, so each module is
captured alone, on its recorded inputs.

`torch.onnx.verification` compares a graph with its ExportedProgram, in which code that depends on
exporting has already run, and it reads neither rewritten graphs nor TorchScript.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_export.adapter import unwrap
from ganport_export.artifact import Artifact, ExportInput, OnnxRunner
from ganport_export.diagnosis import FIXED_BATCH_FIX
from ganport_export.errors import ExportError, ParityError
from ganport_export.formats import suppress_known_messages
from ganport_export.module_calls import ModuleCall, find_fixed_batch, record_calls
from ganport_export.test_inputs import InputBatch

_FIX = (
    "Look there for code that depends on exporting (torch.compiler.is_exporting, "
    "torch.jit.is_tracing), for values that forward stores, and for numbers that are too large for "
    "float32. Otherwise replace the operator, and report it."
)


@dataclass(frozen=True)
class Departure:
    """The first value of a graph that differs from that of its network."""

    path: str
    operator: str
    distance: float

    def __str__(self) -> str:
        return f"module {self.path!r} ({self.operator}), off by {self.distance:.2e}"


def explain(error: ParityError, artifact: Artifact, export_input: ExportInput) -> ParityError:
    """Return the error of a failed parity check, with the first module whose value departs.

    For an output with the batch size of the example, it is the first module that fixes the size.
    """
    if error.found.startswith(f"shape ({len(export_input.example)},"):
        return _fixed_batch_error(error, export_input)
    batch = export_input.batches[-1]
    calls = record_calls(export_input.network, batch)
    try:
        if artifact.raw_data:
            departure = _find_in_onnx(artifact, calls, batch, export_input.limit)
        else:
            departure = _find_by_capture(artifact.file.role, calls, export_input.limit)
    except ExportError:
        return error
    if departure is None:
        found = f"{error.found}; every module by itself agrees"
        name = type(unwrap(export_input.network)).__name__
        fix = f"Look at the code of {name}.forward between its modules. {_FIX}"
        return ParityError(error.place, error.expected, found, fix)
    found = f"{error.found}; it starts in {departure}"
    return ParityError(error.place, error.expected, found, _FIX)


def _fixed_batch_error(error: ParityError, export_input: ExportInput) -> ParityError:
    module = find_fixed_batch(export_input.network, export_input.example, _is_fixed_in_trace)
    size = len(export_input.example)
    where = f" in {module}" if module else ""
    found = f"{error.found}: the batch size is fixed at {size}{where}"
    return ParityError(error.place, error.expected, found, FIXED_BATCH_FIX)


def _is_fixed_in_trace(call: ModuleCall, larger: ModuleCall) -> bool:
    try:
        with warnings.catch_warnings(), suppress_known_messages(), torch.no_grad():
            warnings.simplefilter("ignore")
            trace: Any = torch.jit.trace
            traced = trace(call.module, call.inputs, check_trace=False)
    except Exception:  # a module that cannot be traced alone shows nothing
        return False
    try:
        with torch.no_grad():
            return bool(traced(*larger.inputs).shape != larger.output.shape)
    except RuntimeError:  # an operation between tensors of both batch sizes
        return True


def _find_in_onnx(
    artifact: Artifact, calls: Sequence[ModuleCall], batch: InputBatch, limit: float
) -> Departure | None:
    model = onnx.load_from_string(artifact.raw_data)
    known = {call.path: call for call in calls}
    chosen = list(_last_nodes(model.graph, artifact, known))
    for node, _ in chosen:
        if node.output[0] not in {output.name for output in model.graph.output}:
            model.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    runner = OnnxRunner(model.SerializeToString(), artifact.path, optimize=False)
    values = runner.run_all(batch)
    for node, path in chosen:
        distance = _distance(values[node.output[0]], known[path].output.numpy())
        if distance is not None and not distance <= limit:
            name = path or type(known[path].module).__name__
            return Departure(name, node.op_type, distance)
    return None


def _last_nodes(
    graph: onnx.GraphProto, artifact: Artifact, known: dict[str, ModuleCall]
) -> Iterator[tuple[onnx.NodeProto, str]]:
    """Yield the last node of every known module with its path, in the order of the graph."""
    last: dict[str, int] = {}
    for index, node in enumerate(graph.node):
        parts = artifact.modules.get(node.output[0], "").split(".")
        for end in range(len(parts) + 1):  # with "", the network itself
            last[".".join(parts[:end])] = index
    ends = sorted((index, -len(path), path) for path, index in last.items() if path in known)
    for index, _, path in ends:
        yield graph.node[index], path


def _find_by_capture(role: str, calls: Sequence[ModuleCall], limit: float) -> Departure | None:
    for call in calls:
        if next(call.module.children(), None) is None and call.inputs:
            try:
                output = _capture_alone(role, call)
            except Exception:  # a module that cannot be captured alone shows nothing
                continue
            distance = _distance(output.numpy(), call.output.numpy())
            if distance is not None and not distance <= limit:
                return Departure(call.path, type(call.module).__name__, distance)
    return None


def _capture_alone(role: str, call: ModuleCall) -> Tensor:
    with warnings.catch_warnings(), suppress_known_messages(), torch.no_grad():
        warnings.simplefilter("ignore")
        if role == "torchscript":
            trace: Any = torch.jit.trace
            captured = trace(call.module, call.inputs, check_trace=False)
        else:
            captured = torch.export.export(call.module, call.inputs).module()
        output: Tensor = captured(*call.inputs)
    return output


def _distance(value: NDArray[Any], exact: NDArray[Any]) -> float | None:
    if value.shape != exact.shape:
        return None
    return float(np.abs(value.astype(np.float64) - exact).max())
