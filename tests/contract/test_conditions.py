"""Requests become the vectors of the contract, or an error that names the place at fault."""

from typing import Any

import numpy as np
import product
import pytest
import recorded

# hair (rgb on [-1, 1]), sky (rgb on [0, 1]), look (eyes by mood), objects, face, age.
VECTOR = [
    *(1, 2 * 0x88 / 255 - 1, 2 * 0xCC / 255 - 1),
    *(0, 128 / 255, 1),
    *(0, 0.25, 0, 0.75),
    *(1, 0, 1),
    *(1, -1),
    0.25,
]


@pytest.fixture(scope="module")
def every_kind() -> Any:
    return recorded.opened("tiny-every-kind.onnx").conditions


@pytest.fixture(scope="module")
def tiny() -> Any:
    return recorded.opened("tiny.ganport").conditions


def test_encode_every_kind_gives_the_vector_of_the_contract(every_kind: Any) -> None:
    found = every_kind.encode(recorded.EVERY_KIND)
    assert found.dtype == np.float32
    # One rounding of each number from float64: half a unit in the last place.
    np.testing.assert_allclose(found, VECTOR, atol=1e-7)


@pytest.mark.parametrize(
    ("request_", "vector"),
    [
        ({}, [0, 1, 0, 1, 0]),
        ("", [0, 1, 0, 1, 0]),
        ("dark red hair, green eyes", [0, 0, 1, 0, 1]),
        ("green eyes pink hair", [1, 0, 0, 0, 1]),
        ({"hair": {"pink": 0.25, "black": 0.75}}, [0.25, 0.75, 0, 1, 0]),
    ],
)
def test_encode_labels_and_text_give_the_vector(
    tiny: Any, request_: Any, vector: list[float]
) -> None:
    assert tiny.encode(request_).tolist() == vector


def test_encode_many_gives_a_row_for_each(tiny: Any) -> None:
    rows = product.member(tiny, "encode_many")(["pink hair", {"eyes": "green"}])
    assert rows.tolist() == [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("text", "part", "vector"),
    [
        ("rosy hair", slice(0, 3), [1, 2 * 0x88 / 255 - 1, 2 * 0xCC / 255 - 1]),
        ("#ffffff hair", slice(0, 3), [1, 1, 1]),
        ("green eyes calm mood", slice(6, 10), [0, 0, 1, 0]),
        ("cube ball", slice(10, 13), [1, 1, 0]),
        ("no face", slice(13, 15), [-1, -1]),
        ("0.75 age", slice(15, 16), [0.75]),
    ],
)
def test_encode_text_of_every_kind_gives_the_vector(
    every_kind: Any, text: str, part: slice, vector: list[float]
) -> None:
    np.testing.assert_allclose(every_kind.encode(text)[part], vector, atol=1e-7)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"hair": "pnk"}, "hair"),
        ({"hare": "pink"}, "hare"),
        ({"hair": None}, "hair"),
        ({"hair": ["pink"]}, "hair"),
        ({"hair": {"pink": 0.5}}, "hair"),
        ({"hair": {"pink": 1.5, "black": -0.5}}, "hair"),
        ({"hair": 1}, "hair"),
        ("pnk hair", "hair"),
        ("pink", "text"),
        ("pink hair black hair", "hair"),
    ],
)
def test_encode_labels_not_allowed_are_refused(tiny: Any, request_: Any, named: str) -> None:
    refuse(tiny, request_, named)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"sky": "#12345"}, "sky"),
        ({"sky": [0, 0, 256]}, "sky"),
        ({"sky": [0, 0]}, "sky"),
        ({"look": {"eyes": "blue"}, "eyes": "blue"}, "eyes"),
        ({"objects": ["cube", "ball", "cone"]}, "objects"),
        ({"objects": ["cube", "cube"]}, "objects"),
        ({"face": "smiling, sad"}, "face"),
        ({"age": 1.01}, "age"),
        ({"age": float("nan")}, "age"),
        ({"age": True}, "age"),
    ],
)
def test_encode_values_not_allowed_are_refused(every_kind: Any, request_: Any, named: str) -> None:
    refuse(every_kind, request_, named)


def refuse(conditions: Any, request: Any, named: str) -> None:
    with pytest.raises(product.public("ganport_runtime.ConditionError")) as caught:
        conditions.encode(request)
    error = caught.value
    assert isinstance(error, product.public("ganport_runtime.GanportError"))
    assert isinstance(error, ValueError)
    assert named in error.place
    assert error.expected and error.found and error.fix
