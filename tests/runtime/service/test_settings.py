from pathlib import Path

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.settings import KEYS_VARIABLE, Settings, load_api_keys


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_is_local_loopback_host_returns_true(host: str, local: bool) -> None:
    assert Settings(host=host).is_local is local


def test_settings_default_is_local_without_origins() -> None:
    settings = Settings()
    assert settings.is_local
    assert settings.origins == ()


def test_load_api_keys_of_the_environment_and_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# the artists\nabc\n\n  def  \n")
    assert load_api_keys({}, None) == ()
    assert load_api_keys({KEYS_VARIABLE: "x, y,"}, None) == ("x", "y")
    assert load_api_keys({KEYS_VARIABLE: "x"}, file) == ("x", "abc", "def")


@pytest.mark.parametrize(
    ("content", "expected", "line"),
    [
        (b"", "at least one key", ""),
        (b"# comment\n", "at least one key", ""),
        (b"two words\n", "ASCII", ""),
        ("schlüssel\n".encode(), "ASCII", ""),
        (b"# comment\n\xff\xfe", "UTF-8", ":2"),
    ],
)
def test_load_api_keys_file_without_valid_keys_raises_without_revealing_them(
    tmp_path: Path, content: bytes, expected: str, line: str
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=expected) as caught:
        load_api_keys({}, file)
    assert caught.value.place == f"{file}{line}"
    assert "words" not in str(caught.value)


def test_load_api_keys_empty_variable_or_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=KEYS_VARIABLE):
        load_api_keys({KEYS_VARIABLE: " , "}, None)
    with pytest.raises(RequestError, match="none"):
        load_api_keys({}, tmp_path / "none")
