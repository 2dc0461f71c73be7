"""Build hook of the wheel: the page of the studio imports the JavaScript package."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AddJavaScript(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `runtime/js/dist` to the wheel; an editable installation reads it from the clone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files."""
        if version != "editable":
            for name in ("ganport.js", "worker.js"):
                target = f"ganport_runtime/studio/js/dist/{name}"
                build_data["force_include"][f"runtime/js/dist/{name}"] = target
