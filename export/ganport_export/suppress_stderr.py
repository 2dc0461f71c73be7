"""The exporters' chatter, silenced by name: anything not listed here is still heard."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

_LOGGERS = (
    "torch.onnx._internal.exporter._registration",  # "torchvision is not installed"
    "torch.fx.experimental.symbolic_shapes",  # dumps the graph beside the error it raises
    "torch.export",
    "torch._dynamo",
    "torch._guards",
    "onnxscript.version_converter",  # "the model will be converted using the onnx C API"
)
_WARNINGS = (
    # torch, about its own code
    (r".*isinstance\(treespec, LeafSpec\).* is deprecated", FutureWarning),
    # TorchScript is deprecated; the bundle offers it to players that have torch and nothing else
    (r".*torch\.jit\.\w+.* (is deprecated|is not supported)", FutureWarning),
    (r".*torch\.jit\.\w+.* (is deprecated|is not supported)", DeprecationWarning),
)


@contextmanager
def silence() -> Iterator[None]:
    """Quieten the known loggers and warnings of torch and onnxscript for a while."""
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
    """Hold back what the block prints to stderr, and drop it when the block raises.

    torch.export prints the graph it got so far there, beside the error that says the same.
    """
    held = io.StringIO()
    with redirect_stderr(held):
        yield
    sys.stderr.write(held.getvalue())
