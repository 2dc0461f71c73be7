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
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
            Middleware(_Guard),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False),
        ],
        exception_handlers={GanportError: _error_response},
    )


def json_route(path: str, action: Action) -> Route:
    """Return a POST route that calls `action` in a thread with the JSON of the body."""

    async def endpoint(request: Request) -> Response:
        result = await run_in_threadpool(action, _parse(await request.body()))
        return JSONResponse(result)

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

        def announce() -> None:
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
        _Server(config, announce).run([listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which ends with exit code 0 after a signal."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would raise the signal again after the shutdown.
        self.force_exit = self.should_exit
        self.should_exit = True


class _Guard:
    """Middleware: security headers, the origin of changes, and the size of bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        error = _origin_error(request) or await _read_body(request, receive)
        if isinstance(error, GanportError):
            await _error_response(request, error)(scope, receive, send_guarded)
        else:
            await self._app(scope, error, send_guarded)


def _origin_error(request: Request) -> GanportError | None:
    """Return the error of a change that a page of another site requests; None for others."""
    headers = request.headers
    own = f"http://{headers.get('host', '')}"
    if request.method in _READING or headers.get("origin") == own:
        return None
    fix = "Use the page that this server shows."
    return RequestError("Origin", "a request of this page", "another origin", fix)


async def _read_body(request: Request, receive: Receive) -> Receive | GanportError:
    """Return a `receive` that replays the body, or the error of a body that is too large."""
    body, more = b"", True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > MAX_BODY:
        expected = f"at most {MAX_BODY >> 20} MiB"
        return RequestError("request", expected, "more", "Change fewer images at once.")
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


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
