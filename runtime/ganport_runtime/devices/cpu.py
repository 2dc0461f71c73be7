"""A graph on the CPU, by onnxruntime."""

from __future__ import annotations

from ganport_runtime.devices._onnxruntime import (
    OnnxBackend,
    first_line,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.errors import BundleError

CPU = "CPUExecutionProvider"


def open_cpu(model: bytes, *, place: str, spinning: bool = False) -> OnnxBackend:
    """`model` on as many cores as this process may use.

    With `spinning`, threads wait awake for the next picture: some tenths of a millisecond less
    for each, and up to a whole core each in between. Raises `BundleError` for bytes that are no
    usable graph, and `MissingExtraError`.
    """
    runtime = load_onnxruntime()
    options = session_options(runtime, spinning=spinning)
    try:
        session = runtime.InferenceSession(model, options, providers=[CPU])
    except Exception as error:  # onnxruntime's exceptions have no public base
        raise BundleError(
            place,
            expected="an ONNX graph that onnxruntime can load",
            found=first_line(error),
            fix="The file is damaged or not from export-gan: export or copy the bundle again.",
        ) from error
    return OnnxBackend("cpu", session)
