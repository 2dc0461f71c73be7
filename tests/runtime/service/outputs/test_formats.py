"""What an answer may be: fields that do not go together are named before anything is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.outputs import OUTPUTS, check_output, container_of
from ganport_runtime.service.outputs.formats import columns_of


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_taken(output: str) -> None:
    check_output(output, 5, (64, 64))


@pytest.mark.parametrize(
    ("output", "given", "message"),
    [
        (
            "jpg",
            {},
            "output: expected one of png, webp, raw, npy, sheet; found 'jpg'. Did you mean",
        ),
        ("png", {"container": "tar"}, "container: expected one of zip, multipart, json"),
        ("raw", {"container": "zip"}, "container: expected an output png or webp or sheet"),
        ("png", {"quality": 80}, "quality: expected an output webp or sheet; found png"),
        ("webp", {"quality": 0}, "quality: expected an integer from 1 to 100"),
        ("webp", {"columns": 3}, "columns: expected the output sheet; found webp"),
        ("sheet", {"columns": 0}, "columns: expected an integer from 1 to 16384"),
        ("sheet", {"columns": 300}, "columns: expected an atlas of at most 16384 pixels a side"),
    ],
)
def test_what_does_not_go_together_is_refused(
    output: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError) as caught:
        check_output(output, 300, (64, 64), **given)
    assert str(caught.value).startswith(message)


def test_an_atlas_too_large_names_the_count() -> None:
    check_output("sheet", 256 * 256, (64, 64))
    with pytest.raises(RequestError, match=r"^count: .*; found 16448 x 16384\. Ask for fewer"):
        check_output("sheet", 256 * 256 + 1, (64, 64))


@pytest.mark.parametrize(
    ("count", "asked", "columns"),
    [(1, None, 1), (2, None, 2), (5, None, 3), (9, None, 3), (10, None, 4), (5, 2, 2), (5, 9, 5)],
)
def test_an_atlas_is_as_square_as_may_be(count: int, asked: int | None, columns: int) -> None:
    assert columns_of(count, asked) == columns


@pytest.mark.parametrize(
    ("accept", "container"),
    [
        ("*/*", None),
        ("application/json, text/plain, */*", None),  # what axios sends
        ("application/zip", "zip"),
        ("Multipart/Mixed; q=0.9, application/zip", "multipart"),
        ("application/zip;q=0, multipart/related", "multipart"),
    ],
)
def test_a_container_is_read_from_the_accept_header(accept: str, container: str | None) -> None:
    assert container_of(accept, "png") == container
    assert container_of(accept, "raw") is None
