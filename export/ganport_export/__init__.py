"""Export of ganport: from a network to a verified bundle."""

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
    from ganport_export.pipeline import ExportReport as ExportReport
    from ganport_export.pipeline import export as export

_MODULES = {"Interface": "interface", "export": "pipeline", "ExportReport": "pipeline"}
_ERRORS = ("Contract", "Dependency", "Export", "Option", "Parity", "Unsupported")
_MODULES |= {f"{name}Error": "errors" for name in _ERRORS}


def __getattr__(name: str) -> Any:
    # Import on first use: the command must be able to report that torch is missing.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
