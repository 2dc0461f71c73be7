"""The routes under /v2 with plain JSON: responses and errors."""

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
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.settings import Settings

INFER = "/v2/models/tiny/infer"
SEED = {"name": "seed", "shape": [1], "datatype": "UINT64", "data": [7]}
Z = {"name": "z", "shape": [1, 4], "datatype": "FP32", "data": [0.1, 0.2, 0.3, 0.4]}
TEXT = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["pink hair"]}
CONDITION = {"name": "condition", "shape": [1, 5], "datatype": "FP32", "data": [1, 0, 0, 1, 0]}
TOO_LARGE = {**Z, "data": [0.0, 0.0, 0.0, 1e7]}


def call(url: str, method: str = "POST", **options: Any) -> httpx.Response:
    with httpx.Client(timeout=120.0) as client:
        return client.request(method, url, **options)


@pytest.mark.parametrize(
    "values", [[0.1, 0.2, 0.3, 0.4, 0, -1, 0, 1], [[0.1, 0.2, 0.3, 0.4], [0, -1, 0, 1]]]
)
def test_infer_flat_or_nested_data_return_the_images_of_the_library(
    address: str, inference_registry: ModelRegistry, values: list[Any]
) -> None:
    body = {"id": "42", "inputs": [{**Z, "shape": [2, 4], "data": values}]}
    response = call(f"http://{address}{INFER}", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["ganport-device"] == "cpu"
    assert response.headers["server-timing"].startswith("queue;dur=")
    body = response.json()
    (output,) = body.pop("outputs")
    assert body == {"model_name": "tiny", "model_version": "1.0.0", "id": "42"}
    z = np.array(values, np.float32).reshape(2, 4)
    expected = inference_registry["tiny"].generator.generate(z=z)
    assert np.array_equal(np.reshape(output.pop("data"), (2, 8, 8, 3)), expected)
    assert output == {"name": "image", "shape": [2, 8, 8, 3], "datatype": "UINT8"}


def error_of(address: str, body: Any, status: int, **headers: str) -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", **headers}
    response = call(f"http://{address}{INFER}", content=content, headers=headers)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    error = response.json()["error"]
    assert isinstance(error, str)
    return error


@pytest.mark.parametrize(
    ("inputs", "place", "value"),
    [
        ([], "inputs", "z or seed"),
        ([TEXT], "inputs", "z or seed"),
        ([Z, SEED], "inputs", "z or seed"),
        ([SEED, TEXT, CONDITION], "inputs", "condition or text"),
        ([SEED, SEED], "inputs", "'seed'"),
        ([{**SEED, "name": "sed"}], "inputs", "z, seed, condition, text"),
        ([{**SEED, "name": "\x1b\\é"}], "inputs", "'\\x1b\\é'"),
        ([{**SEED, "shape": [2]}], "inputs 'seed'", "2 numbers"),
        ([{**SEED, "data": [-1]}], "inputs 'seed'", "UINT64"),
        ([{**SEED, "data": [2**64]}], "inputs 'seed'", "UINT64"),
        ([{**SEED, "data": [0.5]}], "inputs 'seed'", "a list of UINT64"),
        ([{**SEED, "data": "7"}], "inputs 'seed'", "a list of UINT64"),
        ([{**SEED, "datatype": "INT64"}], "inputs 'seed'", "INT64"),
        ([{**Z, "shape": [0, 4]}], "inputs 'z'", "[0, 4]"),
        ([{**Z, "shape": [17, 4]}], "inputs 'z'", "from 1 to 16"),
        ([{**Z, "shape": []}], "inputs 'z'", "[N, 4]"),
        ([{**Z, "data": [[1, 2], [3]]}], "inputs 'z'", "4 numbers"),
        ([{**Z, "data": [[1, 2], [3], 4]}], "inputs 'z'", "[1, 4]"),
        ([TOO_LARGE], "inputs 'z'", "1e+06"),
        ([{k: v for k, v in Z.items() if k != "data"}], "inputs 'z'", "data"),
        ([Z, {**TEXT, "data": ["pnk hair"]}], "condition 'hair'", "'pnk'"),
        ([Z, {**TEXT, "shape": [2], "data": ["", ""]}], "inputs", "1 and 2"),
    ],
)
def test_infer_invalid_tensor_returns_422_with_its_name(
    address: str, inputs: list[Any], place: str, value: str
) -> None:
    error = error_of(address, {"inputs": inputs}, 422)
    assert error.startswith(f"{place}: ")
    assert value in error


@pytest.mark.parametrize("field", ["name", "datatype", "data"])
def test_infer_text_that_is_not_utf_8_returns_400(address: str, field: str) -> None:
    body = json.dumps({"inputs": [{**TEXT, field: ["?"] if field == "data" else "?"}]}).encode()
    assert error_of(address, body.replace(b'"?"', b'"\xff"'), 422 if field == "data" else 400)


@pytest.mark.parametrize("timeout", [0, -1, 1.5, True, "soon", 10**12])
def test_infer_timeout_that_is_no_positive_integer_returns_422(address: str, timeout: Any) -> None:
    error = error_of(address, {"inputs": [SEED], "parameters": {"timeout": timeout}}, 422)
    assert error.startswith("timeout: ")


def test_infer_unknown_output_returns_422(address: str) -> None:
    error = error_of(address, {"inputs": [SEED], "outputs": [{"name": "logits"}]}, 422)
    assert error.startswith("outputs: ")
    assert "'logits'" in error


@pytest.mark.parametrize(
    ("body", "json_length", "place"),
    [
        (b"", None, "body"),
        (b"{", None, "body"),
        (b'{"inputs": 3}', None, "body"),
        (b"[" * 100_000, None, "body"),
        (b'{"inputs": []}xyz', "14", "body"),
        (b"{}", "3", "Inference-Header-Content-Length"),
        (b"{}", "-1", "Inference-Header-Content-Length"),
    ],
)
def test_infer_malformed_message_returns_400(
    address: str, body: bytes, json_length: str | None, place: str
) -> None:
    headers = {} if json_length is None else {"inference-header-content-length": json_length}
    assert error_of(address, body, 400, **headers).startswith(f"{place}: ")


@pytest.mark.parametrize("size", [17, -1, 1.5, None, "16"])
def test_infer_invalid_binary_size_returns_400(address: str, size: Any) -> None:
    entry = {"name": "z", "shape": [1, 4], "datatype": "FP32"}
    head = json.dumps({"inputs": [{**entry, "parameters": {"binary_data_size": size}}]}).encode()
    body = head + bytes(16)
    length = {"inference-header-content-length": str(len(head))}
    assert "16 bytes" in error_of(address, body, 400, **length)


def test_infer_binary_of_wrong_length_returns_422(address: str) -> None:
    entry = {"name": "z", "shape": [1, 4], "datatype": "FP32"}
    head = json.dumps({"inputs": [{**entry, "parameters": {"binary_data_size": 12}}]}).encode()
    length = {"inference-header-content-length": str(len(head))}
    error = error_of(address, head + bytes(12), 422, **length)
    assert error.startswith("inputs 'z': ")
    assert "16 bytes" in error


@pytest.mark.parametrize("tail", [b"\x05\x00\x00\x00pink", b"\x01\x00", b"\x01\x00\x00\x00\xff"])
def test_infer_corrupt_text_returns_422(address: str, tail: bytes) -> None:
    text = {"name": "text", "shape": [1], "datatype": "BYTES"}
    text["parameters"] = {"binary_data_size": len(tail)}  # type: ignore[assignment]
    head = json.dumps({"inputs": [SEED, text]}).encode()
    length = {"inference-header-content-length": str(len(head))}
    error = error_of(address, head + tail, 422, **length)
    assert error.startswith("inputs 'text': ")


def test_infer_other_content_type_returns_415(address: str) -> None:
    error = error_of(address, {"inputs": [SEED]}, 415, **{"content-type": "text/plain"})
    assert error.startswith("Content-Type: ")


def test_model_version_and_method_are_checked(address: str) -> None:
    base = f"http://{address}/v2/models/tiny"
    assert call(f"{base}/versions/1.0.0", "GET").json() == call(base, "GET").json()
    other = call(f"{base}/versions/2/ready", "GET")
    assert other.status_code == 404
    assert "1.0.0" in other.json()["error"]
    assert call(f"{base}/infer", "GET").status_code == 405


def test_infer_large_body_returns_200(address: str) -> None:
    body = {"id": "x" * 100_000, "inputs": [SEED], "parameters": {"timeout": 5_000_000}}
    response = call(f"http://{address}{INFER}", json=body)
    assert response.status_code == 200
    assert response.json()["id"] == body["id"]


@pytest.fixture(scope="module")
def app(inference_registry: ModelRegistry) -> Starlette:
    return create_app(inference_registry, Settings(max_images=16))


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


@settings(max_examples=80)
@given(BODY | JSON, st.binary(max_size=24), st.booleans())
def test_infer_any_body_returns_no_internal_error(
    app: Starlette, body: Any, tail: bytes, split: bool
) -> None:
    head = json.dumps(body).encode()
    headers = {"inference-header-content-length": str(len(head))} if split else {}
    status = asyncio.run(post(app, head + tail, headers))
    assert status in (200, 400, 422)


async def post(app: Starlette, content: bytes, headers: dict[str, str]) -> int:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.post(INFER, content=content, headers=headers)).status_code


def test_readiness_of_a_closed_batcher_is_503(inference_registry: ModelRegistry) -> None:
    generator = inference_registry["tiny"].generator
    batcher = Batcher(generator)
    app = create_app(ModelRegistry([ServedBundle("tiny", generator, batcher)]), Settings())

    async def ready(path: str) -> tuple[int, Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await client.get(path)
            return response.status_code, response.json()

    model = "/v2/models/tiny/ready"
    assert asyncio.run(ready("/v2/health/ready")) == (200, {"ready": True})
    assert asyncio.run(ready(model)) == (200, {"name": "tiny", "ready": True})
    batcher.close()
    assert asyncio.run(ready("/v2/health/ready")) == (503, {"ready": False})
    assert asyncio.run(ready(model)) == (503, {"name": "tiny", "ready": False})
    assert asyncio.run(ready("/v2/health/live")) == (200, {"live": True})
