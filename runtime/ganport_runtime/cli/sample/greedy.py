"""An option that takes every word up to the next one: `--images a.png b.png`."""

from __future__ import annotations

from collections.abc import Iterator

import click


class SeveralImages(click.Command):
    """A command whose `--images`, a `multiple` option, takes all the words that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_repeated(args, "--images")))


def _repeated(words: list[str], option: str) -> Iterator[str]:
    """`--images a b` as `--images a --images b`."""
    inside = 0  # words of the option so far, itself included
    for word in words:
        if word.startswith("-"):
            inside = int(word == option)
        elif inside:
            if inside > 1:
                yield option
            inside += 1
        yield word
