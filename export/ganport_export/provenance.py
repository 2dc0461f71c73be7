"""Where a bundle comes from: digests of the weights and versions of the packages."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import onnx
import torch
from torch import nn

from ganport_export.options import ExportOptions


def describe_origin(modules: Sequence[nn.Module], options: ExportOptions) -> dict[str, Any]:
    """Return digests of the weights and package versions, without paths, hosts or dates."""
    names = ("weights_sha256", "encoder_weights_sha256")
    digests = {name: weights_digest(module) for name, module in zip(names, modules, strict=False)}
    return digests | {"packages": package_versions(onnxruntime=options.onnx)}


def weights_digest(module: nn.Module) -> str:
    """Return the SHA-256 of name, type, shape and bytes of every weight, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {flat.dtype} {tuple(flat.shape)}\n".encode())
        digest.update(flat.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def package_versions(*, onnxruntime: bool) -> dict[str, str]:
    """Return the versions of the packages that determine the bytes of a bundle."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions["onnx"] = onnx.__version__
    for name in ("ganport", "numpy", "onnxscript"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    if onnxruntime:
        import onnxruntime as runtime  # the module knows its version in every distribution

        versions["onnxruntime"] = runtime.__version__
    return dict(sorted(versions.items()))
