import base64
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganport_runtime import Generator

PINK = {"hair": "pink", "eyes": "green"}
GREY = np.full((8, 8, 3), 128, np.uint8)


def png(pixels: Any = GREY) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_request_makes_the_picture_that_the_library_makes(
    ask: Any, generators: dict[str, Generator]
) -> None:
    response = ask.generate(conditions=PINK, seed=7)
    expected = generators["faces"].generate(PINK, seed=7)[0]
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(response.content))), expected)


def test_headers_tell_how_it_was_made(ask: Any) -> None:
    headers = ask.generate(conditions="pink hair", seed=7, count=3, output="raw").headers
    assert headers["ganport-device"] == "cpu"
    assert headers["ganport-seeds"] == "7..9"
    assert headers["ganport-shape"] == "3, 8, 8, 3"
    parts = [part.split(";dur=") for part in headers["server-timing"].split(", ")]
    assert [name for name, _ in parts] == ["queue", "compute", "encode"]
    assert all(0.0 <= float(milliseconds) < 10_000 for _, milliseconds in parts)


def test_without_a_seed_one_is_drawn_that_every_language_can_hold(ask: Any) -> None:
    first, second = (int(ask.generate().headers["ganport-seeds"]) for _ in range(2))
    assert first != second
    assert max(first, second) < 2**53


@pytest.mark.parametrize("seed", [2**64 - 1, str(2**64 - 1)])
def test_seeds_of_64_bits_as_number_or_text(ask: Any, seed: Any, generators: Any) -> None:
    response = ask.generate(seeds=[seed, 0], output="raw")
    expected = generators["faces"].generate(seeds=[2**64 - 1, 0])
    assert response.content == expected.tobytes()
    assert response.headers["ganport-seeds"] == f"{2**64 - 1}..0"


def test_a_request_for_each_picture(ask: Any, generators: Any) -> None:
    asked = [PINK, "black hair", {}]
    response = ask.generate(conditions=asked, seed=1, temperature=0.5, output="raw")
    expected = generators["faces"].generate(asked, seed=1, temperature=0.5)
    assert response.content == expected.tobytes()


def test_accept_chooses_how_several_are_packed(ask: Any) -> None:
    fields = {"bundle": "faces", "count": 2}
    for accept, media in (("multipart/mixed", "multipart/mixed"), ("*/*", "application/zip")):
        response = ask("POST", "/v1/generate", json=fields, headers={"Accept": accept})
        assert response.headers["content-type"].startswith(media)


@pytest.mark.parametrize(
    ("fields", "place", "expected", "fix"),
    [
        ({"conditions": {"hair": "pnk"}}, "condition 'hair'", "pink, black, dark red", "'pink'"),
        ({"conditions": {"hare": "pink"}}, "condition 'hare'", "groups hair, eyes", "'hair'"),
        ({"conditions": 5}, "conditions", "str | object | array | null", "type"),
        ({"seed": 1.5}, "seed", "int | str | null", "type"),
        ({"seed": -1}, "seed", "an integer from 0 to", "range"),
        ({"seed": 2**64}, "seed", "an integer from 0 to", "range"),
        ({"seed": "12a"}, "seed", "an integer from 0 to 2^64 - 1", "number"),
        ({"seed": "9" * 30}, "seed", "an integer from 0 to 2^64 - 1", "number"),
        ({"seeds": [1, "x"]}, "seeds[1]", "an integer from 0 to 2^64 - 1", "number"),
        ({"seed": 1, "seeds": [2]}, "seed", "seed or seeds", "Leave one"),
        ({"count": 0}, "count", "an integer from 1", "range"),
        ({"count": 17}, "count", "at most 16 pictures", "another request"),
        ({"count": 10**18}, "count", "at most 16 pictures", "another request"),
        ({"seeds": [0] * 17}, "seeds", "at most 16 pictures", "another request"),
        ({"conditions": [{}] * 17}, "conditions", "at most 16 pictures", "another request"),
        ({"conditions": [{}, {}], "seeds": [1]}, "seeds", "a list of 2", "lists"),
        ({"temperature": 11}, "temperature", "a number above 0, at most 10", "Take 1"),
        ({"timeout": 0}, "timeout", "seconds above 0, at most 300", "range"),
        ({"timeout": 301}, "timeout", "seconds above 0, at most 300", "range"),
        ({"output": "gif"}, "output", "one of png, webp, raw, npy, sheet", "Did you mean"),
        ({"columns": 2}, "columns", "the output sheet", "Leave columns out"),
        ({"colour": "red"}, "colour", "one of the fields", "Did you mean"),
        ({"bundle": "changer"}, "bundle", "one that can generate", "Ask it to translate"),
        ({"bundle": None}, "bundle", "one of faces, changer", "Say which"),
    ],
)  # fmt: skip
def test_what_is_refused_names_the_field_and_what_it_takes(
    ask: Any, fields: dict[str, Any], place: str, expected: str, fix: str
) -> None:
    response = ask.generate(**fields)
    assert response.status_code == 422, response.text
    error = response.json()["error"]
    assert error.keys() == {"status", "place", "expected", "found", "fix"}
    assert error["status"] == 422
    assert error["place"].endswith(place)
    assert expected in error["expected"]
    assert fix in error["fix"]


def test_a_bundle_that_is_not_there(ask: Any) -> None:
    response = ask.generate(bundle="face")
    assert response.status_code == 404
    assert response.json()["error"] | {"status": 0} == {
        "status": 0,
        "place": "bundle",
        "expected": "one of faces, changer",
        "found": "'face'",
        "fix": "Did you mean 'faces'?",
    }


def test_a_picture_as_the_body_is_translated(ask: Any, generators: Any) -> None:
    group = generators["changer"].conditions.groups[0]
    text = group.describe(group.default)
    response = ask(
        "POST",
        "/v1/translate",
        params={"bundle": "changer", "conditions": text, "output": "raw"},
        content=png(),
        headers={"Content-Type": "image/png"},
    )
    expected = generators["changer"].translate(GREY[None], text)
    assert response.status_code == 200, response.text
    assert response.content == expected.tobytes()
    assert "ganport-seeds" not in response.headers


def test_pictures_in_json_are_translated(ask: Any, generators: Any) -> None:
    pictures = [GREY, np.arange(192, dtype=np.uint8).reshape(8, 8, 3)]
    fields = {
        "bundle": "changer",
        "images": [base64.b64encode(png(one)).decode() for one in pictures],
        "output": "raw",
    }
    response = ask("POST", "/v1/translate", json=fields)
    assert response.content == generators["changer"].translate(np.stack(pictures)).tobytes()


def translate(ask: Any, kind: str, content: bytes, query: str = "bundle=changer") -> Any:
    headers = {"Content-Type": kind} if kind else {}
    return ask("POST", f"/v1/translate?{query}", content=content, headers=headers)


@pytest.mark.parametrize(
    ("kind", "content", "query", "status", "place"),
    [
        ("image/png", b"no picture", "bundle=changer", 422, "images[0]"),
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
def test_translations_that_are_refused(
    ask: Any, kind: str, content: bytes, query: str, status: int, place: str
) -> None:
    response = translate(ask, kind, content, query)
    assert response.status_code == status, response.text
    assert response.json()["error"]["place"].endswith(place)


def test_a_picture_of_too_many_pixels(ask: Any) -> None:
    wide = png(np.zeros((64, 65, 3), np.uint8))  # few bytes, were they not unpacked
    error = translate(ask, "image/png", wide).json()["error"]
    assert error == {
        "status": 422,
        "place": "images[0]",
        "expected": "a picture of at most 4,096 pixels",
        "found": "65 x 64",
        "fix": "Scale it down.",
    }
    assert translate(ask, "image/png", png(np.zeros((64, 64, 3), np.uint8))).status_code == 200


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
def test_no_fields_end_in_a_fault(ask: Any, body: dict[str, Any]) -> None:
    response = ask("POST", "/v1/generate", json=body)
    assert response.status_code in (200, 404, 422), response.text


@settings(max_examples=60)
@given(
    st.binary(max_size=64) | st.text(max_size=64).map(lambda text: text.encode("utf-8", "replace"))
)
def test_no_bytes_end_in_a_fault(ask: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = ask("POST", "/v1/generate", content=body, headers=headers)
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
        (b'{"conditions": {"hair": ' + b"[" * 5000, "recursion"),
    ],
)
def test_what_is_no_json(ask: Any, body: bytes, found: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = ask("POST", "/v1/generate", content=body, headers=headers)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["expected"] == "valid JSON"
    assert found in response.json()["error"]["found"]


def test_a_form_is_no_json(ask: Any) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}):
        response = ask("POST", "/v1/generate", content=b"{}", headers=headers)
        assert response.status_code == 415
        assert (
            response.json()["error"]["fix"] == "Send the header 'Content-Type: application/json'."
        )
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    response = ask("POST", "/v1/generate", content=b'{"bundle":"faces"}', headers=headers)
    assert response.status_code == 200


def test_fields_in_the_query_are_not_passed_over(ask: Any) -> None:
    response = ask("POST", "/v1/generate?output=raw", json={"bundle": "faces"})
    assert response.status_code == 422
    assert response.json()["error"]["fix"] == "Put its fields into the body."
