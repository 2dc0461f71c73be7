"""Images without a table: one folder per class (torchvision's ImageFolder), or no labels."""

from __future__ import annotations

from collections.abc import Sequence

from ganport_runtime.conditions import Conditions
from ganport_train.data.encodings import compose
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.base import Contents, Example, Gap, Reader, one_hot_groups
from ganport_train.data.formats.image_index import unlabeled
from ganport_train.data.issues import IssueLog, quote
from ganport_train.data.source import Source

GROUP = "class"
SPLIT_FOLDERS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Lower-case names of folders that hold a part of a dataset and are not classes."""

_MIN_CLASSES = 2


class ImageFolder(Reader):
    """Reader of class folders: the name of a folder labels every image below it.

    Enclosing folders are skipped: a single top folder, and top folders that are all
    `SPLIT_FOLDERS`. Images of all splits are read, because ganport makes its own split.
    """

    format = "image_folder"
    title = "class folders"
    layout = "at least two folders of images, one for each class"
    is_table = False

    def detect(self, source: Source) -> bool:
        return len(set(_labels(source).values()) - {""}) >= _MIN_CLASSES

    def gap(self, source: Source) -> Gap:
        folders = sorted({name.rpartition("/")[0] for name in source.names if is_image(name)})
        if len(folders) == 1 and folders[0]:
            return Gap(1, f"a second folder of images: all images are in {quote(folders[0])}")
        return Gap(2, "a folder for each class, with the images of the class in it")

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        examples: list[Example] = []
        found = _labels(source)
        for name, label in found.items():
            if label:
                examples.append(Example(name, name, name, None, {GROUP: label}))
            else:
                fix = "Move the image into a class folder or remove it."
                issues.add(unlabeled(name, "a class folder that contains the image", fix))
        labels = sorted({*found.values()} - {""})
        return Contents(examples, lambda: one_hot_groups({GROUP: labels}, str(source)))


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

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        names = sorted(filter(is_image, source.names))
        return Contents([Example(name, name, name, None, {}) for name in names], Conditions)


def _labels(source: Source) -> dict[str, str]:
    """Return the class of each image by its name; "" for an image outside the class folders."""
    images = sorted(name for name in source.names if is_image(name))
    folders = [name.split("/")[:-1] for name in images]
    while _are_enclosing({path[0] for path in folders if path}):
        folders = [path[1:] for path in folders]
    return {
        name: compose(path[0]) if path else "" for name, path in zip(images, folders, strict=True)
    }


def _are_enclosing(tops: set[str]) -> bool:
    """Return whether these top folders enclose the class folders."""
    return len(tops) == 1 or (len(tops) > 1 and {top.lower() for top in tops} <= SPLIT_FOLDERS)
