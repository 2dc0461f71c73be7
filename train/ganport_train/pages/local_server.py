"""A web server for one person on this machine, and the images that its pages show.

Only loopback, own pages and small requests are accepted.
"""

from __future__ import annotations

import io
import json
import socket
import webbrowser
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.images.decode import load_image
from ganport_runtime.studio.files import PAGE_FOLDER
from ganport_train.data.file_formats import readable_formats

HOST = "127.0.0.1"
MAX_BODY = 1 << 20
"""Bytes of a request body."""
SIDES = {"thumbnail": 160, "frame": 400, "full": 1024, "exact": 8192}
"""Longest side in pixels, by the size that a page names."""
_LOSSLESS = 256
"""Images up to this side are sent without loss: pixel art must stay exact."""
_HOSTS = (HOST, "localhost")
_READING = ("GET", "HEAD")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

Action = Callable[[Any], Any]
"""Takes the JSON of a request and returns the JSON of its response."""


def create_app(page: str, routes: Sequence[BaseRoute]) -> Starlette:
    """Return an application that shows the HTML file `page` at `/`, with the files it needs.

    Only requests to a loopback name are answered: any web page can point a name of its own to this
    machine (DNS rebinding). Only pages of this server may change anything.
    """
    folder = Path(str(resources.files("ganport_train.pages") / "static"))

    def index(request: Request) -> Response:
        return FileResponse(folder / page)

    def studio_style(request: Request) -> Response:
        return FileResponse(PAGE_FOLDER / "studio" / "base.css")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/studio/base.css", studio_style),
            Mount("/static", StaticFiles(directory=folder)),
            *routes,
        ],
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=_guard),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False),
        ],
        exception_handlers={
            GanportError: _error_response,
            ClientDisconnect: lambda request, error: Response(status_code=400),
        },
    )


def json_route(path: str, action: Action) -> Route:
    """Return a POST route that calls `action` in a thread with the JSON of the body."""

    async def endpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                expected = f"at most {MAX_BODY >> 20} MiB"
                raise RequestError("request", expected, "more", "Change fewer images at once.")
        return JSONResponse(await run_in_threadpool(action, _parse(body)))

    return Route(path, endpoint, methods=["POST"])


def check_size(size: str) -> str:
    """Return a size that a page may name; raises `RequestError` for another."""
    if size not in SIDES:
        expected = f"one of {', '.join(SIDES)}"
        raise RequestError("size", expected, "another size", "Reload the page.")
    return size


def encode_preview(data: bytes, size: str) -> Response:
    """Return an image file of a size of `SIDES` as a response that the browser may keep.

    The file is decoded and encoded again, so a browser never gets its bytes. Raises `RequestError`
    for a file that is not an image.
    """
    image = load_image(data, formats=readable_formats(), mode="rgba").pixels
    side = SIDES[size]
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    lossless = size == "exact" or max(image.size) <= _LOSSLESS
    file = io.BytesIO()
    image.save(file, "PNG" if lossless else "WEBP", quality=88, compress_level=1)
    media_type = "image/png" if lossless else "image/webp"
    headers = {"cache-control": "max-age=600"}
    return Response(file.getvalue(), media_type=media_type, headers=headers)


def serve(app: Starlette, title: str, port: int, *, open_browser: bool) -> None:
    """Serve on the loopback interface until Ctrl-C or SIGTERM; port 0 is any free port.

    Raises `RequestError` for a port that is in use.
    """
    with _listen(port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}/"
        print(f"{title}: {url}\nStop with Ctrl-C.", flush=True)
        if open_browser:
            webbrowser.open(url)
        config = uvicorn.Config(
            app,
            access_log=False,
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            ws="none",
        )
        _Server(config).run([listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which ends with exit code 0 after a signal."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would raise the signal again after the shutdown.
        self.force_exit = self.should_exit
        self.should_exit = True


async def _guard(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Refuse changes that a page of another site requests; add the security headers."""
    own = f"http://{request.headers.get('host', '')}"
    if request.method in _READING or request.headers.get("origin") == own:
        response = await call_next(request)
    else:
        fix = "Use the page that this server shows."
        error = RequestError("Origin", "a request of this page", "another origin", fix)
        response = _error_response(request, error)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError("request", "JSON", "something else", "Reload the page.") from None


def _error_response(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, GanportError):
        raise error
    fields = {name: getattr(error, name) for name in ("place", "expected", "found", "fix")}
    return JSONResponse({"error": fields | {"message": str(error)}}, status_code=400)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise RequestError(f"--port {port}", "a free port", found, "Name another port.") from None
