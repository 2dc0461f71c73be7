import asyncio
import json
from typing import Any

import pytest

from ganport_runtime import errors
from ganport_runtime.errors import ClosedError, GanportError, QueueFullError, RequestError
from ganport_runtime.service import responses
from ganport_runtime.service.responses import (
    KeyMissingError,
    SlowBodyError,
    TooLargeError,
    error_body,
    format_seeds,
    json_response,
    send_error,
    status_of,
)

PARTS = {"expected": "this", "found": "that \x1b", "fix": "Do it."}


def sent_error(error: GanportError, path: str = "") -> tuple[int, dict[str, str], Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(send_error(send, error, path))
    start, body = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert int(headers["content-length"]) == len(body["body"])
    return start["status"], headers, json.loads(body["body"])


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (responses.BodyError, 400),
        (responses.KeyMissingError, 401),
        (responses.UnknownBundleError, 404),
        (responses.SlowBodyError, 408),
        (responses.TooLargeError, 413),
        (responses.MediaTypeError, 415),
        (errors.RequestError, 422),
        (errors.ConditionError, 422),
        (errors.ClosedError, 503),
        (errors.DeadlineError, 504),
        (errors.BundleError, 500),
        (errors.DeviceError, 500),
    ],
)
def test_status_of_each_error(kind: type[GanportError], status: int) -> None:
    assert status_of(kind("place", **PARTS)) == status


def test_send_error_json_has_status_and_parts() -> None:
    status, headers, body = sent_error(RequestError("count", **PARTS))
    assert status == 422
    assert headers["content-type"] == "application/json"
    assert body == {"error": {"status": 422, "place": "count", **PARTS}}


@pytest.mark.parametrize("path", ["/v2", "/v2/models/a/infer"])
def test_send_error_under_v2_is_one_string(path: str) -> None:
    error = RequestError("count", **PARTS)
    assert sent_error(error, path)[2] == {"error": str(error)}
    assert b'"status"' in error_body(error, 422, "/v2x")


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (0.3, "1"), (1.2, "2"), (7.0, "7")])
def test_send_error_full_queue_rounds_retry_after_up(seconds: float, header: str) -> None:
    status, headers, _ = sent_error(QueueFullError("queue", retry_after=seconds, **PARTS))
    assert (status, headers["retry-after"]) == (429, header)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (ClosedError, "retry-after", "5"),
        (ClosedError, "connection", "close"),
        (TooLargeError, "connection", "close"),
        (SlowBodyError, "connection", "close"),
        (KeyMissingError, "www-authenticate", "Bearer"),
    ],
)
def test_send_error_headers_of_each_error(kind: type[GanportError], name: str, value: str) -> None:
    assert sent_error(kind("place", **PARTS))[1][name] == value


def test_json_response_encodes_the_value() -> None:
    response = json_response({"ä": [1, None]}, 503)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.body) == {"ä": [1, None]}


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([7, 8, 9], "7..9"),
        ([2**64 - 2, 2**64 - 1, 0], f"{2**64 - 2}..0"),
        ([7, 9], "7, 9"),
        ([9, 8], "9, 8"),
        ([5, 5], "5, 5"),
        (list(range(0, 200, 2)), ", ".join(map(str, range(0, 200, 2)))),
        (list(range(0, 202, 2)), ""),
        (list(range(1000)), "0..999"),
    ],
)
def test_format_seeds_returns_a_header_of_bounded_length(seeds: list[int], text: str) -> None:
    assert format_seeds(seeds) == text
