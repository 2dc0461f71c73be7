"""Advice for a source that no format matches: the nearest layouts, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from ganport_train.data.file_formats import is_image, unread_images
from ganport_train.data.formats.base import Reader
from ganport_train.data.issues import DataError, quote
from ganport_train.data.source import Source

UNLABELED_RECIPE = "anime-dcgan"
"""A recipe without conditions, which trains on images without labels."""

_NEAREST = 3


def unknown_layout(source: Source, candidates: Sequence[Reader]) -> DataError:
    """Return the error of a source that has the format of none of the `candidates`."""
    layouts = [reader for reader in candidates if reader.has_labels or len(candidates) == 1]
    gaps = [(reader.gap(source), reader) for reader in layouts]
    # Sorting is stable: of equally near layouts the more common ones come first.
    nearest = sorted(gaps, key=lambda pair: pair[0].distance)[:_NEAREST]
    if len(candidates) == 1:
        expected = candidates[0].layout
    else:
        expected = f"a dataset, such as {_join([reader.title for _, reader in nearest], 'or')}"
    has_images = any(map(is_image, source.names))
    shown = [pair for pair in nearest if has_images or pair[0].distance == 1]
    advice = [f"For {reader.title}, add {gap.missing}." for gap, reader in shown]
    if not has_images:
        advice.append(_no_image_advice(source))
    elif len(candidates) > 1:
        advice.append(f"Without labels, train a recipe without conditions: {UNLABELED_RECIPE}.")
    return DataError(str(source), expected, _summarize(source), " ".join(advice))


def _no_image_advice(source: Source) -> str:
    unread = unread_images(source.names)
    if unread:
        return f"There are {unread[0].found}. {unread[0].fix}"
    return "Add images: a folder or zip needs them next to their labels."


def _summarize(source: Source) -> str:
    names = sorted(source.names, key=lambda name: (not is_image(name), name.count("/"), name))
    if not names:
        return "no usable file"
    examples = ", ".join(quote(name) for name in names[:3])
    images = sum(map(is_image, names))
    kind, count = ("image", images) if images else ("file", len(names))
    labels = " without labels" if images else ""
    such = "s" + labels + ", such as" if count > 1 else labels + ","
    return f"{count:,} {kind}{such} {examples}"


def _join(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
