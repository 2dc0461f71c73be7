from typing import Any

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.outputs import (
    OUTPUTS,
    OutputOptions,
    atlas_shape,
    container_from_accept,
)


@pytest.mark.parametrize("output", OUTPUTS)
def test_check_default_options_of_each_output(output: str) -> None:
    OutputOptions(output).check(5, (64, 64))


@pytest.mark.parametrize(
    ("output", "options", "place", "expected"),
    [
        ("jpg", {}, "output", "png, webp, raw, npy, sheet"),
        ("png", {"container": "tar"}, "container", "zip, multipart, json"),
        ("raw", {"container": "zip"}, "container", "png or webp or sheet"),
        ("png", {"quality": 80}, "quality", "webp or sheet"),
        ("webp", {"quality": 0}, "quality", "from 1 to 100"),
        ("webp", {"columns": 3}, "columns", "sheet"),
        ("sheet", {"columns": 0}, "columns", "from 1 to 16384"),
        ("sheet", {"columns": 300}, "columns", "16384 pixels"),
    ],
)
def test_check_invalid_option_raises_with_the_field(
    output: str, options: dict[str, Any], place: str, expected: str
) -> None:
    with pytest.raises(RequestError) as caught:
        OutputOptions(output, **options).check(300, (64, 64))
    assert caught.value.place == place
    assert expected in caught.value.expected


def test_check_too_large_atlas_raises_with_the_count() -> None:
    OutputOptions("sheet").check(256 * 256, (64, 64))
    with pytest.raises(RequestError, match="16448 x 16384") as caught:
        OutputOptions("sheet").check(256 * 256 + 1, (64, 64))
    assert caught.value.place == "count"


@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [
        (1, None, (1, 1)),
        (2, None, (1, 2)),
        (5, None, (2, 3)),
        (9, None, (3, 3)),
        (10, None, (3, 4)),
        (5, 2, (3, 2)),
        (5, 9, (1, 5)),
    ],
)
def test_atlas_shape_is_nearly_square_or_has_the_columns(
    count: int, columns: int | None, shape: tuple[int, int]
) -> None:
    assert atlas_shape(count, columns) == shape


@pytest.mark.parametrize(
    ("accept", "container"),
    [
        ("*/*", None),
        ("application/json, text/plain, */*", None),  # the default of axios
        ("application/zip", "zip"),
        ("Multipart/Mixed; q=0.9, application/zip", "multipart"),
        ("application/zip;q=0, multipart/related", "multipart"),
    ],
)
def test_container_from_accept_returns_the_first_named(accept: str, container: str | None) -> None:
    assert container_from_accept(accept, "png") == container
    assert container_from_accept(accept, "raw") is None
