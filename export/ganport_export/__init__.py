"""The export room of ganport: a network in, a verified bundle out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganport_export.errors import ContractError as ContractError
    from ganport_export.errors import DependencyError as DependencyError
    from ganport_export.errors import ExportError as ExportError
    from ganport_export.errors import OptionError as OptionError
    from ganport_export.errors import ParityError as ParityError
    from ganport_export.errors import UnsupportedError as UnsupportedError
    from ganport_export.interface import Interface as Interface
    from ganport_export.pipeline import export as export
    from ganport_export.report import Report as Report

_HOMES = {"Interface": "interface", "export": "pipeline", "Report": "report"}
_ERRORS = (
    "ContractError",
    "DependencyError",
    "ExportError",
    "OptionError",
    "ParityError",
    "UnsupportedError",
)
_HOMES |= dict.fromkeys(_ERRORS, "errors")


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: the command must be able to say that torch is missing.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
