"""Access to the service: keys, origins, hosts and pages of other sites."""

import json
from typing import Any

import pytest

from ganport_runtime.service.app import create_app
from ganport_runtime.service.openapi import build_document
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings

GENERATE = "/v1/generate"


def test_keys_protect_all_paths_but_health(registry: ModelRegistry, make_client: Any) -> None:
    client = make_client(create_app(registry, Settings(keys=("open-sesame",))))
    for path in ("/v1/bundles", "/metrics", "/openapi.json", "/v2/models/faces", "/unknown"):
        response = client("GET", path)
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
        assert client("GET", path).status_code == 200, path
    headers = {"Authorization": "Bearer open-sesame"}
    assert client("GET", "/v1/bundles", headers=headers).status_code == 200
    assert client("POST", GENERATE, json={"bundle": "faces"}).status_code == 401


def test_public_metrics_need_no_key(registry: ModelRegistry, make_client: Any) -> None:
    settings = Settings(keys=("open-sesame",), public_metrics=True)
    client = make_client(create_app(registry, settings))
    assert client("GET", "/metrics").status_code == 200
    assert client("GET", "/v1/bundles").status_code == 401
    document = build_document(registry, settings)["paths"]
    assert document["/metrics"]["get"]["security"] == []


def test_cors_allows_only_configured_origins(registry: ModelRegistry, make_client: Any) -> None:
    headers = {"Origin": "https://art.example"}
    preflight = headers | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-api-key",
    }
    closed = make_client(create_app(registry, Settings()))
    assert "access-control-allow-origin" not in closed("GET", "/healthz", headers=headers).headers
    assert closed("OPTIONS", GENERATE, headers=preflight).status_code == 405

    settings = Settings(origins=("https://art.example",), keys=("k",))
    client = make_client(create_app(registry, settings))
    response = client("OPTIONS", GENERATE, headers=preflight)  # a preflight carries no key
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://art.example"
    denied = client("POST", GENERATE, json={}, headers=headers)
    assert denied.status_code == 401
    assert denied.headers["access-control-allow-origin"] == "https://art.example"
    body, key = {"bundle": "faces"}, {"X-API-Key": "k"}
    response = client("POST", GENERATE, json=body, headers=headers | key)
    assert "Ganport-Seeds" in response.headers["access-control-expose-headers"]
    other = client("OPTIONS", GENERATE, headers=preflight | {"Origin": "https://evil.example"})
    assert other.status_code == 400


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:80", "ganport"]
)
def test_local_service_accepts_local_and_allowed_hosts(
    registry: ModelRegistry, make_client: Any, host: str
) -> None:
    client = make_client(create_app(registry, Settings(allowed_hosts=("Ganport",))))
    assert client("GET", "/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.x.io", "x:y"],
)
def test_local_service_rejects_foreign_hosts(
    registry: ModelRegistry, make_client: Any, host: str
) -> None:
    local = make_client(create_app(registry, Settings()))
    for path in ("/healthz", "/v1/bundles", "/v1/bundles/"):
        response = local("GET", path, headers={"Host": host})
        assert response.status_code == 403
        assert "--allowed-host" in response.json()["error"]["fix"]
    public = make_client(create_app(registry, Settings(host="0.0.0.0")))
    assert public("GET", "/healthz", headers={"Host": host}).status_code == 200
    named = make_client(
        create_app(registry, Settings(host="0.0.0.0", allowed_hosts=("a.example",)))
    )
    assert named("GET", "/healthz", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://art.example"}, 200),
        ({"Origin": "https://evil.example", "Content-Type": "application/json"}, 200),
    ],
)
def test_untyped_request_of_a_foreign_page_is_rejected(
    registry: ModelRegistry, make_client: Any, headers: dict[str, str], status: int
) -> None:
    client = make_client(create_app(registry, Settings(origins=("https://art.example",))))
    seed = {"name": "seed", "shape": [1], "datatype": "UINT64", "data": [7]}
    body = json.dumps({"inputs": [seed]}).encode()
    response = client("POST", "/v2/models/faces/infer", content=body, headers=headers)
    assert response.status_code == status, response.text
