"""API keys: their sources and the check of a request."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from ganport_runtime.errors import RequestError
from ganport_runtime.service.responses import KeyMissingError

KEYS_VARIABLE = "GANPORT_API_KEYS"
"""The environment variable that holds API keys."""
_MAX_FILE_BYTES = 1 << 20
_ALLOWED_KEYS = "keys of printable ASCII characters without spaces"


class ApiKeys:
    """The API keys of a service; without keys, every request is accepted."""

    def __init__(self, keys: Iterable[str]) -> None:
        # Digests have equal lengths, so the comparison time does not depend on a key's length.
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise `KeyMissingError` unless the headers carry a known key.

        The key is in `X-API-Key` or in `Authorization: Bearer`.
        """
        if not self._digests:
            return
        digest = sha256(_read_key(headers)).digest()
        known = False
        for expected in self._digests:  # no early exit: the time must not reveal the position
            known |= hmac.compare_digest(digest, expected)
        if not known:
            has_key = b"x-api-key" in headers or b"authorization" in headers
            raise KeyMissingError(
                "API key",
                expected="a key that the service knows",
                found="an unknown key" if has_key else "no key",
                fix="Send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.",
            )


def load_api_keys(environment: Mapping[str, str], file: Path | None) -> tuple[str, ...]:
    """Return the API keys of the environment and of a file.

    The variable GANPORT_API_KEYS separates keys with commas. A file has one key per line; lines
    that start with # are comments. Raises `RequestError` for a source without keys, because a
    lost key list must not open the service.
    """
    keys: list[str] = []
    if KEYS_VARIABLE in environment:
        keys += _check_keys(KEYS_VARIABLE, environment[KEYS_VARIABLE].split(","))
    if file is not None:
        lines = _read_text(file).splitlines()
        keys += _check_keys(str(file), [line for line in lines if not line.startswith("#")])
    return tuple(keys)


def _read_key(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return headers.get(b"x-api-key", token.strip() if scheme.lower() == b"bearer" else b"")


def _check_keys(place: str, entries: Iterable[str]) -> list[str]:
    keys = [entry.strip() for entry in entries if entry.strip()]
    if not keys:
        raise RequestError(place, "at least one key", "none", "Add a key or remove the option.")
    for key in keys:
        if not all("!" <= character <= "~" for character in key):
            # The message must not contain the key, because it may reach a log.
            raise RequestError(place, _ALLOWED_KEYS, "another character", "Create a new key.")
    return keys


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_FILE_BYTES).decode()
    except OSError as error:
        found = error.strerror or str(error)
        raise RequestError(str(file), "a file of keys", found, "Check the path.") from error
    except UnicodeDecodeError as error:
        fix = "Write one key per line."
        raise RequestError(str(file), _ALLOWED_KEYS, "another character", fix) from error
