"""Class folders: `CLASS/….png`, the layout of torchvision's ImageFolder."""

from __future__ import annotations

from collections.abc import Sequence

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats.reader import Example, Trials
from ganport_train.data.formats.tables import check_labels, is_picture, untagged
from ganport_train.data.images import Framing
from ganport_train.data.issues import IssueLog
from ganport_train.data.source import Source

GROUP = "class"
PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Folders, in small letters, that hold part of a data set and are no class."""

_FEWEST = 2


class ClassFolders:
    """The reader of class folders: a folder's name is the label of every picture below it.

    One folder around them all is looked through, and so are `train`, `val` and `test` where there
    is nothing else: all their pictures are read, as the split is drawn later.
    """

    kind = "classes"
    name = "class folders"
    layout = "at least two folders of pictures, one for each class"
    framing: Framing = "centre"
    staged = False
    selects = False

    def recognises(self, source: Source) -> bool:
        return len(set(_labels(source).values()) - {""}) >= _FEWEST

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        examples: list[Example] = []
        for name, label in _labels(source).items():
            if label:
                examples.append(Example(name, name, name, None, {GROUP: label}))
            else:
                fix = "Move the picture into one or remove it."
                issues.add(untagged(name, "a folder of its class around each picture", fix))
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        labels = {example.request[GROUP] for example in examples}
        check_labels(GROUP, labels, str(source))
        return Conditions.one_hots({GROUP: sorted(labels)})

    def test_prompts(self, source: Source) -> Trials:
        return {}


def _labels(source: Source) -> dict[str, str]:
    """The class of each picture by its name; nothing for one beside the folders."""
    pictures = sorted(name for name in source.names if is_picture(name))
    folders = [name.split("/")[:-1] for name in pictures]
    while _are_shells({path[0] for path in folders if path}):
        folders = [path[1:] for path in folders]
    return {name: path[0] if path else "" for name, path in zip(pictures, folders, strict=True)}


def _are_shells(tops: set[str]) -> bool:
    """Whether these folders lie around the class folders."""
    return len(tops) == 1 or (len(tops) > 1 and {top.lower() for top in tops} <= PARTS)
