"""Write the decoded images of a source to a cache entry, in the format that they need."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.images.format import CHANNELS
from ganport_runtime.images.pixels import apply_format
from ganport_train.data.cache import EntryWriter
from ganport_train.data.color_modes import Pixels, convert_mode
from ganport_train.data.file_formats import several_frames
from ganport_train.data.formats.base import Example, Reader
from ganport_train.data.image_options import AUTO, ImageOptions
from ganport_train.data.image_statistics import ImageStatistics
from ganport_train.data.images import DecodedImage, decode_all, probe_pixel_art
from ganport_train.data.issues import IssueLog
from ganport_train.data.source import Source


def resolve_pixelated(
    source: Source, names: Sequence[str], options: ImageOptions, reader: Reader
) -> tuple[ImageOptions, list[str]]:
    """Return the options with a decision on pixel art by some of the images, and notes about it."""
    if options.pixelated != AUTO:
        return options, []
    if options.mode == "gray":
        return replace(options, pixelated=False), []
    probe = probe_pixel_art(source, names, options, reader.framing)
    return replace(options, pixelated=probe.is_pixelated), list(probe.notes())


class ImageWriter:
    """Writes images in the smallest mode that holds them all, which grows as they come.

    Few RGBA images among many opaque ones are laid on white: the images are decoded twice then.
    """

    def __init__(
        self, writer: EntryWriter, source: Source, reader: Reader, options: ImageOptions
    ) -> None:
        self._writer, self._source, self._reader = writer, source, reader
        self._options = options
        self._notes: list[str] = []
        self._statistics = ImageStatistics(options)

    def write(
        self, examples: Sequence[Example], issues: IssueLog
    ) -> tuple[list[int], list[NDArray[np.uint8]]]:
        """Decode and write the images; return the numbers of those written, and thumbnails.

        An image that cannot be decoded becomes an issue.
        """
        names = [example.image for example in examples]
        options, self._notes = resolve_pixelated(self._source, names, self._options, self._reader)
        written = self._write_all(names, examples, issues, options)
        if mode := self._statistics.few_transparent:
            self._notes += self._statistics.notes()
            self._writer.clear()
            options = replace(options, mode=mode)
            written = self._write_all(names, examples, None, options)
        self._limit_colors()
        return written

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the entry about its images."""
        return {"image": self._statistics.image_format().to_json(), "notes": self._notes}

    def _write_all(
        self,
        names: Sequence[str],
        examples: Sequence[Example],
        issues: IssueLog | None,
        options: ImageOptions,
    ) -> tuple[list[int], list[NDArray[np.uint8]]]:
        self._statistics = ImageStatistics(options)
        kept: list[int] = []
        thumbnails: list[NDArray[np.uint8]] = []
        animated: list[str] = []
        decoded = decode_all(self._source, names, options, self._reader.framing)
        with closing(decoded) as images:
            for index, image in enumerate(images):
                if isinstance(image, DecodedImage):
                    self._add(image.pixels)
                    kept.append(index)
                    thumbnails.append(image.thumbnail)
                    animated += [names[index]] if image.frames > 1 else []
                elif issues is not None:
                    issues.add(examples[index].unreadable(image))
        if issues is not None:
            issues.add_all(several_frames(animated))
        return kept, thumbnails

    def _add(self, pixels: Pixels) -> None:
        statistics, before = self._statistics, self._statistics.mode
        statistics.add(pixels)
        if statistics.mode != before:
            shape = (*statistics.options.size, CHANNELS[before])
            self._writer.rewrite(shape, partial(convert_mode, mode=statistics.mode))
        self._writer.add(convert_mode(pixels, statistics.mode))

    def _limit_colors(self) -> None:
        """Replace the colors of the images by those of the palette, if they have more."""
        if self._statistics.changes_colors:
            image = self._statistics.image_format()
            shape = (*image.size, image.channels)
            # The pixels that are rewritten are read-only, and `apply_format` works in place.
            self._writer.rewrite(shape, lambda pixels: apply_format(pixels.copy(), image))
