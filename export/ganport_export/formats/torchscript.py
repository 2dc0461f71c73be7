"""The TorchScript file of a graph, for programs that use torch and not ganport."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.jit._trace import TracerWarning, TracingCheckError

from ganport_export.adapter import unwrap
from ganport_export.artifact import Artifact, ExportInput, torch_runner
from ganport_export.errors import ParityError, UnsupportedError
from ganport_export.formats import suppress_known_messages
from ganport_export.formats.torch_wrappers import wrap
from ganport_export.formats.trusted_files import compare_files
from ganport_export.options import ExportOptions
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.output_heads import OutputHead
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.bundle.readers import check_torchscript
from ganport_runtime.errors import BundleError
from ganport_runtime.verify import Check

_LOCAL_RECORDS = (".debug_pkl", "traced_inputs.pkl")
"""Archive records with source paths and tracing inputs, which are not needed to run the network."""
_ALIGNMENT = 64
_TRACE: Callable[..., Any] = torch.jit.trace  # untyped in torch
_LOAD: Callable[..., Any] = torch.jit.load  # untyped in torch


def write_torchscript(
    export_input: ExportInput, options: ExportOptions, metadata: str
) -> list[Artifact]:
    """Return the file of the traced network with `metadata` inside.

    Raises UnsupportedError or ParityError.
    """
    interface, example = export_input.interface, export_input.example
    head = OutputHead(interface.format, interface.head(options.image))
    data = save(trace(export_input.network, head, example), METADATA_KEY, metadata)
    raw = trace(export_input.network, nn.Identity(), example)
    (file,) = (file for file in options.graph_files(interface) if file.role == "torchscript")
    mode = "TorchScript"
    try:
        final = load(data, METADATA_KEY)[0]
    except RuntimeError as error:
        raise UnsupportedError(
            f"network {type(unwrap(export_input.network)).__name__}",
            "a class that TorchScript can name",
            " ".join(str(error).split())[:200],
            "Define the classes of the network in an ordinary module.",
        ) from error
    _check_code(data, file.path)
    raw_runners, final_runners = {mode: torch_runner(raw)}, {mode: torch_runner(final)}
    return [Artifact(file, interface, data, raw_runners, final_runners, head.head)]


def trace(module: nn.Module, head: nn.Module, example: InputBatch) -> torch.jit.ScriptModule:
    """Return `head(module(...))` traced on `example`, where both give the same output.

    Raises UnsupportedError if it cannot be traced, ParityError if the outputs differ.
    """
    network = wrap(module, head, example)
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
                f"network {type(unwrap(module)).__name__}",
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
    """Run every TorchScript file of a bundle, and compare it with its manifest and fixtures."""
    return compare_files(bundle, "torchscript", lambda data: load(data, METADATA_KEY))


def _check_code(data: bytes, place: str) -> None:
    """Raise UnsupportedError for a file that `ganport verify` would refuse."""
    try:
        check_torchscript(data, place)
    except BundleError as error:
        expected = "a trace with known operators and without branches"
        raise UnsupportedError(place, expected, error.found, "Use --format onnx.") from error


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
