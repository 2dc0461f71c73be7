"""What the service tells of itself: bundles, health, metrics, and its OpenAPI document."""

import json
from typing import Any

import product
import renames
from prometheus_client.parser import text_string_to_metric_families
from serving import BUNDLES, GENERATE, TRANSLATE, Service, ask, header


def test_bundles_describe_what_is_served(service: Service, generators: dict[str, Any]) -> None:
    bundles = [
        product.original(body, "service")
        for body in service.client.get("/v1/bundles").json()["bundles"]
    ]
    for name, bundle in zip(BUNDLES, bundles, strict=True):
        manifest = generators[name].manifest
        assert bundle == {
            "name": name,
            "title": manifest.name,
            "version": manifest.version,
            "family": "test",
            "license": manifest.license,
            "digest": generators[name].bundle.digest,
            "device": "cpu",
            "abilities": ["generate" if name == "faces" else "translate"],
            "image": {"width": 8, "height": 8},
            "conditions": manifest.conditions.to_json(),
            "max_images": 16,
        }
        assert (
            product.original(service.client.get(f"/v1/bundles/{name}").json(), "service") == bundle
        )


def test_health_and_readiness_are_told(service: Service) -> None:
    assert service.client.get("/healthz").json() == {"status": "alive"}
    ready = service.client.get("/readyz")
    assert ready.status_code == 200
    assert product.original(ready.json(), "service") == {"status": "ready", "failing": []}


def test_request_id_is_kept_or_made(service: Service) -> None:
    given = service.client.get("/healthz", headers={"X-Request-Id": "trace-1.a"})
    assert header(given, "x-request-id") == "trace-1.a"
    made = [header(service.client.get("/nothing"), "x-request-id") for _ in range(2)]
    assert None not in made and made[0] != made[1]


def test_metrics_count_requests_and_images(service: Service) -> None:
    def value(name: str, *labels: str, suffix: str = "") -> float:
        wanted = renames.METRICS[name] + suffix
        families = text_string_to_metric_families(service.client.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        found = [
            s.value for s in samples if s.name == wanted and set(labels) <= set(s.labels.values())
        ]
        assert len(found) == 1, (name, labels)
        return found[0]

    assert ask(service, {"count": 3}).status_code == 200
    assert ask(service, {"seed": -1}).status_code == 422
    images, good, bad = (
        value("ganport_images_total", "faces"),
        value("ganport_requests_total", GENERATE, "200"),
        value("ganport_requests_total", GENERATE, "422"),
    )
    assert ask(service, {"count": 3}).status_code == 200
    assert ask(service, {"seed": -1}).status_code == 422
    assert value("ganport_images_total", "faces") == images + 3
    assert value("ganport_requests_total", GENERATE, "200") == good + 1
    assert value("ganport_requests_total", GENERATE, "422") == bad + 1
    assert value("ganport_batches_total", "faces", "3") >= 2
    for stage in ("queue", "compute", "encode"):
        assert value(f"ganport_{stage}_seconds", "faces", suffix="_count") >= 2
    assert value("ganport_queued_images", "faces") == value("ganport_running_images", "faces") == 0
    assert value("ganport_healthy", "faces") == value("ganport_device_info", "faces", "cpu") == 1


def test_openapi_lists_every_route_and_label(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    methods = {path: sorted(operations) for path, operations in document["paths"].items()}
    model = "/v2/models/{name}"
    versioned = f"{model}/versions/{{version}}"
    gets = ["/v1/bundles", "/v1/bundles/{name}", "/healthz", "/readyz", "/metrics"]
    gets += ["/openapi.json", "/v2", "/v2/health/live", "/v2/health/ready"]
    gets += [model, f"{model}/ready", versioned, f"{versioned}/ready"]
    posts = [GENERATE, TRANSLATE, f"{model}/infer", f"{versioned}/infer"]
    assert methods == {path: ["get"] for path in gets} | {path: ["post"] for path in posts}
    text = json.dumps(document)
    assert all(f'"{label}"' in text for label in ("dark red", "green", "smiling", "glasses"))
    for path in posts:
        assert {"200", "400", "404", "413", "415", "422", "429", "503", "504"} <= set(
            document["paths"][path]["post"]["responses"]
        )
