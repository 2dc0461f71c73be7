"""Settings of all tests."""

import copy
import functools
import gc
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A deadline in milliseconds of wall time fails on a busy machine.
settings.register_profile("ganport", deadline=None)
settings.load_profile("ganport")


def pytest_collection_finish() -> None:
    """Exclude imported modules from garbage collection, which would visit them each time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let Python collect everything at its end, or libraries report leaks."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def single_operator_table() -> Iterator[None]:
    """Build the operator table of torch.onnx once per opset, not again at every export.

    The table of an opset is constant: it lists the functions of onnxscript, and no test registers
    others. To build it takes a third of a small export, which parses the source of 500 functions.
    Each export gets its own copy, since torch.onnx may add functions to it.
    """
    if "ganport_export" not in sys.modules:  # no test of this session exports
        yield
        return
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    build = functools.cache(ONNXRegistry.from_torchlib)

    def copy_table(*opset: int, **named_opset: int) -> ONNXRegistry:
        table = copy.copy(build(*opset, **named_opset))
        table.functions = {name: list(found) for name, found in table.functions.items()}
        return table

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(copy_table))
        yield
