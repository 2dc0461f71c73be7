"""Where a bundle came from: digests and package versions, never a path, host or date."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version

import onnx
import torch
from torch import nn

_PACKAGES = ("ganport", "numpy", "onnxscript")


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over name, type, shape and bytes of every weight, in order of name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {flat.dtype} {tuple(flat.shape)}\n".encode())
        digest.update(flat.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def package_versions(*, onnxruntime: bool) -> dict[str, str]:
    """Versions of whatever decides the bytes of a bundle."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions |= {"onnx": onnx.__version__} | {name: _version(name) for name in _PACKAGES}
    if onnxruntime:
        import onnxruntime as runtime  # either distribution: the module knows its version

        versions["onnxruntime"] = runtime.__version__
    return dict(sorted(versions.items()))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
