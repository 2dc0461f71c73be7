"""The command `export-gan`."""

from __future__ import annotations

from importlib.util import find_spec

from ganport_runtime.cli.launch import launch

_NEEDS = ("torch", "onnx", "onnxscript", "rfc8785", "click", "PIL", "safetensors")


def export_gan() -> None:
    """Run `export-gan`, or say which extra it lacks."""
    # Any of the onnxruntime wheels will do; without one the CPU wheel is the one to name.
    extra = "export" if find_spec("onnxruntime") else "export,cpu"
    needs = (*_NEEDS, "onnxruntime")
    launch("ganport_export.cli:export_gan", extra=extra, needs=needs)


if __name__ == "__main__":
    export_gan()
