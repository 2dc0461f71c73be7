"""The application: bundle descriptions, health, metrics, logs, limits and errors."""

import asyncio
import json
import logging
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ganport_runtime import Generator
from ganport_runtime.errors import ClosedError
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings

GENERATE = "/v1/generate"


def metrics_of(client: Any) -> dict[tuple[str, ...], float]:
    """Return every sample of /metrics by its name and label values."""
    families = text_string_to_metric_families(client("GET", "/metrics").text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_bundles_are_described(client: Any) -> None:
    bundles = client("GET", "/v1/bundles").json()["bundles"]
    assert [bundle["name"] for bundle in bundles] == ["faces", "changer"]
    assert client("GET", "/v1/bundles/faces").json() == bundles[0]
    image = bundles[0]["image"]
    assert (image["width"], image["height"], image["mode"]) == (8, 8, "rgb")
    assert bundles[0]["noise"] == {"shape": [4], "temperature": 1.0}
    assert bundles[0]["device"] == "cpu"
    assert bundles[0]["max_images"] == 16
    assert bundles[0]["conditions"][0]["labels"] == ["pink", "black", "dark red"]
    assert [bundle["abilities"] for bundle in bundles] == [["generate"], ["translate"]]


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/v1/bundles/unknown", 404, "faces, changer"),
        ("GET", "/v1/painting", 404, "/openapi.json"),
        ("GET", GENERATE, 405, "POST"),
        ("DELETE", GENERATE, 405, "POST"),
    ],
)
def test_unknown_path_or_method_returns_a_json_error(
    client: Any, method: str, path: str, status: int, expected: str
) -> None:
    response = client(method, path)
    assert response.status_code == status
    assert response.json()["error"]["status"] == status
    assert expected in response.json()["error"]["expected"]
    assert response.headers["content-type"] == "application/json"
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/models/unknown"), ("GET", "/v2/unknown"), ("PUT", "/v2")]
)
def test_inference_protocol_errors_are_strings(client: Any, method: str, path: str) -> None:
    error = client(method, path).json()
    assert error.keys() == {"error"}
    assert isinstance(error["error"], str)


def test_readiness_draining_registry_returns_503_and_still_serves(
    registry: ModelRegistry, make_client: Any
) -> None:
    client = make_client(create_app(registry, Settings()))
    assert client("GET", "/healthz").json() == {"status": "alive"}
    assert client("GET", "/readyz").json() == {"status": "ready", "failing": []}
    registry.start_draining()
    response = client("GET", "/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "closing", "failing": []}
    assert client("GET", "/healthz").status_code == 200
    assert client.generate().status_code == 200


def test_readiness_stalled_bundle_is_named(
    registry: ModelRegistry, make_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry["faces"].batcher, "healthy", lambda: False)
    response = make_client(create_app(registry, Settings()))("GET", "/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "failing", "failing": ["faces"]}


def test_metrics_count_requests_and_images(registry: ModelRegistry, make_client: Any) -> None:
    client = make_client(create_app(registry, Settings()))
    client.generate(count=3, output="raw")
    client.generate(count=5, output="raw")
    client.generate(seed=-1)
    client("GET", "/unknown/1")
    client("GET", "/unknown/2")
    metrics = metrics_of(client)
    assert metrics["ganport_requests_total", GENERATE, "200"] == 2
    assert metrics["ganport_requests_total", GENERATE, "422"] == 1
    assert metrics["ganport_requests_total", "other", "404"] == 2
    assert metrics["ganport_images_total", "faces"] == 8
    assert metrics["ganport_images_total", "changer"] == 0
    assert metrics["ganport_batches_total", "faces", "3"] == 1
    assert metrics["ganport_batches_total", "faces", "5"] == 1
    for stage in ("queue", "compute", "encode"):
        assert metrics[f"ganport_{stage}_seconds_count", "faces"] == 2
        assert metrics[f"ganport_{stage}_seconds_sum", "faces"] > 0
    assert metrics["ganport_queued_images", "faces"] == 0
    assert metrics["ganport_healthy", "faces"] == 1
    assert metrics["ganport_device_info", "faces", "cpu"] == 1
    assert metrics_of(client)["ganport_batches_total", "faces", "3"] == 1  # not counted again


@pytest.mark.parametrize("form", ["text", "json"])
def test_access_log_has_one_line_for_each_request(
    registry: ModelRegistry, make_client: Any, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    client = make_client(create_app(registry, Settings(access_log=form)))
    content = client.generate(seed=7, output="raw").content
    client("GET", "/v1/a%0Ab", headers={"X-Request-Id": "trace-1"})
    first, second = capsys.readouterr().out.splitlines()
    expected = {"method": "POST", "path": GENERATE, "status": 200, "bytes": len(content)}
    if form == "json":
        assert {key: json.loads(first)[key] for key in expected} == expected
        assert json.loads(second)["id"] == "trace-1"
        assert json.loads(second)["path"] == "/v1/a\\nb"
    else:
        assert " ".join(map(str, expected.values())) in first
        assert "GET /v1/a\\nb 404" in second
        assert second.endswith(" trace-1")


def test_access_log_is_off_by_default(
    registry: ModelRegistry, make_client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    make_client(create_app(registry, Settings()))("GET", "/healthz")
    assert capsys.readouterr().out == ""


def test_path_with_a_slash_at_its_end_is_no_redirect(client: Any) -> None:
    response = client("GET", "/v1/bundles/", headers={"Host": "localhost"})
    assert response.status_code == 404
    assert "location" not in response.headers


def test_body_above_the_limit_returns_413(client: Any) -> None:
    headers = {"Content-Type": "application/json"}

    async def chunks() -> Any:  # sent without a content length
        for _ in range(5):
            yield b" " * (1 << 14)

    for content in (b" " * (1 + (1 << 16)), chunks()):
        response = client("POST", GENERATE, content=content, headers=headers)
        assert response.status_code == 413
        assert "65536" in response.json()["error"]["expected"]
        assert response.headers["connection"] == "close"
    false_length = headers | {"Content-Length": "9" * 40}
    assert client("POST", GENERATE, content=b"{}", headers=false_length).status_code == 413
    largest = b'{"bundle":"faces"}'.ljust(1 << 16)
    assert client("POST", GENERATE, content=largest, headers=headers).status_code == 200


def test_request_id_is_returned_or_created(client: Any) -> None:
    given = client("GET", "/healthz", headers={"X-Request-Id": "trace-1.a"})
    assert given.headers["x-request-id"] == "trace-1.a"
    first, second = (client("GET", "/healthz").headers["x-request-id"] for _ in range(2))
    assert first != second
    invalid = client("GET", "/healthz", headers={"X-Request-Id": "a b" * 100})
    assert invalid.headers["x-request-id"] != "a b" * 100
    unknown = client("GET", "/unknown", headers={"X-Request-Id": "x"})
    assert unknown.headers["x-request-id"] == "x"


def test_internal_error_is_logged_and_not_revealed(
    registry: ModelRegistry, make_client: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("at /secret/path")

    monkeypatch.setattr(Generator, "prepare", fail)
    with caplog.at_level(logging.ERROR):
        response = make_client(create_app(registry, Settings())).generate()
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["x-request-id"] in caplog.text
    assert "at /secret/path" in caplog.text


def test_full_queue_returns_429_before_the_body_is_read(
    blocking_registry: ModelRegistry, make_client: Any
) -> None:
    client = make_client(create_app(blocking_registry, Settings()))
    batcher = blocking_registry["faces"].batcher
    running = batcher.submit()
    while batcher.stats().running_images == 0:
        time.sleep(0.01)
    waiting = batcher.submit(count=8)
    response = client.generate()
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) >= 1
    assert "at most 8" in response.json()["error"]["expected"]
    for path in (GENERATE, "/v1/translate", "/v2/models/faces/infer"):
        headers = {"content-type": "application/json"}
        assert client("POST", path, content=b"no JSON", headers=headers).status_code == 429
    blocking_registry["faces"].generator.gate.set()
    assert len(running.result(5.0).images) + len(waiting.result(5.0).images) == 9
    assert client.generate(count=9).status_code == 422  # it can never fit
    assert metrics_of(client)["ganport_unanswered_total", "faces", "rejected"] == 4


def test_expired_request_returns_504_and_the_stall_is_reported(
    blocking_registry: ModelRegistry, make_client: Any
) -> None:
    client = make_client(create_app(blocking_registry, Settings()))
    response = client.generate(timeout=0.3)
    assert response.status_code == 504
    assert response.json()["error"]["place"] == "timeout"
    assert client("GET", "/readyz").json() == {"status": "failing", "failing": ["faces"]}
    assert metrics_of(client)["ganport_healthy", "faces"] == 0


def test_closed_registry_returns_503(registry: ModelRegistry, make_client: Any) -> None:
    client = make_client(create_app(registry, Settings()))
    registry.close(5.0)
    response = client.generate()
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["connection"] == "close"
    assert response.json()["error"]["place"] == "service"


def test_lifespan_end_closes_the_registry(registry: ModelRegistry) -> None:
    app = create_app(registry, Settings())

    async def run() -> None:
        async with app.router.lifespan_context(app):
            assert registry.ready

    asyncio.run(run())
    with pytest.raises(ClosedError):
        registry["faces"].batcher.submit()
