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


def test_a_job_says_what_it_is(faces: Generator, translator: Generator) -> None:
    job = faces.prepare(PINK, seed=2**64 - 1, count=3)
    assert (job.interface, len(job), job.seed_list) == ("gan.generate/1", 3, [2**64 - 1, 0, 1])
    assert np.array_equal(job.conditions, faces.conditions.encode_many([PINK] * 3))
    given = faces.prepare([PINK, BLACK], z=faces.noise([1, 2]))
    assert (len(given), given.seed_list) == (2, [])
    pictures = translator.prepare_translation(np.zeros((4, 8, 8, 3), np.uint8))
    assert (pictures.interface, len(pictures), pictures.seed_list) == ("gan.translate/1", 4, [])


def test_a_part_of_a_job_is_a_job(faces: Generator) -> None:
    job = faces.prepare(PINK, seed=2**64 - 2, count=4, temperature=2)
    part = job.slice(slice(1, 3))
    assert (len(part), part.seed_list, part.temperature) == (2, [2**64 - 1, 0], 2.0)
    assert job.slice(slice(None, None, -1)).seed_list == job.seed_list[::-1]
    assert job.slice(slice(4, 9)).seed_list == []
    alone = faces.prepare(PINK, seed=2**64 - 1)
    for whole in (ALL, slice(0, 1), slice(0, 8)):
        assert alone.slice(whole) is alone
    assert alone.slice(slice(0, 0)).seed_list == []
    given = faces.prepare(z=faces.noise([1, 2, 3]))
    assert np.array_equal(given.slice(slice(2, 3)).inputs, faces.noise([3]))


def test_a_job_is_checked_before_anything_is_drawn(faces: Generator, translator: Generator) -> None:
    with pytest.raises(ConditionError, match="Did you mean 'pink'"):
        faces.prepare({"hair": "pnik"})
    with pytest.raises(RequestError, match="count: expected an integer from 1"):
        faces.prepare(PINK, count=0)
    with pytest.raises(RequestError, match="can translate; found one that can generate"):
        faces.prepare_translation(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(RequestError, match=r"images: expected an array uint8 \(N, 8, 8, 3\)"):
        translator.prepare_translation(np.zeros((8, 8, 3), np.uint8))


def test_rows_of_several_jobs_are_drawn_in_order(faces: Generator) -> None:
    # Seeds, given noise and other temperatures side by side: each row as it is alone.
    plain, warm = faces.prepare(PINK, seed=5, count=4), faces.prepare(BLACK, seed=9, temperature=2)
    given = faces.prepare(z=normals([1, 2, 3], faces.z_shape))
    parts = [(plain, slice(1, 3)), (given, slice(2, 3)), (warm, ALL), (plain, slice(3, 4))]
    drawn = faces.run_rows(parts)
    expected = [
        faces.generate(PINK, seeds=[6, 7]),
        faces.generate(seed=3),
        faces.generate(BLACK, seed=9, temperature=2),
        faces.generate(PINK, seed=8),
    ]
    assert drawn.tobytes() == np.concatenate(expected).tobytes()


def test_rows_that_all_start_from_noise_given(faces: Generator) -> None:
    jobs = [faces.prepare(PINK, z=faces.noise([seed])) for seed in (4, 5)]
    drawn = faces.run_rows([(job, ALL) for job in jobs])
    assert np.array_equal(drawn, faces.generate(PINK, seeds=[4, 5]))


def test_pictures_of_several_translations(translator: Generator) -> None:
    pictures = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)
    jobs = [
        translator.prepare_translation(pictures[:2]),
        translator.prepare_translation(pictures[2:]),
    ]
    drawn = translator.run_rows([(job, ALL) for job in jobs])
    assert np.array_equal(drawn, translator.translate(pictures))


def test_jobs_that_do_not_go_together(faces: Generator, translator: Generator) -> None:
    other = translator.prepare_translation(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(RequestError) as caught:
        faces.run_rows([(faces.prepare(PINK), ALL), (other, ALL)])
    assert caught.value.place == "row_ranges"
    assert caught.value.found == "gan.generate/1 and gan.translate/1"
    with pytest.raises(RequestError, match="found none"):
        faces.run_rows([])


def test_the_best_batch_is_one_the_bundle_allows(tiny: Any) -> None:
    tiny.edit(lambda value: value["batch"].update(min=1, opt=9, max=9))
    assert Generator.load(tiny.path).preferred_batch_size == 9
    tiny.edit(lambda value: value["batch"].update(max=65536))
    assert Generator.load(tiny.path).preferred_batch_size == 64 * 64  # of pictures of 8 x 8
