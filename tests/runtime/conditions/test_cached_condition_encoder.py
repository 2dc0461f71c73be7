import threading
from typing import Any

import numpy as np
import pytest

from ganport_runtime.conditions import CachedConditionEncoder, Conditions, OneHot, Scalar
from ganport_runtime.errors import ConditionError

CONDITIONS = Conditions(
    (
        OneHot("hair", ("black", "pink")),
        OneHot("eyes", ("blue", "green")),
        Scalar("age", 0.5, 0.0, 1.0),
    )
)
REQUESTS: list[Any] = [
    None,
    {},
    {"hair": "pink"},
    {"eyes": "green", "hair": "pink"},
    "pink hair",
    "",
    {"hair": {"pink": 0.5, "black": 0.5}},
    {"age": 1},
    {"age": 0.25, "eyes": "green"},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_cached_encoder_equals_the_conditions(request_: Any) -> None:
    encoder = CachedConditionEncoder(CONDITIONS)
    expected = CONDITIONS.encode(request_)
    for _ in range(2):  # computed, then cached
        assert np.array_equal(encoder.encode(request_, 1), expected[None])
        assert np.array_equal(encoder.encode(request_, 3), np.stack([expected] * 3))


def test_cached_encoder_encodes_a_list_by_row() -> None:
    vectors = CachedConditionEncoder(CONDITIONS).encode(REQUESTS, len(REQUESTS))
    assert np.array_equal(vectors, np.stack([CONDITIONS.encode(request) for request in REQUESTS]))


def test_cached_vector_is_read_only() -> None:
    encoder = CachedConditionEncoder(CONDITIONS)
    for count in (1, 2):
        with pytest.raises(ValueError, match="read-only"):
            encoder.encode({"hair": "pink"}, count)[0, 0] = 9


def test_cached_encoder_distinguishes_equal_keys_of_other_types() -> None:
    # 1 == True, and True is not a number: the cache must not return the vector of 1.
    encoder = CachedConditionEncoder(CONDITIONS)
    encoder.encode({"age": 1}, 1)
    with pytest.raises(ConditionError, match="age"):
        encoder.encode({"age": True}, 1)


@pytest.mark.parametrize("wrong", [{"hair": "pnik"}, "pnik hair", 5, {"hair": None}, {3: "pink"}])
def test_cached_encoder_raises_again_for_an_invalid_request(wrong: Any) -> None:
    encoder = CachedConditionEncoder(CONDITIONS)
    for _ in range(2):
        with pytest.raises(ConditionError):
            encoder.encode(wrong, 1)


def test_cache_size_is_bounded() -> None:
    wide = Conditions((OneHot("word", tuple(f"w{i}" for i in range(2**13))),))
    encoder = CachedConditionEncoder(wide)
    for label in wide["word"].labels[:200]:
        encoder.encode({"word": label}, 1)
    info = encoder.cache_info()
    assert info.maxsize is not None
    assert info.currsize == info.maxsize == 2**20 // wide.size


def test_cached_encoder_is_thread_safe() -> None:
    encoder, labels = CachedConditionEncoder(CONDITIONS), ("black", "pink")
    wrong: list[str] = []

    def ask(label: str) -> None:
        expected = CONDITIONS.encode({"hair": label})
        for _ in range(300):
            if not np.array_equal(encoder.encode({"hair": label}, 1)[0], expected):
                wrong.append(label)

    threads = [threading.Thread(target=ask, args=(label,)) for label in labels * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
