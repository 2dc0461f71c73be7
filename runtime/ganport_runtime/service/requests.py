"""The fields of requests for pictures: what msgspec reads, and the OpenAPI document shows."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ganport_runtime.errors import RequestError
from ganport_runtime.service.settings import Settings
from ganport_runtime.values import repr_short

Conditions = dict[str, Any] | str | list[dict[str, Any] | str] | None
Seed = int | str
"""Text where a language, such as JavaScript, has no integers of 64 bits."""
_DIGITS = 20  # of 2^64


class Asking(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every request for pictures may say."""

    bundle: str | None = None
    output: str = "png"
    container: str | None = None
    columns: int | None = None
    quality: int | None = None
    timeout: float | None = None

    def seconds(self, settings: Settings) -> float:
        """The time it gives itself; raises `RequestError` for none, or more than there may be."""
        if self.timeout is None:
            return settings.timeout
        if not 0.0 < self.timeout <= settings.max_timeout:
            expected = f"a number of seconds above 0, at most {settings.max_timeout:g}"
            raise _bad("timeout", expected, f"{self.timeout:g}", "Ask for a time in that range.")
        return self.timeout


class GenerateBody(Asking, kw_only=True):
    """The body of `POST /v1/generate`."""

    conditions: Conditions = None
    seed: Seed | None = None
    seeds: list[Seed] | None = None
    count: int | None = None
    temperature: float | None = None

    def check_count(self, limit: int) -> None:
        """Raise `RequestError` for more pictures than one request may ask for."""
        check_many("count", self.count, limit)
        check_many("seeds", None if self.seeds is None else len(self.seeds), limit)
        if isinstance(self.conditions, list):
            check_many("conditions", len(self.conditions), limit)


class TranslateQuery(Asking, kw_only=True):
    """The query of `POST /v1/translate` when a picture is its body."""

    conditions: str | None = None
    whole: bool = False


class TranslateBody(Asking, kw_only=True):
    """The body of `POST /v1/translate` as JSON: `images` are picture files in base64."""

    images: list[bytes]
    conditions: Conditions = None
    whole: bool = False


def check_many(place: str, number: int | None, limit: int) -> None:
    """Raise `RequestError` for a `number` of pictures above the limit of one request."""
    if number is not None and number > limit:
        fix = "Ask for the others in another request."
        raise _bad(place, f"at most {limit} pictures", repr_short(number), fix)


def seed_of(place: str, value: Seed) -> int:
    """A seed as a number; its range is for the generator to check."""
    if isinstance(value, int):
        return value
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS):
        raise _bad(place, "an integer from 0 to 2^64 - 1", repr_short(value), "Send a number.")
    return int(value)


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
