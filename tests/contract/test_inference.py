"""The Open Inference Protocol under /v2: metadata, JSON and binary tensors, errors."""

import json
from typing import Any

import httpx
import numpy as np
import pytest
import recorded
from serving import Service, header

MODEL = "/v2/models/faces"
SEED = {"name": "seed", "shape": [2], "datatype": "UINT64", "data": [7, 8]}
TEXT = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["pink hair", "green eyes"]}
Z = {"name": "z", "shape": [1, 4], "datatype": "FP32", "data": [0.5, -1, 2, 0]}
CONDITION = {"name": "condition", "shape": [1, 5], "datatype": "FP32", "data": [1, 0, 0, 0, 1]}


def infer(service: Service, inputs: list[Any], model: str = MODEL, **more: Any) -> httpx.Response:
    return service.client.post(f"{model}/infer", json={"inputs": inputs} | more)


def image_of(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    (output,) = response.json()["outputs"]
    assert (output["name"], output["datatype"]) == ("image", "UINT8")
    return np.array(output["data"], np.uint8).reshape(output["shape"])


def test_server_tells_its_name_and_extensions(service: Service) -> None:
    body = service.client.get("/v2").json()
    assert body.keys() == {"name", "version", "extensions"}
    assert (body["name"], body["extensions"]) == ("ganport", ["binary_tensor_data"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        (f"{MODEL}/ready", {"name": "faces", "ready": True}),
        (f"{MODEL}/versions/1.0.0/ready", {"name": "faces", "ready": True}),
    ],
)
def test_health_is_told(service: Service, path: str, body: Any) -> None:
    assert service.client.get(path).json() == body


def test_model_metadata_are_those_of_the_graph(service: Service) -> None:
    expected = {
        "name": "faces",
        "versions": ["1.0.0"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "z", "datatype": "FP32", "shape": [-1, 4]},
            {"name": "condition", "datatype": "FP32", "shape": [-1, 5]},
        ],
        "outputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 8, 8, 3]}],
    }
    assert service.client.get(MODEL).json() == expected
    assert service.client.get(f"{MODEL}/versions/1.0.0").json() == expected


def test_infer_seed_and_text_gives_the_images_of_the_library(
    service: Service, generators: dict[str, Any]
) -> None:
    response = infer(service, [SEED, TEXT], id="mine")
    expected = generators["faces"].generate(["pink hair", "green eyes"], seeds=[7, 8])
    assert np.array_equal(image_of(response), expected)
    assert response.json().keys() == {"model_name", "model_version", "outputs", "id"}
    assert response.json()["id"] == "mine"
    assert header(response, "ganport-seeds") == "7..8"


def test_infer_tensors_of_the_graph_gives_the_images_of_the_library(
    service: Service, generators: dict[str, Any]
) -> None:
    found = image_of(infer(service, [Z, CONDITION], f"{MODEL}/versions/1.0.0"))
    z = np.array([Z["data"]], np.float32)
    assert np.array_equal(found, generators["faces"].generate("pink hair green eyes", z=z))


def test_infer_image_gives_the_translation(service: Service, generators: dict[str, Any]) -> None:
    images = recorded.images(1, 8)
    planes = (2 * images.transpose(0, 3, 1, 2).astype(np.float32) / 255 - 1).astype(np.float32)
    data = planes.reshape(-1).tolist()
    image = {"name": "image_in", "shape": [1, 3, 8, 8], "datatype": "FP32", "data": data}
    text = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["smiling"]}
    found = image_of(infer(service, [image, text], "/v2/models/changer"))
    assert np.array_equal(found, generators["changer"].translate(images, "smiling"))


def test_infer_binary_tensors_gives_the_same_bytes(
    service: Service, generators: dict[str, Any]
) -> None:
    seeds = np.array([7, 8], "<u8").tobytes()
    entry = {"name": "seed", "shape": [2], "datatype": "UINT64"}
    head = json.dumps(
        {
            "inputs": [entry | {"parameters": {"binary_data_size": len(seeds)}}],
            "outputs": [{"name": "image", "parameters": {"binary_data": True}}],
        }
    ).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = service.client.post(f"{MODEL}/infer", content=head + seeds, headers=headers)
    assert response.status_code == 200
    length = int(response.headers["inference-header-content-length"])
    (output,) = json.loads(response.content[:length])["outputs"]
    expected = generators["faces"].generate(seeds=[7, 8]).tobytes()
    assert output["parameters"] == {"binary_data_size": len(expected)}
    assert response.content[length:] == expected


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [SEED | {"shape": [1]}],
        [SEED | {"data": [-1, 0]}],
        [SEED | {"data": [2**64, 0]}],
        [SEED | {"data": [0.5, 1]}],
        [SEED | {"datatype": "INT64"}],
        [SEED | {"name": "sead"}],
        [SEED, SEED],
        [SEED, Z],
        [SEED, CONDITION],
        [Z | {"shape": [0, 4], "data": []}],
        [Z | {"shape": [17, 4], "data": [0] * 68}],
        [Z | {"data": [0, 0, 0, 1e30]}],
        [Z, TEXT],
        [SEED, TEXT | {"data": ["pnk hair", ""]}],
    ],
)
def test_infer_wrong_tensors_are_refused(service: Service, inputs: list[Any]) -> None:
    refused(infer(service, inputs), 422)


def test_infer_other_output_or_timeout_is_refused(service: Service) -> None:
    refused(infer(service, [SEED], outputs=[{"name": "logits"}]), 422)
    for timeout in (0, 1.5, 10**12):
        refused(infer(service, [SEED], parameters={"timeout": timeout}), 422)
    assert infer(service, [SEED], parameters={"timeout": 5_000_000}).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b'{"inputs": 3}', {}, 400),
        (b"{}", {"Inference-Header-Content-Length": "3"}, 400),
        (b'{"inputs": []}', {"Content-Type": "text/plain"}, 415),
    ],
)
def test_infer_what_is_no_message_is_refused(
    service: Service, body: bytes, headers: dict[str, str], status: int
) -> None:
    refused(service.client.post(f"{MODEL}/infer", content=body, headers=headers), status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/nobody", 404),
        ("GET", f"{MODEL}/versions/2", 404),
        ("GET", f"{MODEL}/versions/2/ready", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", f"{MODEL}/infer", 405),
        ("PUT", "/v2", 405),
    ],
)
def test_route_that_is_not_there_is_refused(
    service: Service, method: str, path: str, status: int
) -> None:
    refused(service.client.request(method, path), status)


def refused(response: httpx.Response, status: int) -> None:
    """Check the one form of error of the protocol: a text."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"error"}
    assert isinstance(body["error"], str) and body["error"]
