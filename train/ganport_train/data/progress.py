"""Progress bars on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NoReturn, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress_bar(title: str, total: int, unit: str, *, shown: bool) -> tqdm[NoReturn]:
    """Return a bar that the caller updates; it appears only if `shown`, and only on a terminal."""
    # tqdm takes None as "disable the bar unless stderr is a terminal".
    disable = None if shown else True
    return tqdm(total=total, desc=title, unit=f" {unit}", disable=disable, leave=False)


def track(items: Iterable[Item], title: str, total: int, unit: str) -> Iterator[Item]:
    """Yield `items`, of which there are `total`, and show a bar on a terminal."""
    with progress_bar(title, total, unit, shown=True) as bar:
        for item in items:
            yield item
            bar.update()


def track_blocks(
    total: int, size: int, title: str, unit: str, *, shown: bool
) -> Iterator[slice[int, int, None]]:
    """Yield the slices of `size` items that cover `total` items, and show a bar.

    The last slice is shorter if `size` does not divide `total`. The bar advances by the items of a
    slice when the caller asks for the next one.
    """
    with progress_bar(title, total, unit, shown=shown) as bar:
        for start in range(0, total, size):
            stop = min(start + size, total)
            yield slice(start, stop)
            bar.update(stop - start)
