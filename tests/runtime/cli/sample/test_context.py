from dataclasses import replace
from pathlib import Path

import pytest

from ganport_runtime import Generator
from ganport_runtime.cli.sample.context import (
    Output,
    SampleContext,
    even_fractions,
    square_columns,
)
from ganport_runtime.cli.sample.spec import ImageSpec


@pytest.fixture
def context(bundle: Path, tmp_path: Path) -> SampleContext:
    return SampleContext(
        Generator.load(bundle), Output(tmp_path / "a.png", animate=False), [5], None
    )


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([5], "seed 5"),
        ([5, 6], "seeds 5, 6"),
        ([5, 6, 7], "seeds 5 to 7"),
        ([2**64 - 1, 0, 1], "seeds 18446744073709551615 to 1"),
        ([3, 8, 21], "seeds 3, 8, 21"),
    ],
)
def test_title_contains_the_seeds(context: SampleContext, seeds: list[int], text: str) -> None:
    other = replace(context, seeds=seeds)
    assert other.title() == f"tiny: {text}"
    assert other.title("pink hair", "", "blue eyes") == f"tiny: pink hair, blue eyes, {text}"


def test_resolve_scale_depends_on_the_number_of_columns(context: SampleContext) -> None:
    assert [context.resolve_scale(columns) for columns in (1, 2, 12, 13)] == [32, 16, 16, 8]
    assert replace(context, scale=3).resolve_scale(1) == 3


def test_metadata_of_a_spec_describes_the_image(context: SampleContext) -> None:
    complete = {"hair": "pink", "eyes": "blue"}
    assert ImageSpec({"hair": "pink"}, 2**64 - 1).to_metadata(context.conditions) == {
        "seed": str(2**64 - 1), "condition": complete
    }  # fmt: skip
    assert ImageSpec({"hair": "pink"}, 3, 8, 0.25).to_metadata(context.conditions) == {
        "seeds": ["3", "8"], "share": 0.25, "condition": complete
    }  # fmt: skip


def test_even_fractions_and_square_columns() -> None:
    assert even_fractions(5) == [0, 0.25, 0.5, 0.75, 1]
    assert [square_columns(count) for count in (1, 2, 4, 5, 9, 10, 500)] == [1, 2, 2, 3, 3, 4, 12]
