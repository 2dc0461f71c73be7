"""Build hook of the wheel: the page of the studio imports modules of the JavaScript package."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AddJavaScript(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `runtime/js/src` to the wheel; an editable installation reads it from the clone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the modules."""
        if version != "editable":
            build_data["force_include"]["runtime/js/src"] = "ganport_runtime/studio/js/src"
