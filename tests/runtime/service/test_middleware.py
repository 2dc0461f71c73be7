import hmac
from typing import Any

import pytest

from ganport_runtime.service.middleware import ApiKeys
from ganport_runtime.service.responses import KeyMissingError

KEYS = ("one", "two")


def test_check_without_keys_accepts_every_request() -> None:
    ApiKeys(()).check({})


@pytest.mark.parametrize(
    "headers",
    [
        {b"x-api-key": b"one"},
        {b"authorization": b"Bearer two"},
        {b"authorization": b"bearer  two "},
        {b"authorization": b"Basic x", b"x-api-key": b"two"},
    ],
)
def test_check_known_key_is_accepted(headers: dict[bytes, bytes]) -> None:
    ApiKeys(KEYS).check(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"x-api-key": b""},
        {b"x-api-key": b"on"},
        {b"x-api-key": b"one "},
        {b"x-api-key": b"\xff"},
        {b"authorization": b"one"},
        {b"authorization": b"Basic one"},
        {b"authorization": b"Bearer one", b"x-api-key": b"x"},
    ],
)
def test_check_unknown_key_raises_without_revealing_keys(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(KeyMissingError) as caught:
        ApiKeys(KEYS).check(headers)
    assert "two" not in str(caught.value)


def test_check_compares_the_digest_of_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[tuple[int, int]] = []

    def compare(first: Any, second: Any) -> bool:
        lengths.append((len(first), len(second)))
        return first == second

    monkeypatch.setattr(hmac, "compare_digest", compare)
    ApiKeys(("first", "second", "a third")).check({b"x-api-key": b"first"})
    assert lengths == [(32, 32)] * 3
