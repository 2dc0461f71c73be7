"""Images without labels: every image of a source, for recipes without conditions."""

from __future__ import annotations

from collections.abc import Sequence

from ganport_runtime.conditions import Conditions
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.base import Example, Gap, Reader
from ganport_train.data.issues import IssueLog
from ganport_train.data.source import Source


class Unlabeled(Reader):
    """Reader of images alone, in the order of their names.

    Every source with images has this format, so it is used only if it is named, or if the recipe
    has no conditions and no other format matches.
    """

    format = "images"
    title = "images without labels"
    layout = "images"
    is_table = False
    has_labels = False

    def detect(self, source: Source) -> bool:
        return any(map(is_image, source.names))

    def gap(self, source: Source) -> Gap:
        return Gap(1, "images")

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        names = sorted(filter(is_image, source.names))
        return [Example(name, name, name, None, {}) for name in names]

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        return Conditions()
