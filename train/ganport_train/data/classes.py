"""Class folders: `CLASS/….png`, the layout of torchvision's ImageFolder."""

from __future__ import annotations

from collections.abc import Sequence

from ganport_runtime.conditions import Conditions
from ganport_train.data.faces import check_labels
from ganport_train.data.pictures import Framing
from ganport_train.data.problems import Fault, Problem, Problems
from ganport_train.data.reader import Example, Trials
from ganport_train.data.source import Source
from ganport_train.data.tables import is_picture

GROUP = "class"
_FEWEST = 2


class ClassFolders:
    """The reader of class folders: a folder's name is the label of every picture below it.

    One folder around them all, such as `train`, is looked through.
    """

    kind = "classes"
    name = "class folders"
    layout = "at least two folders of pictures, one for each class"
    framing: Framing = "centre"
    selects = False

    def recognises(self, source: Source) -> bool:
        return len({_label(name, _root(source)) for name in _pictures(source)} - {""}) >= _FEWEST

    def read(
        self, source: Source, problems: Problems, attributes: Sequence[str] = ()
    ) -> list[Example]:
        root = _root(source)
        examples: list[Example] = []
        for name in _pictures(source):
            label = _label(name, root)
            if label:
                examples.append(Example(name, name, name, None, {GROUP: label}))
            else:
                problems.add(_stray(name))
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        labels = {example.request[GROUP] for example in examples}
        check_labels(GROUP, labels, str(source))
        return Conditions.one_hots({GROUP: sorted(labels)})

    def trials(self, source: Source) -> Trials:
        return {}


def _pictures(source: Source) -> list[str]:
    return sorted(name for name in source.names if is_picture(name))


def _root(source: Source) -> str:
    """The one folder, with its slash, that holds all class folders; or nothing."""
    pictures = _pictures(source)
    tops = {name.partition("/")[0] for name in pictures}
    deep = all(name.count("/") >= 2 for name in pictures)
    return f"{tops.pop()}/" if len(tops) == 1 and deep else ""


def _label(name: str, root: str) -> str:
    return name.removeprefix(root).rpartition("/")[0].partition("/")[0]


def _stray(name: str) -> Problem:
    fault = Fault(
        expected="every picture in a folder of its class",
        found="one beside the folders",
        fix="Move the picture into one, or remove it.",
    )
    return Problem.of(fault, "tags", name)
