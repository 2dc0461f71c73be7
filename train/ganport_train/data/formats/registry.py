"""The sources and formats of datasets: how a reader is chosen, and advice if there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_runtime.values import format_choices, suggestion
from ganport_train.data.file_formats import is_image, unread_images
from ganport_train.data.formats.base import Reader
from ganport_train.data.formats.celeba import CelebA
from ganport_train.data.formats.header_table import HeaderTable
from ganport_train.data.formats.iclevr import IClevr
from ganport_train.data.formats.image_folder import ImageFolder, Unlabeled
from ganport_train.data.formats.sidecars import Sidecars
from ganport_train.data.formats.stylegan_json import StyleGanJson
from ganport_train.data.formats.tagged_csv import TaggedCsv
from ganport_train.data.image_options import AUTO as AUTO
from ganport_train.data.issues import DataError, Issue, quote
from ganport_train.data.signatures import misnamed_images
from ganport_train.data.source import FolderSource, Source, Subfolder, top_folder
from ganport_train.data.zip_source import ZipSource

READERS: tuple[Reader, ...] = (
    *(TaggedCsv(), IClevr(), CelebA(), StyleGanJson(), HeaderTable()),
    *(ImageFolder(), Sidecars(), Unlabeled()),
)
"""In order of detection: the first reader that detects its format reads the source.

`Unlabeled` reads a source only if it is named or labels are not needed."""
FORMATS = (AUTO, *(reader.format for reader in READERS))
UNLABELED_RECIPE = "anime-dcgan"
"""A recipe without conditions, which trains on images without labels."""

_NEAREST = 3  # layouts that an error names


def open_source(path: Path | str) -> Source:
    """Open a folder or zip file; raises `DataError` for anything else."""
    path = Path(path)
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    found = "something else" if path.exists() else "no such file"
    raise DataError(str(path), "a folder or a zip file", found, "Check the path.")


def enter_top_folder(source: Source) -> Source:
    """Return the only folder at the top of a source if the table of labels is in it.

    Otherwise return the source itself, in which folders may be classes.
    """
    folder = top_folder(source)
    if folder is None:
        return source
    inner = Subfolder(source, folder)
    has_table = any(reader.is_table and reader.detect(inner) for reader in READERS)
    return inner if has_table else source


def source_issues(source: Source) -> list[Issue]:
    """Return the issues of the files of a source, whatever its format is."""
    return [*source.notes, *source.rejected, *_unread(source)]


def _unread(source: Source) -> list[Issue]:
    names = source.names
    return [*unread_images(names), *misnamed_images(names, source.read_start)]


def choose_reader(
    source: Source, format: str = AUTO, attributes: Sequence[str] = (), *, labeled: bool = True
) -> Reader:
    """Return the reader of `format`, or the first that detects its format in `source`.

    A source without labels is read only with the format "images", or with `labeled` False. Raises
    `DataError` for an unknown format, a source of another format, and `attributes` that the format
    cannot select.
    """
    if format not in FORMATS:
        raise DataError(
            "format", f"one of {', '.join(FORMATS)}", quote(format), suggestion(format, FORMATS)
        )
    candidates = [reader for reader in READERS if format in (AUTO, reader.format)]
    for reader in candidates:
        is_allowed = reader.has_labels or not labeled or format != AUTO
        if is_allowed and reader.detect(source):
            _check_selection(source, reader, attributes)
            return reader
    raise _unknown_layout(source, candidates)


def resolve_attributes(
    reader: Reader, requested: Sequence[str], conditions: Conditions | None
) -> Sequence[str]:
    """Return the attributes to read: the requested ones, else those of fixed `conditions`.

    Raises `DataError` if the two differ.
    """
    if not reader.supports_attribute_selection or conditions is None:
        return requested
    signed = [group for group in conditions.groups if isinstance(group, SignedMultiHot)]
    fixed = [label for group in signed for label in group.labels]
    if requested and fixed and set(requested) != set(fixed):
        # An attribute that is fixed but not read would look like one that is off.
        raise DataError(
            "attributes",
            f"those of the fixed conditions, {format_choices(fixed)}",
            format_choices(requested),
            "Leave the attributes out, or name these in [conditions].",
        )
    return requested or fixed


def _check_selection(source: Source, reader: Reader, attributes: Sequence[str]) -> None:
    if attributes and not reader.supports_attribute_selection:
        raise DataError(
            str(source),
            "a dataset with attributes to select",
            reader.title,
            "Leave the attributes out, or name the format: celeba.",
        )


def _unknown_layout(source: Source, candidates: Sequence[Reader]) -> DataError:
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
    if source.rejected:  # without them, the other files may look like another layout
        first = source.rejected[0].message(str(source))
        advice.insert(0, f"{len(source.rejected):,} files are refused. The first: {first}")
    elif not has_images:
        advice.append(_no_image_advice(source))
    if has_images and len(candidates) > 1:
        advice.append(f"Without labels, train a recipe without conditions: {UNLABELED_RECIPE}.")
    return DataError(str(source), expected, _summarize(source), " ".join(advice))


def _no_image_advice(source: Source) -> str:
    unread = _unread(source)
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
