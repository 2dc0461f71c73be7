"""What an answer may be, and how pictures are packed into it; checked before any is drawn."""

from __future__ import annotations

import math

from ganport_runtime.errors import RequestError
from ganport_runtime.images.sheet import MAX_SIDE
from ganport_runtime.noise import check_integer
from ganport_runtime.values import closest_match, format_choices, repr_short

OUTPUTS = ("png", "webp", "raw", "npy", "sheet")
CONTAINERS = ("zip", "multipart", "json")
_CONTAINED = ("png", "webp", "sheet")
# Not JSON: libraries ask for it on their own, whatever they are to fetch.
_ACCEPTED = {
    "application/zip": "zip",
    "multipart/mixed": "multipart",
    "multipart/related": "multipart",
}


def container_of(accept: str, output: str) -> str | None:
    """The container for `output` that an `Accept` header names first; None where it names none."""
    if output not in _CONTAINED:
        return None
    for entry in accept.split(","):
        kind, _, weight = entry.partition(";")
        if weight.replace(" ", "") in ("q=0", "q=0.0"):
            continue
        if container := _ACCEPTED.get(kind.strip().lower()):
            return container
    return None


def check_output(
    output: str,
    count: int,
    size: tuple[int, int],
    *,
    container: str | None = None,
    columns: int | None = None,
    quality: int | None = None,
) -> None:
    """Refuse what `encode` could not make of `count` pictures of `size` (height, width).

    Raises `RequestError`, whose place is the field of the request that is wrong.
    """
    _among("output", output, OUTPUTS)
    if container is not None:
        _among("container", container, CONTAINERS)
        if output not in _CONTAINED:
            expected = f"an output {' or '.join(_CONTAINED)}"
            raise _refuse("container", expected, output, "Leave container out.")
    if quality is not None:
        check_integer("quality", quality, 1, 100)
        if output not in ("webp", "sheet"):
            raise _refuse("quality", "an output webp or sheet", output, "Leave quality out.")
    if columns is not None:
        check_integer("columns", columns, 1, MAX_SIDE)
    if output == "sheet":
        _check_page(count, size, columns)
    elif columns is not None:
        raise _refuse("columns", "the output sheet", output, "Leave columns out.")


def columns_of(count: int, columns: int | None) -> int:
    """Pictures in a row of an atlas: `columns`, or as many as make it a square."""
    return min(columns or math.ceil(math.sqrt(count)), count)


def _check_page(count: int, size: tuple[int, int], columns: int | None) -> None:
    across = columns_of(count, columns)
    height, width = -(-count // across) * size[0], across * size[1]
    if max(height, width) > MAX_SIDE:
        raise _refuse(
            "count" if columns is None else "columns",
            f"an atlas of at most {MAX_SIDE} pixels a side",
            f"{width} x {height}",
            "Ask for fewer pictures at a time, or for other columns.",
        )


def _among(place: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        fix = f"Did you mean {closest_match(value, allowed)!r}?"
        raise _refuse(place, f"one of {format_choices(allowed)}", repr_short(value), fix)


def _refuse(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
