"""Build hook: take the files of the npm package onnxruntime-web into the wheel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
SOURCE = Path(__file__).parents[1] / "js" / "node_modules" / "onnxruntime-web"


class CopyRuntime(BuildHookInterface):  # type: ignore[type-arg]
    """Takes the files of `FILES` from `runtime/js/node_modules`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files; raise `SystemExit` if npm has not installed this version."""
        if version == "editable":
            return
        wanted = self.metadata.version
        package = SOURCE / "package.json"
        found = json.loads(package.read_text())["version"] if package.is_file() else "none"
        if found != wanted:
            raise SystemExit(
                f"{SOURCE}: expected onnxruntime-web {wanted}; found {found}. "
                "Run: npm --prefix runtime/js ci"
            )
        for name in FILES:
            target = f"ganport_onnxruntime_web/{name}"
            build_data["force_include"][str(SOURCE / "dist" / name)] = target
