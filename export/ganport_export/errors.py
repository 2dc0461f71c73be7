"""Errors of an export. The class decides the exit code of `export-gan`."""

from __future__ import annotations

from typing import Self

from ganport_runtime.errors import GanportError


class ExportError(GanportError):
    """Base class of the reasons why an export wrote nothing."""

    @classmethod
    def from_error(cls, error: GanportError) -> Self:
        """Return `error` as an error of this class, with the same text."""
        return cls(error.place, error.expected, error.found, error.fix)


class OptionError(ExportError):
    """An option or output path that cannot be used."""

    exit_code = 2


class UnsupportedError(ExportError):
    """An operator or a form of `forward` that the requested format cannot express."""

    exit_code = 3


class ParityError(ExportError):
    """A graph whose output differs from the output of its network."""

    exit_code = 4
    default_fix = "The graph does not compute what the network computes: report which module."


class ContractError(ExportError):
    """A network or graph that breaks the interface or ignores one of its inputs."""

    exit_code = 5
    default_fix = "Change the network's forward, or the interface that describes it."


class DependencyError(ExportError):
    """A package or Python version that the requested format needs and that is missing."""

    exit_code = 6
