import hmac
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.auth import KEYS_VARIABLE, ApiKeys, load_api_keys
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


def test_load_api_keys_of_the_environment_and_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# the artists\nabc\n\n  def  \n")
    assert load_api_keys({}, None) == ()
    assert load_api_keys({KEYS_VARIABLE: "x, y,"}, None) == ("x", "y")
    assert load_api_keys({KEYS_VARIABLE: "x"}, file) == ("x", "abc", "def")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "at least one key"),
        (b"# comment\n", "at least one key"),
        (b"two words\n", "ASCII"),
        ("schlüssel\n".encode(), "ASCII"),
        (b"\xff\xfe", "ASCII"),
    ],
)
def test_load_api_keys_file_without_valid_keys_raises_without_revealing_them(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=expected) as caught:
        load_api_keys({}, file)
    assert caught.value.place == str(file)
    assert "words" not in str(caught.value)


def test_load_api_keys_empty_variable_or_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=KEYS_VARIABLE):
        load_api_keys({KEYS_VARIABLE: " , "}, None)
    with pytest.raises(RequestError, match="none"):
        load_api_keys({}, tmp_path / "none")
