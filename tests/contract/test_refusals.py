"""What the service refuses: the status, one form of error, and the field that is named."""

from typing import Any

import numpy as np
import pytest
from serving import GENERATE, JSON, MAX_BODY, TRANSLATE, Service, ask, png, refused


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        ({"conditions": {"hair": "pnk"}}, 422, "hair"),
        ({"conditions": {"hare": "pink"}}, 422, "hare"),
        ({"conditions": 5}, 422, "conditions"),
        ({"seed": 1.5}, 422, "seed"),
        ({"seed": -1}, 422, "seed"),
        ({"seed": 2**64}, 422, "seed"),
        ({"seed": "12a"}, 422, "seed"),
        ({"seeds": [1, "x"]}, 422, "seeds[1]"),
        ({"seed": 1, "seeds": [2]}, 422, "seed"),
        ({"count": 0}, 422, "count"),
        ({"count": 17}, 422, "count"),
        ({"seeds": [0] * 17}, 422, "seeds"),
        ({"conditions": [{}, {}], "seeds": [1]}, 422, "seeds"),
        ({"temperature": 11}, 422, "temperature"),
        ({"timeout": 0}, 422, "timeout"),
        ({"timeout": 301}, 422, "timeout"),
        ({"output": "gif"}, 422, "output"),
        ({"container": "tar"}, 422, "container"),
        ({"output": "raw", "container": "zip"}, 422, "container"),
        ({"quality": 101, "output": "webp"}, 422, "quality"),
        ({"quality": 50}, 422, "quality"),
        ({"columns": 2}, 422, "columns"),
        ({"nothing": "red"}, 422, "nothing"),
        ({"bundle": "changer"}, 422, "bundle"),
        ({"bundle": None}, 422, "bundle"),
        ({"bundle": "face"}, 404, "bundle"),
    ],
)
def test_generate_field_not_allowed_is_named(
    service: Service, fields: dict[str, Any], status: int, named: str
) -> None:
    refused(ask(service, fields), status, named)


@pytest.mark.parametrize(
    ("kind", "content", "query", "status", "named"),
    [
        ("image/png", b"no image", "bundle=changer", 422, "images[0]"),
        ("image/png", b"", "bundle=faces", 422, "bundle"),
        ("image/png", b"", "bundle=changer&size=8", 422, "size"),
        ("image/png", b"", "bundle=changer&bundle=faces", 422, "query"),
        ("image/png", b"", "bundle=changer&columns=many", 422, "columns"),
        ("image/png", b"", "bundle=changer&conditions={", 400, "body"),
        ("application/json", b'{"bundle":"changer","images":["!"]}', "", 422, "images[0]"),
        ("application/json", b'{"bundle":"changer","images":[]}', "", 422, "count"),
        ("application/json", b'{"bundle":"changer"}', "", 422, "body"),
        ("application/json", b"{}", "bundle=changer", 422, "query"),
        ("text/plain", b"", "bundle=changer", 415, "Content-Type"),
    ],
)
def test_translate_not_allowed_is_named(
    service: Service, kind: str, content: bytes, query: str, status: int, named: str
) -> None:
    headers = {"Content-Type": kind}
    response = service.client.post(f"{TRANSLATE}?{query}", content=content, headers=headers)
    refused(response, status, named)


def test_translate_too_many_pixels_is_refused(service: Service) -> None:
    url, headers = f"{TRANSLATE}?bundle=changer", {"Content-Type": "image/png"}
    for width, status in ((64, 200), (65, 422)):
        content = png(np.zeros((64, width, 3), np.uint8))
        assert service.client.post(url, content=content, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"{}x", 400),
        (b"\xff", 400),
        (b"[]", 422),
    ],
)
def test_generate_body_without_json_is_refused(service: Service, body: bytes, status: int) -> None:
    refused(service.client.post(GENERATE, content=body, headers=JSON), status, "body")


def test_generate_nested_arrays_are_refused(service: Service) -> None:
    """The types of the request end the decoding at the second array."""
    body = b'{"conditions": {"hair": ' + b"[" * 5000
    response = service.client.post(GENERATE, content=body, headers=JSON)
    refused(response, 422, "conditions[...][0]")


def test_generate_form_is_refused(service: Service) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}):
        refused(service.client.post(GENERATE, content=b"{}", headers=headers), 415, "Content-Type")


def test_generate_fields_in_the_query_are_refused(service: Service) -> None:
    refused(service.post(f"{GENERATE}?output=raw", {"bundle": "faces"}), 422, "query")


def test_generate_body_too_large_is_refused(service: Service) -> None:
    fits, over = (b'{"bundle":"faces"}'.ljust(MAX_BODY + more) for more in (0, 1))
    assert service.client.post(GENERATE, content=fits, headers=JSON).status_code == 200
    refused(service.client.post(GENERATE, content=over, headers=JSON), 413, "")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", GENERATE, 405),
        ("DELETE", TRANSLATE, 405),
        ("POST", "/v1/bundles", 405),
        ("POST", "/healthz", 405),
        ("GET", "/v1/bundles/nobody", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
    ],
)
def test_route_that_is_not_there_is_refused(
    service: Service, method: str, path: str, status: int
) -> None:
    response = service.client.request(method, path)
    refused(response, status, "")
    assert ("allow" in response.headers) == (status == 405)
