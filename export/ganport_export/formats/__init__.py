"""Writers of the graph formats, and a filter for the messages of torch's exporters."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

_LOGGERS = (
    "torch.onnx._internal.exporter._registration",  # "torchvision is not installed"
    "torch.fx.experimental.symbolic_shapes",  # prints the graph in addition to the exception
    "torch.export",
    "torch._dynamo",
    "torch._guards",
    "onnxscript.version_converter",  # "the model will be converted using the onnx C API"
)
_TORCHSCRIPT_DEPRECATED = r".*torch\.jit\.\w+.* (is deprecated|is not supported)"
_WARNINGS = (
    (r".*isinstance\(treespec, LeafSpec\).* is deprecated", FutureWarning),  # torch's own code
    (_TORCHSCRIPT_DEPRECATED, FutureWarning),
    (_TORCHSCRIPT_DEPRECATED, DeprecationWarning),
    (r"The given buffer is not writable", UserWarning),  # torch 2.11's reader of .pt2
)


@contextmanager
def suppress_known_messages() -> Iterator[None]:
    """Suppress the listed loggers and warnings of torch and onnxscript, and no others."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message, category in _WARNINGS:
            warnings.filterwarnings("ignore", message, category)
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def stderr_on_success() -> Iterator[None]:
    """Hold back what the block prints to stderr, and discard it if the block raises.

    torch.export prints an incomplete graph there, in addition to an exception with the same text.
    """
    buffer = io.StringIO()
    with redirect_stderr(buffer):
        yield
    sys.stderr.write(buffer.getvalue())
