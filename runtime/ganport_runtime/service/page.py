"""The page of the service: the files of the studio at `/`.

The files are the same for every client, and hold no secret, so they need no API key.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ganport_runtime.studio.files import (
    JS_PREFIX,
    PAGE_FOLDER,
    RUNTIME_PREFIX,
    js_folder,
    response_headers,
    runtime_folder,
)

PAGE_PATH = "/"
PAGE_PREFIX = "/studio/"
"""All files that the page loads."""


class PageFiles(StaticFiles):
    """Static files with the headers of the studio."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; raise `HTTPException` if there is none."""
        response = await super().get_response(path, scope)
        response.headers.update(response_headers())
        return response


def page_routes() -> list[BaseRoute]:
    """Return the routes of the page: `/`, and the files under `/studio/`.

    The page shows images of the service. It loads onnxruntime-web, if that is installed, to open
    a bundle that a person drops on it.
    """
    runtime = runtime_folder()
    mounts = {JS_PREFIX: js_folder()} | ({} if runtime is None else {RUNTIME_PREFIX: runtime})
    return [
        Route(PAGE_PATH, _page, methods=["GET"]),
        *(Mount(f"/{path}", PageFiles(directory=folder)) for path, folder in mounts.items()),
        Mount(PAGE_PREFIX.rstrip("/"), PageFiles(directory=PAGE_FOLDER / "studio")),
    ]


async def _page(request: Request) -> Response:
    return FileResponse(PAGE_FOLDER / "index.html", headers=response_headers())
