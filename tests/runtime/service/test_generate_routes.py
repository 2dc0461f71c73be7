"""POST /v1/generate and POST /v1/translate."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.settings import Settings

PINK = {"hair": "pink", "eyes": "green"}
GRAY = np.full((8, 8, 3), 128, np.uint8)


def png(pixels: Any = GRAY) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_generate_returns_the_image_of_the_library(
    client: Any, generators: dict[str, Generator]
) -> None:
    response = client.generate(conditions=PINK, seed=7)
    expected = generators["faces"].generate(PINK, seed=7)[0]
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(response.content))), expected)


def test_generate_headers_report_device_seeds_shape_and_times(client: Any) -> None:
    headers = client.generate(conditions="pink hair", seed=7, count=3, output="raw").headers
    assert headers["ganport-device"] == "cpu"
    assert headers["ganport-seeds"] == "7..9"
    assert headers["ganport-shape"] == "3, 8, 8, 3"
    parts = [part.split(";dur=") for part in headers["server-timing"].split(", ")]
    assert [name for name, _ in parts] == ["queue", "compute", "encode"]
    assert all(0.0 <= float(milliseconds) < 10_000 for _, milliseconds in parts)


def test_generate_without_seed_uses_a_random_seed_below_2_to_53(client: Any) -> None:
    first, second = (int(client.generate().headers["ganport-seeds"]) for _ in range(2))
    assert first != second
    assert max(first, second) < 2**53


@pytest.mark.parametrize("seed", [2**64 - 1, str(2**64 - 1)])
def test_generate_64_bit_seed_as_number_or_string(client: Any, seed: Any, generators: Any) -> None:
    response = client.generate(seeds=[seed, 0], output="raw")
    expected = generators["faces"].generate(seeds=[2**64 - 1, 0])
    assert response.content == expected.tobytes()
    assert response.headers["ganport-seeds"] == f"{2**64 - 1}..0"


def test_generate_list_of_conditions_has_one_per_image(client: Any, generators: Any) -> None:
    conditions = [PINK, "black hair", {}]
    response = client.generate(conditions=conditions, seed=1, temperature=0.5, output="raw")
    expected = generators["faces"].generate(conditions, seed=1, temperature=0.5)
    assert response.content == expected.tobytes()


@pytest.mark.parametrize("output", ["png", "sheet"])
def test_generate_many_pixels_are_encoded_like_few(client: Any, output: str) -> None:
    generator = Generator.load("starter", "cpu")
    registry = ModelRegistry([ServedBundle("starter", generator, Batcher(generator))])
    app = create_app(registry, Settings())
    starter = type(client)(app)
    fields = {"conditions": [PINK] * 90, "seed": 7, "output": output, "container": "json"}
    many = starter("POST", "/v1/generate", json=fields)  # more than 1 MiB of pixels
    assert many.status_code == 200, many.text
    few = starter("POST", "/v1/generate", json=fields | {"conditions": [PINK] * 3})
    key = "pictures" if output == "png" else "frames"
    assert len(many.json()[key]) == 90
    for entry, expected in zip(many.json()[key], few.json()[key], strict=False):
        assert entry["condition"] == expected["condition"]
        assert entry["seed"] == expected["seed"]
        if output == "png":
            assert entry["image"] == expected["image"]
    registry.close(5.0)


def test_generate_accept_header_selects_the_container(client: Any) -> None:
    fields = {"bundle": "faces", "count": 2}
    for accept, media in (("multipart/mixed", "multipart/mixed"), ("*/*", "application/zip")):
        response = client("POST", "/v1/generate", json=fields, headers={"Accept": accept})
        assert response.headers["content-type"].startswith(media)


@pytest.mark.parametrize(
    ("fields", "place", "expected"),
    [
        ({"conditions": {"hair": "pnk"}}, "condition 'hair'", "pink, black, dark red"),
        ({"conditions": {"hare": "pink"}}, "condition 'hare'", "hair, eyes"),
        ({"conditions": 5}, "conditions", "str | object | array | null"),
        ({"seed": 1.5}, "seed", "int | str | null"),
        ({"seed": -1}, "seed", "from 0 to"),
        ({"seed": 2**64}, "seed", "from 0 to"),
        ({"seed": "12a"}, "seed", "from 0 to 2^64 - 1"),
        ({"seed": "9" * 30}, "seed", "from 0 to 2^64 - 1"),
        ({"seeds": [1, "x"]}, "seeds[1]", "from 0 to 2^64 - 1"),
        ({"seed": 1, "seeds": [2]}, "seed", "seed or seeds"),
        ({"count": 0}, "count", "from 1"),
        ({"count": 17}, "count", "at most 16"),
        ({"count": 10**18}, "count", "at most 16"),
        ({"seeds": [0] * 17}, "seeds", "at most 16"),
        ({"conditions": [{}] * 17}, "conditions", "at most 16"),
        ({"conditions": [{}, {}], "seeds": [1]}, "seeds", "2"),
        ({"temperature": 11}, "temperature", "10"),
        ({"timeout": 0}, "timeout", "at most 300"),
        ({"timeout": 301}, "timeout", "at most 300"),
        ({"output": "gif"}, "output", "png, webp, raw, npy, sheet"),
        ({"columns": 2}, "columns", "sheet"),
        ({"color": "red"}, "color", "bundle, output"),
        ({"conditions": {"hair": {"pink": {"red": {}}}}}, "conditions[...][...][...]", "float"),
        ({"conditions": {"hair": [["pink"]]}}, "conditions[...][0]", "float"),
        ({"bundle": "changer"}, "bundle", "generate"),
        ({"bundle": None}, "bundle", "faces, changer"),
    ],
)
def test_generate_invalid_field_returns_422_with_the_field(
    client: Any, fields: dict[str, Any], place: str, expected: str
) -> None:
    response = client.generate(**fields)
    assert response.status_code == 422, response.text
    error = response.json()["error"]
    assert error.keys() == {"status", "place", "expected", "found", "fix"}
    assert error["status"] == 422
    assert error["place"].endswith(place)
    assert expected in error["expected"]
    assert error["fix"].endswith((".", "?"))


def test_generate_unknown_bundle_returns_404(client: Any) -> None:
    response = client.generate(bundle="face")
    assert response.status_code == 404
    error = response.json()["error"]
    assert error["place"] == "bundle"
    assert "faces, changer" in error["expected"]
    assert "'faces'" in error["fix"]


def test_translate_image_body_returns_the_image_of_the_library(
    client: Any, generators: Any
) -> None:
    group = generators["changer"].conditions.groups[0]
    text = group.describe(group.default)
    response = client(
        "POST",
        "/v1/translate",
        params={"bundle": "changer", "conditions": text, "output": "raw"},
        content=png(),
        headers={"Content-Type": "image/png"},
    )
    expected = generators["changer"].translate(GRAY[None], text)
    assert response.status_code == 200, response.text
    assert response.content == expected.tobytes()
    assert "ganport-seeds" not in response.headers


def test_translate_json_body_returns_the_images_of_the_library(
    client: Any, generators: Any
) -> None:
    images = [GRAY, np.arange(192, dtype=np.uint8).reshape(8, 8, 3)]
    fields = {
        "bundle": "changer",
        "images": [base64.b64encode(png(image)).decode() for image in images],
        "output": "raw",
    }
    response = client("POST", "/v1/translate", json=fields)
    assert response.content == generators["changer"].translate(np.stack(images)).tobytes()


def translate(client: Any, kind: str, content: bytes, query: str = "bundle=changer") -> Any:
    headers = {"Content-Type": kind} if kind else {}
    return client("POST", f"/v1/translate?{query}", content=content, headers=headers)


@pytest.mark.parametrize(
    ("kind", "content", "query", "status", "place"),
    [
        ("image/png", b"no image", "bundle=changer", 422, "images[0]"),
        ("image/png", png(), "bundle=changer&bundle=faces", 422, "query"),
        ("image/png", png(), "bundle=changer&size=8", 422, "size"),
        ("image/png", png(), "bundle=changer&columns=many", 422, "columns"),
        ("image/png", png(), "&".join(f"a{i}=1" for i in range(40)), 422, "query"),
        ("image/png", png(), 'bundle=changer&conditions={"nothing":1}', 422, "condition 'nothing'"),
        ("image/png", png(), "bundle=changer&conditions={", 400, "body"),
        ("image/png", png(), "bundle=faces", 422, "bundle"),
        ("application/json", b'{"bundle":"changer","images":["!"]}', "", 422, "images[0]"),
        ("application/json", b'{"bundle":"changer","images":[]}', "", 422, "count"),
        ("application/json", b'{"bundle":"changer"}', "", 422, "body"),
        ("application/json", b'{"bundle":"changer","images":[]}', "bundle=changer", 422, "query"),
        ("text/plain", b"", "bundle=changer", 415, "Content-Type"),
        ("", b"", "bundle=changer", 415, "Content-Type"),
    ],
)
def test_translate_invalid_request_returns_an_error_with_the_place(
    client: Any, kind: str, content: bytes, query: str, status: int, place: str
) -> None:
    response = translate(client, kind, content, query)
    assert response.status_code == status, response.text
    assert response.json()["error"]["place"].endswith(place)


def test_translate_too_many_pixels_returns_422(client: Any) -> None:
    wide = png(np.zeros((64, 65, 3), np.uint8))  # few bytes, many pixels
    error = translate(client, "image/png", wide).json()["error"]
    assert (error["status"], error["place"], error["found"]) == (422, "images[0]", "65 x 64")
    assert "4,096" in error["expected"]
    assert translate(client, "image/png", png(np.zeros((64, 64, 3), np.uint8))).status_code == 200


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "bundle",
        "conditions",
        "seed",
        "seeds",
        "count",
        "temperature",
        "output",
        "timeout",
        "columns",
    ]
)
BODIES = st.fixed_dictionaries(
    {"bundle": st.sampled_from(["faces", "changer"])},
    optional={"conditions": st.dictionaries(st.sampled_from(["hair", "eyes"]), JSON) | JSON},
).flatmap(lambda base: st.dictionaries(FIELDS, JSON, max_size=3).map(lambda more: base | more))


@settings(max_examples=60)
@given(BODIES)
def test_generate_any_fields_return_no_internal_error(client: Any, body: dict[str, Any]) -> None:
    response = client("POST", "/v1/generate", json=body)
    assert response.status_code in (200, 404, 422), response.text


@settings(max_examples=60)
@given(
    st.binary(max_size=64) | st.text(max_size=64).map(lambda text: text.encode("utf-8", "replace"))
)
def test_generate_any_bytes_return_no_internal_error(client: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = client("POST", "/v1/generate", content=body, headers=headers)
    assert response.status_code in (400, 422), response.text


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "nothing"),
        (b"{", "truncated"),
        (b"{}x", "trailing characters"),
        (b"\xef\xbb\xbf{}", "invalid character"),
        (b'{"seed": NaN}', "invalid character"),
        (b'{"conditions": {"hair": "\\ud800"}}', ""),
    ],
)
def test_generate_invalid_json_returns_400(client: Any, body: bytes, found: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = client("POST", "/v1/generate", content=body, headers=headers)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["place"] == "body"
    assert found in response.json()["error"]["found"]


def test_generate_other_content_type_returns_415(client: Any) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}):
        response = client("POST", "/v1/generate", content=b"{}", headers=headers)
        assert response.status_code == 415
        assert "application/json" in response.json()["error"]["fix"]
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    response = client("POST", "/v1/generate", content=b'{"bundle":"faces"}', headers=headers)
    assert response.status_code == 200


def test_generate_query_returns_422(client: Any) -> None:
    response = client("POST", "/v1/generate?output=raw", json={"bundle": "faces"})
    assert response.status_code == 422
    assert response.json()["error"]["place"] == "query"
