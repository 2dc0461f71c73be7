from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Generator
from ganport_runtime.errors import ConditionError, RequestError
from ganport_runtime.noise import normals

PINK, BLACK = {"hair": "pink"}, {"hair": "black"}
ALL = slice(None)


@pytest.fixture(scope="module")
def faces(data: Path) -> Generator:
    return Generator.load(data / "tiny.ganport")


@pytest.fixture(scope="module")
def translator(data: Path) -> Generator:
    return Generator.load(data / "tiny-translator.ganport")


def test_prepare_encodes_interface_count_and_seeds(faces: Generator, translator: Generator) -> None:
    request = faces.prepare(PINK, seed=2**64 - 1, count=3)
    assert (request.interface, len(request), request.seed_list) == (
        "gan.generate/1",
        3,
        [2**64 - 1, 0, 1],
    )
    assert np.array_equal(request.conditions, faces.conditions.encode_many([PINK] * 3))
    with_noise = faces.prepare([PINK, BLACK], z=faces.noise([1, 2]))
    assert (len(with_noise), with_noise.seed_list) == (2, [])
    images = translator.prepare_translation(np.zeros((4, 8, 8, 3), np.uint8))
    assert (images.interface, len(images), images.seed_list) == ("gan.translate/1", 4, [])


def test_slice_keeps_the_rows(faces: Generator) -> None:
    request = faces.prepare(PINK, seed=2**64 - 2, count=4, temperature=2)
    part = request.slice(slice(1, 3))
    assert (len(part), part.seed_list, part.temperature) == (2, [2**64 - 1, 0], 2.0)
    assert request.slice(slice(None, None, -1)).seed_list == request.seed_list[::-1]
    assert request.slice(slice(4, 9)).seed_list == []
    single = faces.prepare(PINK, seed=2**64 - 1)
    for whole in (ALL, slice(0, 1), slice(0, 8)):
        assert single.slice(whole) is single
    assert single.slice(slice(0, 0)).seed_list == []
    with_noise = faces.prepare(z=faces.noise([1, 2, 3]))
    assert np.array_equal(with_noise.slice(slice(2, 3)).inputs, faces.noise([3]))


def test_prepare_raises_before_anything_runs(faces: Generator, translator: Generator) -> None:
    with pytest.raises(ConditionError, match="Did you mean 'pink'"):
        faces.prepare({"hair": "pnik"})
    with pytest.raises(RequestError, match="count: expected an integer from 1"):
        faces.prepare(PINK, count=0)
    with pytest.raises(RequestError, match="can translate; found one that can generate"):
        faces.prepare_translation(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(RequestError, match=r"images: expected an array uint8 \(N, 8, 8, 3\)"):
        translator.prepare_translation(np.zeros((8, 8, 3), np.uint8))


def test_run_rows_returns_rows_of_several_requests_in_order(faces: Generator) -> None:
    # Seeds, with_noise noise and other temperatures side by side: each row as it is single.
    plain, warm = faces.prepare(PINK, seed=5, count=4), faces.prepare(BLACK, seed=9, temperature=2)
    with_noise = faces.prepare(z=normals([1, 2, 3], faces.z_shape))
    parts = [(plain, slice(1, 3)), (with_noise, slice(2, 3)), (warm, ALL), (plain, slice(3, 4))]
    result = faces.run_rows(parts)
    expected = [
        faces.generate(PINK, seeds=[6, 7]),
        faces.generate(seed=3),
        faces.generate(BLACK, seed=9, temperature=2),
        faces.generate(PINK, seed=8),
    ]
    assert result.tobytes() == np.concatenate(expected).tobytes()


def test_run_rows_accepts_requests_with_noise(faces: Generator) -> None:
    requests = [faces.prepare(PINK, z=faces.noise([seed])) for seed in (4, 5)]
    result = faces.run_rows([(request, ALL) for request in requests])
    assert np.array_equal(result, faces.generate(PINK, seeds=[4, 5]))


def test_run_rows_joins_translations(translator: Generator) -> None:
    images = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)
    requests = [
        translator.prepare_translation(images[:2]),
        translator.prepare_translation(images[2:]),
    ]
    result = translator.run_rows([(request, ALL) for request in requests])
    assert np.array_equal(result, translator.translate(images))


def test_run_rows_of_different_interfaces_is_a_request_error(
    faces: Generator, translator: Generator
) -> None:
    other = translator.prepare_translation(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(RequestError) as caught:
        faces.run_rows([(faces.prepare(PINK), ALL), (other, ALL)])
    assert caught.value.place == "row_ranges"
    assert caught.value.found == "gan.generate/1 and gan.translate/1"
    with pytest.raises(RequestError, match="found none"):
        faces.run_rows([])


def test_preferred_batch_size_is_within_the_bundle_limit(tiny: Any) -> None:
    tiny.edit(lambda value: value["batch"].update(min=1, opt=9, max=9))
    assert Generator.load(tiny.path).preferred_batch_size == 9
    tiny.edit(lambda value: value["batch"].update(max=65536))
    assert Generator.load(tiny.path).preferred_batch_size == 64 * 64  # of images of 8 x 8
