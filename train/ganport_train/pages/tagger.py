"""The page of `ganport dataset tag`: its routes, and the images that it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import MAX_BYTES
from ganport_train.data.images import decoding_warnings
from ganport_train.data.issues import EntryError
from ganport_train.pages.local_server import (
    check_size,
    create_app,
    encode_preview,
    json_route,
    serve,
)
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore, lock_tags
from ganport_train.tagging.suggester import Suggester

_CACHED = 512


def show(folder: Path, port: int, *, open_browser: bool) -> None:
    """Serve the tagger of a folder until Ctrl-C.

    Raises `DataError` for a folder without images, and `RequestError` for a folder that another
    tagger has open and for a port that is in use.
    """
    store = TagStore(folder)
    with lock_tags(folder), decoding_warnings():
        session = TagSession(store)
        suggester = Suggester(session)
        suggester.start()
        title = f"{folder}: {len(store.images):,} images"
        serve(tagger_app(session, suggester), title, port, open_browser=open_browser)


def tagger_app(session: TagSession, suggester: Suggester) -> Starlette:
    """Return the application of a session."""

    def state(request: Request) -> Response:
        return JSONResponse(session.snapshot())

    def suggestions(request: Request) -> Response:
        return JSONResponse(suggester.latest())

    routes = [
        Route("/api/state", state),
        Route("/api/suggestions", suggestions),
        Route("/image/{index:int}/{size}", _image_endpoint(session)),
        json_route("/api/change", session.change),
    ]
    return create_app("tagger.html", routes)


def _image_endpoint(session: TagSession) -> Callable[[Request], Response]:
    @lru_cache(_CACHED)
    def encode(index: int, size: str) -> Response:
        name = session.image_name(index)
        return encode_preview(session.store.source.read(name, MAX_BYTES), size)

    def image(request: Request) -> Response:
        size = check_size(request.path_params["size"])
        try:
            return encode(request.path_params["index"], size)
        except EntryError as error:
            raise RequestError("image", error.expected, error.found, error.fix) from None

    return image
