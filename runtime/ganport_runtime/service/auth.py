"""API keys: where they come from, and whether a request carries one."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from ganport_runtime.errors import RequestError
from ganport_runtime.service.errors import KeyMissingError

VARIABLE = "GANPORT_API_KEYS"
_MOST_BYTES = 1 << 20
_FORM = "printable ASCII characters without spaces"


class Keys:
    """The keys a service knows; with none, every request is let in."""

    def __init__(self, keys: Iterable[str]) -> None:
        # Digests are of one length, so that comparing them tells nothing of the key's.
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise `KeyMissingError` unless `X-API-Key` or `Authorization: Bearer` holds a key."""
        if not self._digests:
            return
        given = sha256(_key_in(headers)).digest()
        known = False
        for digest in self._digests:  # all of them: how long it takes must not say which
            known |= hmac.compare_digest(given, digest)
        if not known:
            carries = b"x-api-key" in headers or b"authorization" in headers
            raise KeyMissingError(
                "API key",
                expected="a key that the service knows",
                found="another" if carries else "none",
                fix="Send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.",
            )


def keys_of(environment: Mapping[str, str], file: Path | None) -> tuple[str, ...]:
    """The keys of the variable GANPORT_API_KEYS, parted by commas, and of the lines of a file.

    Lines that begin with # are remarks. Raises `RequestError` for a source that is named and
    holds no key: a service must not be open because its list of keys was lost.
    """
    keys: list[str] = []
    if VARIABLE in environment:
        keys += _checked(VARIABLE, environment[VARIABLE].split(","))
    if file is not None:
        lines = _text(file).splitlines()
        keys += _checked(str(file), [line for line in lines if not line.startswith("#")])
    return tuple(keys)


def _key_in(headers: Mapping[bytes, bytes]) -> bytes:
    kind, _, token = headers.get(b"authorization", b"").partition(b" ")
    return headers.get(b"x-api-key", token.strip() if kind.lower() == b"bearer" else b"")


def _checked(place: str, entries: Iterable[str]) -> list[str]:
    keys = [entry.strip() for entry in entries if entry.strip()]
    if not keys:
        raise _bad(place, "at least one key", "none", "Put a key there, or take the option away.")
    for key in keys:
        # The key itself must not reach a log.
        if not all("!" <= character <= "~" for character in key):
            raise _bad(place, f"keys of {_FORM}", "another character", "Make a new key.")
    return keys


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode()
    except OSError as error:
        found = error.strerror or str(error)
        raise _bad(str(file), "a file of keys", found, "Check the path.") from error
    except UnicodeDecodeError as error:
        fix = "Write one key on each line."
        raise _bad(str(file), f"keys of {_FORM}", "another character", fix) from error


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
