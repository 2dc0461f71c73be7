"""A service with keys, origins and a short queue: who is let in, what is too much, and its end."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import product
import pytest
import serving
from serving import GENERATE, JSON, Service, refused

KEY = {"Authorization": "Bearer open-sesame"}
ORIGIN = "https://art.example"
WHOLE_QUEUE = {"count": 256, "output": "raw"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "keys").write_text("another\nopen-sesame\n")
    with serving.service(
        folder,
        *("starter", "--keys-file", "keys", "--cors", ORIGIN),
        *("--max-queue", 256, "--notice", 4, "--drain", 20),
    ) as running:
        yield running


@pytest.mark.parametrize("path", ["/v1/bundles", "/metrics", "/openapi.json", "/v2", "/nowhere"])
def test_route_without_key_is_refused(guarded: Service, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "open"}):
        response = guarded.client.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", [KEY, {"X-API-Key": "another"}])
def test_route_with_key_is_answered(guarded: Service, headers: dict[str, str]) -> None:
    assert guarded.client.get("/v1/bundles", headers=headers).status_code == 200
    assert guarded.post(GENERATE, {}, **headers).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
def test_health_needs_no_key(guarded: Service, path: str) -> None:
    assert guarded.client.get(path).status_code == 200


def test_page_of_a_known_origin_is_let_in(guarded: Service) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    before = guarded.client.options(GENERATE, headers=headers)  # a browser sends no key here
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == ORIGIN
    answer = guarded.post(GENERATE, {}, **KEY, Origin=ORIGIN)
    assert "ganport-seeds" in answer.headers["access-control-expose-headers"].lower()
    other = guarded.client.options(GENERATE, headers=headers | {"Origin": "https://evil.example"})
    assert other.status_code == 400


def test_request_without_time_left_is_ended(guarded: Service) -> None:
    # 256 images of 64 x 64 take far longer than a ten-thousandth of a second anywhere.
    refused(guarded.post(GENERATE, WHOLE_QUEUE | {"timeout": 1e-4}, **KEY), 504, "timeout")


def test_full_queue_turns_requests_away(guarded: Service) -> None:
    # One runs and one fills the queue; of eight at once some must find it full.
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(guarded.post, GENERATE, WHOLE_QUEUE, **KEY) for _ in range(8)]
        answers = [future.result(product.PATIENCE) for future in asked]
    turned_away = [answer for answer in answers if answer.status_code != 200]
    assert 1 <= len(turned_away) < 8
    for answer in turned_away:
        refused(answer, 429, "")
        assert int(answer.headers["retry-after"]) >= 1


def test_signal_ends_the_service_in_order(guarded: Service) -> None:
    guarded.process.send_signal(signal.SIGTERM)
    status = 200
    while status == 200:  # the notice is four seconds, a turn of this loop milliseconds
        time.sleep(0.02)
        status = guarded.client.get("/readyz").status_code
    assert status == 503
    assert guarded.client.get("/healthz").status_code == 200
    assert guarded.post(GENERATE, {"output": "raw"}, **KEY).status_code == 200
    assert guarded.process.wait(product.PATIENCE) == 0
    with pytest.raises(httpx.ConnectError):
        guarded.client.post(GENERATE, content=b"{}", headers=JSON | KEY)
