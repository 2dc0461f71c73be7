from typing import Any

import click
import pytest
from click.testing import CliRunner

from ganport_runtime.cli.condition_args import GreedyCommand


@click.command(cls=GreedyCommand)
@click.argument("bundle")
@click.argument("text", required=False)
@click.option("--images", multiple=True)
@click.option("--strengths")
@click.option("--set", "settings", multiple=True)
def show(bundle: str, text: str | None, images: Any, strengths: str | None, settings: Any) -> None:
    click.echo(repr((bundle, text, list(images or settings), strengths)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("B", ("B", None, [], None)),
        ("B --images a", ("B", None, ["a"], None)),
        ("B T --images a b c --strengths -1,0", ("B", "T", ["a", "b", "c"], "-1,0")),
        ("B --images a b --strengths -1 T", ("B", "T", ["a", "b"], "-1")),
        ("B --images a --images b c", ("B", None, ["a", "b", "c"], None)),
        ("--images a b -- B T", ("B", "T", ["a", "b"], None)),
        ("B --images=a T", ("B", "T", ["a"], None)),
        ("B --set a=1 b=2", ("B", None, ["a=1", "b=2"], None)),
        ("--set a=1 b=2 B T", ("B", "T", ["a=1", "b=2"], None)),
        ("B --set a=-1 --set b=2 c=3 --strengths 1", ("B", None, ["a=-1", "b=2", "c=3"], "1")),
        ("B --set wrong T", ("B", "T", ["wrong"], None)),
    ],
)
def test_images_option_takes_all_words_up_to_the_next_option(words: str, expected: Any) -> None:
    result = CliRunner().invoke(show, words.split())
    assert result.output.strip() == repr(expected)


def test_images_option_without_a_word_exits_2() -> None:
    result = CliRunner().invoke(show, ["B", "--images"])
    assert result.exit_code == 2
    assert "--images" in result.output
