"""The progress bars of a load."""

from __future__ import annotations

from typing import NoReturn

from tqdm import tqdm


def progress_bar(title: str, total: int, unit: str, *, shown: bool) -> tqdm[NoReturn]:
    """A bar on stderr, to be updated by hand; only on a terminal, and only if `shown`."""
    # None asks tqdm to look whether a person watches.
    disable = None if shown else True
    return tqdm(total=total, desc=title, unit=f" {unit}", disable=disable, leave=False)
