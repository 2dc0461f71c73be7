"""What an export did and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganport_runtime.bundle.manifest import Manifest


@dataclass(frozen=True)
class Report:
    """A bundle that was written."""

    path: Path
    manifest: Manifest
    opset: int
    folded: tuple[str, ...]
    """Paths of the tensors whose norm was folded into them."""
    seconds: Mapping[str, float]
    """Time of each stage."""

    @property
    def size(self) -> int:
        """Bytes of the files the manifest lists."""
        return sum(entry.size for entry in self.manifest.files.values())

    def to_json(self) -> dict[str, Any]:
        """Every measured figure as plain JSON."""
        return {
            "path": str(self.path),
            "opset": self.opset,
            "folded": list(self.folded),
            "seconds": dict(self.seconds),
            "files": {name: entry.to_json() for name, entry in self.manifest.files.items()},
            "parity": dict(self.manifest.parity),
            "provenance": dict(self.manifest.provenance),
        }
