"""A graph on an NVIDIA GPU, by onnxruntime's CUDA provider."""

from __future__ import annotations

from ganport_runtime.devices._onnxruntime import (
    OnnxBackend,
    first_line,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.errors import DeviceError

CUDA = "CUDAExecutionProvider"


def cuda_is_offered() -> bool:
    """Whether this onnxruntime was built with CUDA; whether CUDA works, only a session tells."""
    return CUDA in load_onnxruntime().get_available_providers()


def open_cuda(model: bytes, index: int, *, place: str) -> OnnxBackend:
    """`model` on CUDA device `index`, or `DeviceError`: no part of it moves to the CPU.

    Raises `BundleError` for bytes that are no usable graph, and `MissingExtraError`.
    """
    runtime = load_onnxruntime()
    if not cuda_is_offered():
        raise _no_cuda(index, "an onnxruntime without CUDA")
    if hasattr(runtime, "preload_dlls"):
        runtime.preload_dlls()
    options = session_options(runtime)
    # Without this a node, or the whole graph, moves to the CPU and only a log line says so.
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    settings = {"device_id": index, "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}
    try:
        session = runtime.InferenceSession(model, options, providers=[(CUDA, settings)])
    except Exception as error:  # onnxruntime's exceptions have no public base
        open_cpu(model, place=place)  # a bad graph is the bundle's fault, not the device's
        raise _no_cuda(index, first_line(error)) from error
    if CUDA not in session.get_providers():
        raise _no_cuda(index, f"a session on {', '.join(session.get_providers())}")
    session.disable_fallback()
    return OnnxBackend(f"cuda:{index}", session)


def _no_cuda(index: int, found: str) -> DeviceError:
    return DeviceError(
        f"device 'cuda:{index}'",
        expected="a CUDA device that onnxruntime can use",
        found=found,
        fix="Run: pip install 'ganport[gpu]' (without onnxruntime beside it), or ask for cpu.",
    )
