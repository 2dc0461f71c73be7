import asyncio
import logging
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ganport_runtime import Generator
from ganport_runtime.errors import ClosedError
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.settings import Settings

GENERATE = "/v1/generate"


def figures(ask: Any) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by its name and the values of its labels."""
    families = text_string_to_metric_families(ask("GET", "/metrics").text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_bundles_are_described(ask: Any) -> None:
    listed = ask("GET", "/v1/bundles").json()["bundles"]
    assert [bundle["name"] for bundle in listed] == ["faces", "changer"]
    assert ask("GET", "/v1/bundles/faces").json() == listed[0]
    assert listed[0]["image"] == {"width": 8, "height": 8}
    assert listed[0]["device"] == "cpu"
    assert listed[0]["max_images"] == 16
    assert listed[0]["conditions"][0]["labels"] == ["pink", "black", "dark red"]
    assert [bundle["abilities"] for bundle in listed] == [["generate"], ["translate"]]


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/v1/bundles/nobody", 404, "one of faces, changer"),
        ("GET", "/v1/painting", 404, "a path that /openapi.json lists"),
        ("GET", GENERATE, 405, "the method POST"),
        ("DELETE", GENERATE, 405, "the method POST"),
    ],
)
def test_ways_that_lead_nowhere(
    ask: Any, method: str, path: str, status: int, expected: str
) -> None:
    response = ask(method, path)
    assert response.status_code == status
    assert response.json()["error"]["status"] == status
    assert response.json()["error"]["expected"] == expected
    assert response.headers["content-type"] == "application/json"
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


def test_errors_of_the_inference_protocol_are_one_text(ask: Any) -> None:
    for method, path in (("GET", "/v2/models/nobody"), ("GET", "/v2/nothing"), ("PUT", "/v2")):
        error = ask(method, path).json()
        assert error.keys() == {"error"}
        assert isinstance(error["error"], str)


def test_health_and_readiness(tiny_shelf: Shelf, asker: Any) -> None:
    ask = asker(create_app(tiny_shelf, Settings()))
    assert ask("GET", "/healthz").json() == {"status": "alive"}
    assert ask("GET", "/readyz").json() == {"status": "ready", "failing": []}
    tiny_shelf.retire()
    response = ask("GET", "/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "closing", "failing": []}
    assert ask("GET", "/healthz").status_code == 200
    assert ask.generate().status_code == 200


def test_a_bundle_whose_worker_is_stuck_is_named(
    tiny_shelf: Shelf, asker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny_shelf["faces"].batcher, "healthy", lambda: False)
    response = asker(create_app(tiny_shelf, Settings()))("GET", "/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "failing", "failing": ["faces"]}


def test_figures_count_what_was_asked_and_drawn(tiny_shelf: Shelf, asker: Any) -> None:
    ask = asker(create_app(tiny_shelf, Settings()))
    ask.generate(count=3, output="raw")
    ask.generate(count=5, output="raw")
    ask.generate(seed=-1)
    ask("GET", "/nowhere/1")
    ask("GET", "/nowhere/2")
    found = figures(ask)
    assert found["ganport_requests_total", GENERATE, "200"] == 2
    assert found["ganport_requests_total", GENERATE, "422"] == 1
    assert found["ganport_requests_total", "other", "404"] == 2
    assert found["ganport_images_total", "faces"] == 8
    assert found["ganport_images_total", "changer"] == 0
    assert found["ganport_batches_total", "faces", "3"] == 1
    assert found["ganport_batches_total", "faces", "5"] == 1
    for stage in ("queue", "compute", "encode"):
        assert found[f"ganport_{stage}_seconds_count", "faces"] == 2
        assert 0 < found[f"ganport_{stage}_seconds_sum", "faces"] < 10
    assert found["ganport_queued_images", "faces"] == 0
    assert found["ganport_healthy", "faces"] == 1
    assert found["ganport_device_info", "faces", "cpu"] == 1
    assert figures(ask)["ganport_batches_total", "faces", "3"] == 1  # not counted again


def test_keys_guard_all_but_health(tiny_shelf: Shelf, asker: Any) -> None:
    ask = asker(create_app(tiny_shelf, Settings(keys=("open-sesame",))))
    for path in ("/v1/bundles", "/metrics", "/openapi.json", "/v2/models/faces", "/nowhere"):
        response = ask("GET", path)
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
        assert ask("GET", path).status_code == 200, path
    headers = {"Authorization": "Bearer open-sesame"}
    assert ask("GET", "/v1/bundles", headers=headers).status_code == 200
    assert ask("POST", GENERATE, json={"bundle": "faces"}).status_code == 401


def test_pages_of_other_origins_only_when_let_in(tiny_shelf: Shelf, asker: Any) -> None:
    headers = {"Origin": "https://art.example"}
    asked = headers | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-api-key",
    }
    closed = asker(create_app(tiny_shelf, Settings()))
    assert "access-control-allow-origin" not in closed("GET", "/healthz", headers=headers).headers
    assert closed("OPTIONS", GENERATE, headers=asked).status_code == 405

    settings = Settings(origins=("https://art.example",), keys=("k",))
    ask = asker(create_app(tiny_shelf, settings))
    before = ask("OPTIONS", GENERATE, headers=asked)  # a browser sends no key here
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == "https://art.example"
    refused = ask("POST", GENERATE, json={}, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://art.example"
    answer = ask("POST", GENERATE, json={"bundle": "faces"}, headers=headers | {"X-API-Key": "k"})
    assert "Ganport-Seeds" in answer.headers["access-control-expose-headers"]
    other = ask("OPTIONS", GENERATE, headers=asked | {"Origin": "https://evil.example"})
    assert other.status_code == 400


def test_a_body_too_large_by_its_header_and_by_itself(ask: Any) -> None:
    headers = {"Content-Type": "application/json"}

    async def pieces() -> Any:  # sent without a length
        for _ in range(5):
            yield b" " * (1 << 14)

    for content in (b" " * (1 + (1 << 16)), pieces()):
        response = ask("POST", GENERATE, content=content, headers=headers)
        assert response.status_code == 413
        assert response.json()["error"]["expected"] == "at most 65536 bytes"
        assert response.headers["connection"] == "close"
    lying = ask("POST", GENERATE, content=b"{}", headers=headers | {"Content-Length": "9" * 40})
    assert lying.status_code == 413
    fits = b'{"bundle":"faces"}'.ljust(1 << 16)
    assert ask("POST", GENERATE, content=fits, headers=headers).status_code == 200


def test_a_request_keeps_the_name_it_came_with(ask: Any) -> None:
    given = ask("GET", "/healthz", headers={"X-Request-Id": "trace-1.a"})
    assert given.headers["x-request-id"] == "trace-1.a"
    first, second = (ask("GET", "/healthz").headers["x-request-id"] for _ in range(2))
    assert first != second
    odd = ask("GET", "/healthz", headers={"X-Request-Id": "a b" * 100})
    assert odd.headers["x-request-id"] != "a b" * 100
    assert ask("GET", "/nowhere", headers={"X-Request-Id": "x"}).headers["x-request-id"] == "x"


def test_a_fault_of_our_own_tells_nothing_and_is_logged(
    tiny_shelf: Shelf, asker: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("at /secret/path")

    monkeypatch.setattr(Generator, "job", fail)
    with caplog.at_level(logging.ERROR):
        response = asker(create_app(tiny_shelf, Settings())).generate()
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["x-request-id"] in caplog.text
    assert "at /secret/path" in caplog.text


def test_a_full_queue_says_when_to_come_again(held: Shelf, asker: Any) -> None:
    ask = asker(create_app(held, Settings()))
    batcher = held["faces"].batcher
    running = batcher.submit()
    while batcher.stats().running_images == 0:
        time.sleep(0.01)
    waiting = batcher.submit(count=8)
    response = ask.generate()
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) >= 1
    assert "at most 8" in response.json()["error"]["expected"]
    # Not a byte of the bodies is looked at.
    for path in (GENERATE, "/v1/translate", "/v2/models/faces/infer"):
        headers = {"content-type": "application/json"}
        assert ask("POST", path, content=b"no JSON", headers=headers).status_code == 429
    held["faces"].generator.let_go.set()
    assert len(running.result(5.0).images) + len(waiting.result(5.0).images) == 9
    assert ask.generate(count=9).status_code == 422  # it would never fit
    assert figures(ask)["ganport_unanswered_total", "faces", "rejected"] == 4


def test_a_request_whose_time_is_over(held: Shelf, asker: Any) -> None:
    ask = asker(create_app(held, Settings()))
    start = time.monotonic()
    response = ask.generate(timeout=0.3)
    assert response.status_code == 504
    assert response.json()["error"]["place"] == "timeout"
    assert 0.3 <= time.monotonic() - start < 2.0
    # The run is stuck: others should go elsewhere.
    assert ask("GET", "/readyz").json() == {"status": "failing", "failing": ["faces"]}
    assert figures(ask)["ganport_healthy", "faces"] == 0


def test_when_the_service_is_ending(tiny_shelf: Shelf, asker: Any) -> None:
    ask = asker(create_app(tiny_shelf, Settings()))
    tiny_shelf.close(5.0)
    response = ask.generate()
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["connection"] == "close"
    assert response.json()["error"]["place"] == "service"


def test_the_end_of_the_application_closes_the_shelf(tiny_shelf: Shelf) -> None:
    app = create_app(tiny_shelf, Settings())

    async def live() -> None:
        async with app.router.lifespan_context(app):
            assert tiny_shelf.ready

    asyncio.run(live())
    with pytest.raises(ClosedError):
        tiny_shelf["faces"].batcher.submit()
