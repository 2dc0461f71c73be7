from pathlib import Path

import pytest

from ganport_runtime import Generator
from ganport_runtime.cli.sample.context import (
    Job,
    Shot,
    near_square,
    steps_of,
)
from ganport_runtime.cli.sample.output import Output


@pytest.fixture
def job(bundle: Path, tmp_path: Path) -> Job:
    return Job(Generator.load(bundle), Output(tmp_path / "a.png", animate=False), [5], None)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([5], "seed 5"),
        ([5, 6], "seeds 5, 6"),
        ([5, 6, 7], "seeds 5 to 7"),
        ([2**64 - 1, 0, 1], "seeds 18446744073709551615 to 1"),
        ([3, 8, 21], "seeds 3, 8, 21"),
    ],
)
def test_the_title_says_which_seeds(job: Job, seeds: list[int], words: str) -> None:
    asked = Job(job.generator, job.output, seeds, None)
    assert asked.title() == f"tiny: {words}"
    assert asked.title("pink hair", "", "blue eyes") == f"tiny: pink hair, blue eyes, {words}"


def test_pictures_become_as_large_as_their_row_has_room(job: Job) -> None:
    assert [job.enlargement(columns) for columns in (1, 2, 12, 13)] == [32, 16, 16, 8]
    assert Job(job.generator, job.output, [5], 3).enlargement(1) == 3


def test_a_shot_says_how_it_is_made_again(job: Job) -> None:
    complete = {"hair": "pink", "eyes": "blue"}
    assert Shot({"hair": "pink"}, 2**64 - 1).recipe(job.conditions) == {
        "seed": str(2**64 - 1), "condition": complete
    }  # fmt: skip
    assert Shot({"hair": "pink"}, 3, 8, 0.25).recipe(job.conditions) == {
        "seeds": ["3", "8"], "share": 0.25, "condition": complete
    }  # fmt: skip


def test_steps_and_squares() -> None:
    assert steps_of(5) == [0, 0.25, 0.5, 0.75, 1]
    assert [near_square(number) for number in (1, 2, 4, 5, 9, 10, 500)] == [1, 2, 2, 3, 3, 4, 12]
