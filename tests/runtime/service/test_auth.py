import hmac
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.auth import VARIABLE, Keys, keys_of
from ganport_runtime.service.errors import KeyMissingError


def test_without_keys_everybody_may_ask() -> None:
    Keys(()).check({})


@pytest.mark.parametrize(
    "headers",
    [
        {b"x-api-key": b"one"},
        {b"authorization": b"Bearer two"},
        {b"authorization": b"bearer  two "},
        {b"authorization": b"Basic x", b"x-api-key": b"two"},
    ],
)
def test_a_key_opens(headers: dict[bytes, bytes]) -> None:
    Keys(("one", "two")).check(headers)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, "none"),
        ({b"x-api-key": b""}, "another"),
        ({b"x-api-key": b"on"}, "another"),
        ({b"x-api-key": b"one "}, "another"),
        ({b"x-api-key": b"\xff"}, "another"),
        ({b"authorization": b"one"}, "another"),
        ({b"authorization": b"Basic one"}, "another"),
        ({b"authorization": b"Bearer one", b"x-api-key": b"x"}, "another"),
    ],
)
def test_anything_else_does_not(headers: dict[bytes, bytes], found: str) -> None:
    with pytest.raises(KeyMissingError, match=rf"found {found}\. Send it as") as caught:
        Keys(("one", "two")).check(headers)
    assert "two" not in str(caught.value)


def test_every_key_is_compared_and_as_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[tuple[int, int]] = []

    def compare(a: Any, b: Any) -> bool:
        lengths.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", compare)
    Keys(("first", "second", "a third")).check({b"x-api-key": b"first"})
    assert lengths == [(32, 32)] * 3


def test_keys_of_the_environment_and_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# the artists\nabc\n\n  def  \n")
    assert keys_of({}, None) == ()
    assert keys_of({VARIABLE: "x, y,"}, None) == ("x", "y")
    assert keys_of({VARIABLE: "x"}, file) == ("x", "abc", "def")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected at least one key; found none"),
        (b"# nothing\n", "expected at least one key; found none"),
        (b"two words\n", "keys of printable ASCII characters without spaces"),
        ("schlüssel\n".encode(), "keys of printable ASCII characters without spaces"),
        (b"\xff\xfe", "keys of printable ASCII characters without spaces"),
    ],
)
def test_a_lost_list_of_keys_does_not_open_the_door(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=message) as caught:
        keys_of({}, file)
    assert "words" not in str(caught.value)


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="GANPORT_API_KEYS: expected at least one key"):
        keys_of({VARIABLE: " , "}, None)
    with pytest.raises(RequestError, match="expected a file of keys; found No such file"):
        keys_of({}, tmp_path / "none")
