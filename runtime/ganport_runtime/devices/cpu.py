"""A graph on the CPU, by onnxruntime."""

from __future__ import annotations

from functools import partial
from typing import Any

from ganport_runtime.devices.cpu_count import available_cpu_count
from ganport_runtime.devices.onnxruntime_session import (
    OnnxBackend,
    error_summary,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.devices.row_parallel import RowParallelBackend
from ganport_runtime.errors import BundleError

CPU = "CPUExecutionProvider"


def open_cpu(model: bytes, *, place: str, allow_spinning: bool = False) -> OnnxBackend:
    """`model` on as many cores as this process may use, a part of the rows on each where that pays.

    With `allow_spinning`, threads wait awake for the next picture: some tenths of a millisecond
    less for each, and up to a whole core each in between. Raises `BundleError` for bytes that are
    no usable graph, and `MissingExtraError`.
    """
    cores = available_cpu_count()
    open_session = partial(_open_session, model, place, allow_spinning)
    if cores == 1:
        return OnnxBackend("cpu", open_session(1))
    return RowParallelBackend("cpu", open_session, cores, allow_spinning)


def _open_session(model: bytes, place: str, allow_spinning: bool, threads: int) -> Any:
    runtime = load_onnxruntime()
    options = session_options(runtime, allow_spinning=allow_spinning)
    options.intra_op_num_threads = threads
    try:
        return runtime.InferenceSession(model, options, providers=[CPU])
    except Exception as error:  # onnxruntime's exceptions have no public base
        raise BundleError(
            place,
            expected="an ONNX graph that onnxruntime can load",
            found=error_summary(error),
            fix="The file is damaged or not from export-gan: export or copy the bundle again.",
        ) from error
