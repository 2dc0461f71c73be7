"""Why an export was refused; the class decides what `export-gan` exits with."""

from __future__ import annotations

from ganport_runtime.errors import GanportError


class ExportError(GanportError):
    """Base of every refusal: nothing was written."""


class OptionError(ExportError):
    """An option or output path that cannot be used."""

    exit_code = 2


class UnsupportedError(ExportError):
    """An operator, or a way of writing `forward`, that the format asked for cannot express."""

    exit_code = 3


class ParityError(ExportError):
    """A graph that draws another picture than the network it was written from."""

    exit_code = 4


class ContractError(ExportError):
    """A network or graph that breaks the interface, or that ignores one of its inputs."""

    exit_code = 5


class DependencyError(ExportError):
    """A package, or a version of Python, that the format asked for needs."""

    exit_code = 6
