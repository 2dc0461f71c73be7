"""The page of `ganport dataset tag`: its routes, and the images that it shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import MAX_BYTES, load_image
from ganport_train.data.file_formats import readable_formats
from ganport_train.data.images import decoding_warnings
from ganport_train.data.issues import EntryError
from ganport_train.pages.local_server import create_app, json_route, serve
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore, lock_tags
from ganport_train.tagging.suggester import Suggester

_SIDES = {"thumbnail": 128, "full": 1024}
"""Longest side of an image in pixels, by the size that the page names."""
_CACHED = 1024
_EXACT = 256
"""Images up to this side are sent without loss: pixel art must stay exact."""


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
    def encode(index: int, size: str) -> tuple[bytes, str]:
        name = session.image_name(index)
        return encode_preview(session.store.source.read(name, MAX_BYTES), _SIDES[size])

    def image(request: Request) -> Response:
        size = request.path_params["size"]
        if size not in _SIDES:
            expected = f"one of {', '.join(_SIDES)}"
            raise RequestError("size", expected, "another", "Reload the page.")
        try:
            data, media_type = encode(request.path_params["index"], size)
        except EntryError as error:
            raise RequestError("image", error.expected, error.found, error.fix) from None
        # The path of an image never changes in a session.
        return Response(data, media_type=media_type, headers={"cache-control": "max-age=600"})

    return image


def encode_preview(data: bytes, side: int) -> tuple[bytes, str]:
    """Return an image file of at most `side` pixels per side, and its media type.

    The file is decoded and encoded again, so a browser never gets the bytes of the dataset. Raises
    `RequestError` for a file that is not an image.
    """
    image = load_image(data, formats=readable_formats(), mode="rgba").pixels
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    exact = max(image.size) <= _EXACT
    file = io.BytesIO()
    image.save(file, "PNG" if exact else "WEBP", quality=88)
    return file.getvalue(), "image/png" if exact else "image/webp"
