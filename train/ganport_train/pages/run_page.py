"""The page of a run, which `ganport studio RUN` shows while the training runs and afterwards."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ganport_runtime.images.decode import read_image_file
from ganport_train.pages.local_server import create_app, serve
from ganport_train.pages.previews import check_size, encode_preview
from ganport_train.pages.run_data import RunReader

_CACHED = 256


def show(folder: Path, port: int = 0, *, open_browser: bool = True) -> None:
    """Serve the page of a run until Ctrl-C.

    Raises `RecipeError` for a folder that is not a run, and `RequestError` for a port in use.
    """
    reader = RunReader(folder)
    serve(run_app(reader), f"run {folder}", port, open_browser=open_browser)


def run_app(reader: RunReader) -> Starlette:
    """Return the application that shows a run; it changes nothing."""

    @lru_cache(_CACHED)
    def encode(images: int, size: str, changed: int) -> Response:
        return encode_preview(read_image_file(reader.sample_path(images)), size)

    def run(request: Request) -> Response:
        # Compared before the files are read: what is written meanwhile is read the next time.
        version = reader.version()
        if request.query_params.get("known") == version:
            return JSONResponse({"version": version})
        return JSONResponse({"version": version, **reader.read()})

    def sample(request: Request) -> Response:
        images, size = request.path_params["images"], check_size(request.path_params["size"])
        path = reader.sample_path(images)
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        return encode(images, size, changed)

    routes = [Route("/api/run", run), Route("/sample/{images:int}/{size}", sample)]
    return create_app("run.html", routes)
