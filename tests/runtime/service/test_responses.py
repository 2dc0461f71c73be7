import asyncio
import json
from typing import Any

import pytest

from ganport_runtime.errors import ClosedError, GanportError, QueueFullError, RequestError
from ganport_runtime.service.errors import KeyMissingError, SlowBodyError, TooLargeError
from ganport_runtime.service.responses import answer_error, answer_json, error_body

WORDS = {"expected": "this", "found": "that \x1b", "fix": "Do it."}


def sent(error: GanportError, path: str = "") -> tuple[int, dict[str, str], Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(answer_error(send, error, path))
    start, body = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert int(headers["content-length"]) == len(body["body"])
    return start["status"], headers, json.loads(body["body"])


def test_errors_have_one_form() -> None:
    status, headers, body = sent(RequestError("count", **WORDS))
    assert status == 422
    assert headers["content-type"] == "application/json"
    assert body == {"error": {"status": 422, "place": "count", **WORDS}}


@pytest.mark.parametrize("path", ["/v2", "/v2/models/a/infer"])
def test_the_inference_protocol_has_its_own(path: str) -> None:
    _, _, body = sent(RequestError("count", **WORDS), path)
    assert body == {"error": "count: expected this; found that \x1b. Do it."}
    assert b'"status"' in error_body(RequestError("count", **WORDS), 422, "/v2x")


@pytest.mark.parametrize(("wait", "said"), [(0.0, "1"), (0.3, "1"), (1.2, "2"), (7.0, "7")])
def test_a_full_queue_says_when_to_come_again_in_whole_seconds(wait: float, said: str) -> None:
    status, headers, _ = sent(QueueFullError("queue", retry_after=wait, **WORDS))
    assert (status, headers["retry-after"]) == (429, said)


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
def test_what_a_client_is_to_do_next(kind: type[GanportError], name: str, value: str) -> None:
    assert sent(kind("place", **WORDS))[1][name] == value


def test_a_value_as_json() -> None:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(answer_json(send, {"ä": [1, None]}))
    assert messages[0]["status"] == 200
    assert json.loads(messages[1]["body"]) == {"ä": [1, None]}
