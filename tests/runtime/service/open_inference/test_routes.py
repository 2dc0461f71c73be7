"""The routes under /v2 in plain JSON, as KServe's pages show them, and what they refuse."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from ganport_runtime.batcher import Batcher
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.settings import Settings

INFER = "/v2/models/tiny/infer"
SEED = {"name": "seed", "shape": [1], "datatype": "UINT64", "data": [7]}
Z = {"name": "z", "shape": [1, 4], "datatype": "FP32", "data": [0.1, 0.2, 0.3, 0.4]}
TEXT = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["pink hair"]}
CONDITION = {"name": "condition", "shape": [1, 5], "datatype": "FP32", "data": [1, 0, 0, 1, 0]}
TOO_LARGE = {**Z, "data": [0.0, 0.0, 0.0, 1e7]}


def asked(url: str, method: str = "POST", **options: Any) -> httpx.Response:
    with httpx.Client() as client:
        return client.request(method, url, **options)


@pytest.mark.parametrize(
    "data", [[0.1, 0.2, 0.3, 0.4, 0, -1, 0, 1], [[0.1, 0.2, 0.3, 0.4], [0, -1, 0, 1]]]
)
def test_flat_and_nested_data(address: str, shelf: Shelf, data: list[Any]) -> None:
    body = {"id": "42", "inputs": [{**Z, "shape": [2, 4], "data": data}]}
    answer = asked(f"http://{address}{INFER}", json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["ganport-device"] == "cpu"
    assert answer.headers["server-timing"].startswith("queue;dur=")
    reply = answer.json()
    (output,) = reply.pop("outputs")
    assert reply == {"model_name": "tiny", "model_version": "1.0.0", "id": "42"}
    z = np.array(data, np.float32).reshape(2, 4)
    expected = shelf["tiny"].generator.generate(z=z)
    assert np.array_equal(np.reshape(output.pop("data"), (2, 8, 8, 3)), expected)
    assert output == {"name": "image", "shape": [2, 8, 8, 3], "datatype": "UINT8"}


def refused(address: str, body: Any, status: int, **headers: str) -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", **headers}
    answer = asked(f"http://{address}{INFER}", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    error = answer.json()["error"]
    assert isinstance(error, str)
    return error


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs: expected z or seed; found none. Send it"),
        ([TEXT], "inputs: expected z or seed; found text."),
        ([Z, SEED], "inputs: expected z or seed; found both. Leave one"),
        ([SEED, TEXT, CONDITION], "inputs: expected condition or text; found both."),
        ([SEED, SEED], "inputs: expected each input once; found 'seed' twice."),
        (
            [{**SEED, "name": "sed"}],
            "inputs: expected one of z, seed, condition, text; found 'sed'",
        ),
        (
            [{**SEED, "name": "\x1b\\é"}],
            "inputs: expected one of z, seed, condition, text; found '\\x1b\\é'.",
        ),
        (
            [{**SEED, "shape": [2]}],
            "inputs 'seed': expected 2 numbers, as its shape says; found 1.",
        ),
        ([{**SEED, "data": [-1]}], "inputs 'seed': expected numbers that UINT64 holds"),
        ([{**SEED, "data": [2**64]}], "inputs 'seed': expected numbers that UINT64 holds"),
        ([{**SEED, "data": [0.5]}], "inputs 'seed': expected a list of UINT64, flat or nested"),
        ([{**SEED, "data": "7"}], "inputs 'seed': expected a list of UINT64, flat or nested"),
        ([{**SEED, "datatype": "INT64"}], "inputs 'seed': expected datatype UINT64; found INT64."),
        (
            [{**Z, "shape": [0, 4]}],
            "inputs 'z': expected shape [N, 4], N from 1 to 16; found [0, 4]",
        ),
        ([{**Z, "shape": [17, 4]}], "inputs 'z': expected shape [N, 4], N from 1 to 16"),
        ([{**Z, "shape": []}], "inputs 'z': expected shape [N, 4]"),
        (
            [{**Z, "data": [[1, 2], [3]]}],
            "inputs 'z': expected data of shape [1, 4]; found rows of",
        ),
        ([TOO_LARGE], "inputs 'z': expected finite numbers from -1e+06 to 1e+06; found others."),
        ([{k: v for k, v in Z.items() if k != "data"}], "inputs 'z': expected data; found none."),
        (
            [Z, {**TEXT, "data": ["pnk hair"]}],
            "condition 'hair': expected one of pink, black, dark red; found 'pnk'",
        ),
        ([Z, {**TEXT, "shape": [2], "data": ["", ""]}], "inputs: expected as many rows in each"),
    ],
)
def test_wrong_tensors_are_named(address: str, inputs: list[Any], message: str) -> None:
    error = refused(address, {"inputs": inputs}, 422)
    assert error.startswith(message)


@pytest.mark.parametrize("timeout", [0, -1, 1.5, True, "soon", 10**12])
def test_a_timeout_is_an_integer_of_microseconds(address: str, timeout: Any) -> None:
    error = refused(address, {"inputs": [SEED], "parameters": {"timeout": timeout}}, 422)
    assert error.startswith("timeout: expected an integer of microseconds from 1 to 300000000")


def test_another_output_is_refused(address: str) -> None:
    error = refused(address, {"inputs": [SEED], "outputs": [{"name": "logits"}]}, 422)
    assert error.startswith("outputs: expected the output 'image'; found 'logits'")


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"", {}, "body: expected a JSON inference request; found "),
        (b"{", {}, "body: expected a JSON inference request"),
        (b'{"inputs": 3}', {}, "body: expected a JSON inference request; found Expected `array`"),
        (b"[" * 100_000, {}, "body: expected a JSON inference request"),
        (
            b'{"inputs": []}xyz',
            {"inference-header-content-length": "14"},
            "body: expected the bytes",
        ),
        (b"{}", {"inference-header-content-length": "3"}, "Inference-Header-Content-Length: exp"),
        (b"{}", {"inference-header-content-length": "-1"}, "Inference-Header-Content-Length: exp"),
    ],
)
def test_what_is_no_message_is_a_bad_request(
    address: str, body: bytes, headers: dict[str, str], message: str
) -> None:
    assert refused(address, body, 400, **headers).startswith(message)


@pytest.mark.parametrize("size", [17, -1, 1.5, None, "16", [16]])
def test_binary_sizes_are_checked(address: str, size: Any) -> None:
    entry = {"name": "z", "shape": [1, 4], "datatype": "FP32"}
    head = json.dumps({"inputs": [{**entry, "parameters": {"binary_data_size": size}}]}).encode()
    body = head + bytes(16)
    length = {"inference-header-content-length": str(len(head))}
    assert "16 bytes" in refused(address, body, 400, **length)


def test_a_binary_of_another_length_than_its_shape(address: str) -> None:
    entry = {"name": "z", "shape": [1, 4], "datatype": "FP32"}
    head = json.dumps({"inputs": [{**entry, "parameters": {"binary_data_size": 12}}]}).encode()
    length = {"inference-header-content-length": str(len(head))}
    error = refused(address, head + bytes(12), 422, **length)
    assert error.startswith("inputs 'z': expected 16 bytes; found 12.")


@pytest.mark.parametrize("tail", [b"\x05\x00\x00\x00pink", b"\x01\x00", b"\x01\x00\x00\x00\xff"])
def test_a_damaged_text_is_named(address: str, tail: bytes) -> None:
    text = {"name": "text", "shape": [1], "datatype": "BYTES"}
    text["parameters"] = {"binary_data_size": len(tail)}  # type: ignore[assignment]
    head = json.dumps({"inputs": [SEED, text]}).encode()
    length = {"inference-header-content-length": str(len(head))}
    error = refused(address, head + tail, 422, **length)
    assert error.startswith("inputs 'text': expected texts in UTF-8, each after its length")


def test_forms_of_web_pages_are_not_taken(address: str) -> None:
    error = refused(address, {"inputs": [SEED]}, 415, **{"content-type": "text/plain"})
    assert error.startswith("Content-Type: expected application/json or application/octet-stream")


def test_versions_and_methods(address: str) -> None:
    base = f"http://{address}/v2/models/tiny"
    assert asked(f"{base}/versions/1.0.0", "GET").json() == asked(base, "GET").json()
    other = asked(f"{base}/versions/2/ready", "GET")
    assert other.status_code == 404
    assert other.json() == {"error": "version: expected 1.0.0; found '2'. Leave it out."}
    assert asked(f"{base}/infer", "GET").status_code == 405


def test_a_large_body_is_answered_like_a_small_one(address: str) -> None:
    body = {"id": "x" * 100_000, "inputs": [SEED], "parameters": {"timeout": 5_000_000}}
    answer = asked(f"http://{address}{INFER}", json=body)
    assert answer.status_code == 200
    assert answer.json()["id"] == body["id"]


@pytest.fixture(scope="module")
def app(shelf: Shelf) -> Starlette:
    return create_app(shelf, Settings(max_images=16))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["z", "seed", "text", "condition", "image_in", "", "é"]) | JSON,
        "shape": st.lists(st.integers(-1, 5), max_size=3) | JSON,
        "datatype": st.sampled_from(["FP32", "UINT64", "BYTES", "BF16"]) | JSON,
        "data": JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": JSON}) | JSON,
    },
)
BODY = st.fixed_dictionaries(
    {"inputs": st.lists(ENTRY, max_size=3)}, optional={"outputs": JSON, "parameters": JSON}
)


@settings(max_examples=80, deadline=None)
@given(BODY | JSON, st.binary(max_size=24), st.booleans())
def test_no_body_is_a_fault_of_the_service(
    app: Starlette, body: Any, tail: bytes, split: bool
) -> None:
    head = json.dumps(body).encode()
    headers = {"inference-header-content-length": str(len(head))} if split else {}
    status = asyncio.run(posted(app, head + tail, headers))
    assert status in (200, 400, 422)


async def posted(app: Starlette, content: bytes, headers: dict[str, str]) -> int:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return (await client.post(INFER, content=content, headers=headers)).status_code


def test_readiness_follows_the_batcher(shelf: Shelf) -> None:
    generator = shelf["tiny"].generator
    batcher = Batcher(generator)
    app = create_app(Shelf([Served("tiny", generator, batcher)]), Settings())

    async def ready(path: str) -> tuple[int, Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            answer = await client.get(path)
            return answer.status_code, answer.json()

    model = "/v2/models/tiny/ready"
    assert asyncio.run(ready("/v2/health/ready")) == (200, {"ready": True})
    assert asyncio.run(ready(model)) == (200, {"name": "tiny", "ready": True})
    batcher.close()
    assert asyncio.run(ready("/v2/health/ready")) == (503, {"ready": False})
    assert asyncio.run(ready(model)) == (503, {"name": "tiny", "ready": False})
    assert asyncio.run(ready("/v2/health/live")) == (200, {"live": True})
