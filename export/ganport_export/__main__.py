"""The command `export-gan`."""

from __future__ import annotations

from importlib.util import find_spec

from ganport_runtime.cli.launch import run_entry_point

_PACKAGES = ("torch", "onnx", "onnxscript", "rfc8785", "click", "PIL", "safetensors", "onnxruntime")


def export_gan() -> None:
    """Run `export-gan`, or report which extra is missing."""
    # Any onnxruntime wheel is sufficient; without one, the message names the CPU wheel.
    extra = "export" if find_spec("onnxruntime") else "export,cpu"
    run_entry_point("ganport_export.cli:export_gan", extra=extra, packages=_PACKAGES)


if __name__ == "__main__":
    export_gan()
