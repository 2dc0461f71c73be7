"""The TorchScript file of a graph, for programs that use torch and not ganport."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.jit._trace import TracerWarning, TracingCheckError

from ganport_export.artifact import Artifact, ExportInput, torchscript_runner
from ganport_export.errors import ParityError, UnsupportedError
from ganport_export.formats import suppress_known_messages
from ganport_export.options import ExportOptions
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.output_heads import OutputHead
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY, Graph, GraphFile
from ganport_runtime.bundle.readers import check_torchscript
from ganport_runtime.devices.onnxruntime_session import error_summary
from ganport_runtime.errors import BundleError, GanportError
from ganport_runtime.strictjson import parse
from ganport_runtime.verify import FIXTURE_COUNTS, Check, compare, fixture, fixtures

_EXAMPLE = 1
"""Index of the batch of two rows."""
_LOCAL_RECORDS = (".debug_pkl", "traced_inputs.pkl")
"""Archive records with source paths and tracing inputs, which are not needed to run the network."""
_ALIGNMENT = 64
_DAMAGED = "The bundle is damaged or was changed: copy or export it again."
_TRACE: Callable[..., Any] = torch.jit.trace  # untyped in torch
_LOAD: Callable[..., Any] = torch.jit.load  # untyped in torch


def write_torchscript(export_input: ExportInput, options: ExportOptions, metadata: str) -> Artifact:
    """Return the traced network with `metadata` inside; raises UnsupportedError or ParityError."""
    interface, example = export_input.interface, export_input.batches[_EXAMPLE]
    head = OutputHead(interface.format, interface.head(options.image))
    data = save(trace(export_input.network, head, example), METADATA_KEY, metadata)
    raw = trace(export_input.network, nn.Identity(), example)
    file, mode = options.graph_files(interface)[-1], "TorchScript"
    try:
        final = load(data, METADATA_KEY)[0]
    except RuntimeError as error:
        raise UnsupportedError(
            f"network {type(export_input.network).__name__}",
            "a class that TorchScript can name",
            " ".join(str(error).split())[:200],
            "Define the classes of the network in an ordinary module.",
        ) from error
    _check_code(data, file.path)
    raw_runners, final_runners = {mode: torchscript_runner(raw)}, {mode: torchscript_runner(final)}
    return Artifact(file, interface, data, raw_runners, final_runners, head.head)


def trace(module: nn.Module, head: nn.Module, example: InputBatch) -> torch.jit.ScriptModule:
    """Return `head(module(...))` traced on `example`, where both give the same output.

    Raises UnsupportedError if it cannot be traced, ParityError if the outputs differ.
    """
    network = _WRAPPERS[tuple(example.inputs)](module, head).eval()
    with suppress_known_messages(), torch.no_grad():
        warnings.simplefilter("ignore", TracerWarning)  # the checks compare the outputs
        try:
            traced = _TRACE(network, example.tensors(), check_trace=True)
        except TracingCheckError as error:
            raise ParityError(
                "TorchScript",
                "a trace with the output of the network",
                " ".join(str(error).split())[:300],
                "Remove code from forward that depends on tracing.",
            ) from error
        except (RuntimeError, TypeError, ValueError) as error:
            raise UnsupportedError(
                f"network {type(module).__name__}",
                "a forward that torch.jit can trace",
                f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
                "Use --format onnx.",
            ) from error
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


def save(script: torch.jit.ScriptModule, key: str, metadata: str) -> bytes:
    """Return the file of a traced network with `metadata` under `key`, without local paths."""
    buffer = io.BytesIO()
    with suppress_known_messages():
        torch.jit.save(script, buffer, _extra_files={key: metadata})
    return _remove_local_records(buffer.getvalue())


def load(data: bytes, key: str) -> tuple[torch.jit.ScriptModule, str]:
    """Return the network of a TorchScript file on the CPU, and its metadata under `key` or ""."""
    extra_files = {key: b""}
    with suppress_known_messages():
        script: torch.jit.ScriptModule = _LOAD(
            io.BytesIO(data), map_location="cpu", _extra_files=extra_files
        )
    return script, extra_files[key].decode()


def compare_torchscript(bundle: Bundle) -> Iterator[Check]:
    """Run every TorchScript file of a bundle, and compare it with its manifest and fixtures.

    Loading such a file runs code of its author. `ganport verify --trust-code` calls this through an
    entry point, in a process with limits. The digest of a file is verified before torch reads it.
    """
    for graph in bundle.manifest.graphs:
        for file in graph.files:
            if file.role == "torchscript":
                name = f"fixtures of {file.path}"
                try:
                    yield Check(name, True, _compare_with_fixtures(bundle, graph, file))
                except GanportError as error:
                    yield Check(name, False, str(error))


def _check_code(data: bytes, place: str) -> None:
    """Raise UnsupportedError for a file that `ganport verify` would refuse."""
    try:
        check_torchscript(data, place)
    except BundleError as error:
        expected = "a trace with known operators and without branches"
        raise UnsupportedError(place, expected, error.found, "Use --format onnx.") from error


def _compare_with_fixtures(bundle: Bundle, graph: Graph, file: GraphFile) -> str:
    data = bundle.read(file.path)
    try:
        script, metadata = load(data, METADATA_KEY)
    except (RuntimeError, UnicodeDecodeError) as error:  # torch's errors for a corrupt file
        found = error_summary(error)
        raise BundleError(file.path, "a TorchScript file", found, _DAMAGED) from error
    interface = parse(metadata.encode() or b"null", METADATA_KEY)
    if not bundle.manifest.states(interface, graph):
        raise BundleError(file.path, "the interface of the manifest", "another one", _DAMAGED)
    tensors = fixtures(bundle)
    image = bundle.manifest.image if graph.output.name == "image" else None
    results = []
    for count in FIXTURE_COUNTS:
        inputs = [fixture(tensors, file.path, count, tensor) for tensor in graph.inputs]
        expected = fixture(tensors, file.path, count, graph.output)
        output = _run_script(script, inputs, file)
        distance = compare(output, expected, file, dict(bundle.manifest.parity), image)
        results.append(f"N = {count}: {distance}")
    return "; ".join(results)


def _run_script(
    script: torch.jit.ScriptModule, inputs: list[NDArray[Any]], file: GraphFile
) -> NDArray[Any]:
    try:
        with torch.no_grad():
            output = script(*(torch.from_numpy(array.copy()) for array in inputs))
    except RuntimeError as error:
        expected, found = "a network that runs its recorded inputs", error_summary(error)
        raise BundleError(file.path, expected, found, _DAMAGED) from error
    if not isinstance(output, torch.Tensor):
        raise BundleError(file.path, "one tensor as output", type(output).__name__, _DAMAGED)
    array: NDArray[Any] = output.numpy()
    return array


def _remove_local_records(data: bytes) -> bytes:
    """Return the archive without source paths, its entries in order and dated 1980."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            if name.endswith(_LOCAL_RECORDS) or "/traced_inputs/" in name:
                continue
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            # torch maps tensors directly from the file, so they must start at 64-byte boundaries.
            header = buffer.tell() + 30 + len(name.encode()) + 4
            padding = -header % _ALIGNMENT
            entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            new.writestr(entry, old.read(name))
    return buffer.getvalue()


class _Wrapper(nn.Module):
    """A network and its head; the subclasses give `forward` the argument names of the contract."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def run(self, *inputs: Tensor) -> Tensor:
        output: Tensor = self.head(self.network(*inputs))
        return output


class _ConditionalGenerator(_Wrapper):
    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return self.run(z, condition)


class _UnconditionalGenerator(_Wrapper):
    def forward(self, z: Tensor) -> Tensor:
        return self.run(z)


class _ConditionalTranslator(_Wrapper):
    def forward(self, image_in: Tensor, condition: Tensor) -> Tensor:
        return self.run(image_in, condition)


class _UnconditionalTranslator(_Wrapper):
    def forward(self, image_in: Tensor) -> Tensor:
        return self.run(image_in)


_WRAPPERS: dict[tuple[str, ...], type[_Wrapper]] = {
    ("z", "condition"): _ConditionalGenerator,
    ("z",): _UnconditionalGenerator,
    ("image_in", "condition"): _ConditionalTranslator,
    ("image_in",): _UnconditionalTranslator,
}
