"""What a device offers once a graph is open on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor


class Backend(Protocol):
    """A graph open on one device.

    `device` is what it truly runs on ("cpu", "cuda:0", "tensorrt:0" or "openvino"), `inputs` and
    `outputs` are what the graph declares, `metadata` the text it carries. `run` turns one batch
    of every input into the first output; it may be called from several threads, and whatever it
    raises that is no `GanportError` is the graph's fault or that of its feeds.
    """

    @property
    def device(self) -> str: ...

    @property
    def inputs(self) -> tuple[Tensor, ...]: ...

    @property
    def outputs(self) -> tuple[Tensor, ...]: ...

    @property
    def metadata(self) -> Mapping[str, str]: ...

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]: ...
