"""The TorchScript file: a network and its head, traced, for programs that have torch alone."""

from __future__ import annotations

import io
import sys
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning, TracingCheckError

from ganport_export.errors import DependencyError, ParityError, UnsupportedError
from ganport_export.suppress_stderr import silence
from ganport_export.test_inputs import Sample

_LOCAL = (".debug_pkl", "traced_inputs.pkl")
"""Records that hold source paths and the tracing inputs; nothing reads them to run the network."""
_ALIGNMENT = 64
_TRACE: Callable[..., Any] = torch.jit.trace  # torch leaves both untyped
_LOAD: Callable[..., Any] = torch.jit.load


def check_python() -> None:
    """Refuse Python 3.14 and newer, where torch.jit no longer works; raises DependencyError."""
    if sys.version_info >= (3, 14):
        raise DependencyError(
            "format torchscript",
            expected="Python 3.13 or older, the last that torch.jit supports",
            found="Python {}.{}".format(*sys.version_info[:2]),
            fix="Use --format onnx, or run the export on Python 3.13.",
        )


def trace(module: nn.Module, head: nn.Module, example: Sample) -> torch.jit.ScriptModule:
    """`head(module(...))` traced on `example`, and compared with the network there.

    Raises UnsupportedError when it cannot be traced, ParityError when the trace is another network.
    """
    network = _WRAPPERS[tuple(example.inputs)](module, head).eval()
    with silence(), torch.no_grad():
        warnings.simplefilter("ignore", TracerWarning)  # the gates decide, not hints
        try:
            traced = _TRACE(network, example.tensors(), check_trace=True)
        except TracingCheckError as error:
            raise _untrue(error) from error
        except (RuntimeError, TypeError, ValueError) as error:
            raise UnsupportedError(
                f"network {type(module).__name__}",
                expected="a forward that torch.jit can trace",
                found=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
                fix="Use --format onnx.",
            ) from error
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


def saved(script: torch.jit.ScriptModule, key: str, interface: str) -> bytes:
    """The file of a traced network with its interface inside, free of local paths."""
    raw = io.BytesIO()
    with silence():
        torch.jit.save(script, raw, _extra_files={key: interface})
    return _without_local_records(raw.getvalue())


def loaded(data: bytes, key: str) -> tuple[torch.jit.ScriptModule, str]:
    """The network of a TorchScript file on the CPU, and the interface inside ("" without one)."""
    extra = {key: b""}
    with silence():
        script: torch.jit.ScriptModule = _LOAD(
            io.BytesIO(data), map_location="cpu", _extra_files=extra
        )
    return script, extra[key].decode()


def _untrue(error: Exception) -> ParityError:
    return ParityError(
        "TorchScript",
        expected="a trace that draws what the network draws",
        found=" ".join(str(error).split())[:300],
        fix="Remove from forward what depends on being traced.",
    )


def _without_local_records(data: bytes) -> bytes:
    """The same archive without source paths, its entries in order and dated 1980."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name.endswith(_LOCAL) or "/traced_inputs/" in name:
                continue
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            # torch maps tensors straight from the file, so they start on 64-byte boundaries.
            header = out.tell() + 30 + len(name.encode()) + 4
            padding = -header % _ALIGNMENT
            entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            new.writestr(entry, old.read(name))
    return out.getvalue()


class _Wrapped(nn.Module):
    """Gives every traced network the contract's argument names."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def play(self, *inputs: Tensor) -> Tensor:
        output: Tensor = self.head(self.network(*inputs))
        return output


class _Generator(_Wrapped):
    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return self.play(z, condition)


class _Unconditional(_Wrapped):
    def forward(self, z: Tensor) -> Tensor:
        return self.play(z)


class _Picture(_Wrapped):
    def forward(self, image_in: Tensor, condition: Tensor) -> Tensor:
        return self.play(image_in, condition)


class _PictureAlone(_Wrapped):
    def forward(self, image_in: Tensor) -> Tensor:
        return self.play(image_in)


_WRAPPERS: dict[tuple[str, ...], type[_Wrapped]] = {
    ("z", "condition"): _Generator,
    ("z",): _Unconditional,
    ("image_in", "condition"): _Picture,
    ("image_in",): _PictureAlone,
}
