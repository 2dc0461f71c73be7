"""One tagging session: requests of the page become changes that are saved at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Condition
from typing import Any

from ganport_runtime.errors import RequestError
from ganport_runtime.values import repr_short
from ganport_train.tagging.state import Choice, ImageTags, check_name
from ganport_train.tagging.store import TagStore
from ganport_train.tagging.table import is_group_name

Json = dict[str, Any]


class TagSession:
    """The tags of a folder, shared by the page and the thread of suggestions.

    `changed` is notified after each change; it also guards `state` and `revision`.
    """

    def __init__(self, store: TagStore) -> None:
        self.store, self.state = store, store.load()
        self.changed = Condition()
        self.revision = 0
        self._rows = len(self.store.rows(self.state))

    def snapshot(self) -> Json:
        """Return everything that the page shows."""
        with self.changed:
            return {
                "folder": str(self.store.folder.resolve()),
                "table": self.store.table.name,
                "images": self.store.images,
                **self._summary(self.store.images),
            }

    def change(self, request: Any) -> Json:
        """Apply a request of the page, save, and return what changed.

        Raises `RequestError` for a request outside the format; then nothing is changed. If the
        disk is full, the change is dropped.
        """
        with self.changed:
            before = self.state.copy()
            images = self._apply(request)
            try:
                self._rows = self.store.save(self.state)
            except OSError:
                self.state = before
                raise
            self.revision += 1
            self.changed.notify_all()
            return self._summary(images)

    def image_name(self, index: object) -> str:
        """Return the name of an image; raises `RequestError` for no index of an image."""
        names = self.store.images
        if type(index) is not int or not 0 <= index < len(names):
            raise _request_error(f"an image from 0 to {len(names) - 1}", index)
        return names[index]

    def _summary(self, images: Any) -> Json:
        index = {image: number for number, image in enumerate(self.store.images)}
        tags = {index[image]: self.state.of(image) for image in images}
        return {
            "revision": self.revision,
            "groups": [
                {"name": name, "labels": labels, "multiple": name in self.state.multiple}
                for name, labels in self.state.groups.items()
            ],
            "tags": {
                number: {"labels": dict(entry.labels), "left_out": entry.left_out}
                for number, entry in tags.items()
            },
            "rows": self._rows,
            "table_groups": self.state.table_groups(),
            "can_undo": self.state.can_undo,
            "can_redo": self.state.can_redo,
            "notices": self.store.notices,
        }

    def _apply(self, request: Any) -> list[str]:
        if not isinstance(request, dict):
            raise _request_error("a change", request)
        state = self.state
        actions: dict[object, Callable[[], list[str]]] = {
            "tag": lambda: state.tag(self._changes(request)),
            "add_group": lambda: state.add_group(
                self._new_group(request, "group"), _names(request), multiple=self._multiple(request)
            ),
            "rename_group": lambda: state.rename_group(
                _text(request, "group"), self._new_group(request, "name")
            ),
            "remove_group": lambda: state.remove_group(_text(request, "group")),
            "add_label": lambda: state.add_label(_text(request, "group"), _name(request, "label")),
            "rename_label": lambda: state.rename_label(
                _text(request, "group"), _text(request, "label"), _name(request)
            ),
            "remove_label": lambda: state.remove_label(
                _text(request, "group"), _text(request, "label")
            ),
            "undo": state.undo,
            "redo": state.redo,
        }
        action = request.get("action")
        if not isinstance(action, str) or action not in actions:
            raise _request_error(f"one of {', '.join(map(str, actions))}", action)
        return actions[action]()

    def _new_group(self, request: Json, key: str) -> str:
        name = _name(request, key)
        if name in self.store.layout.extras or not is_group_name(name):
            expected, fix = "a name that is no other column of a table", "Choose another name."
            raise RequestError("group", expected, repr_short(name), fix)
        return name

    def _multiple(self, request: Json) -> bool:
        is_multiple = request.get("multiple", False)
        if not isinstance(is_multiple, bool):
            raise _request_error("true or false for multiple", is_multiple)
        if is_multiple and not self.store.layout.has_header:
            expected, fix = "one label of each group", "Add a group for each label."
            raise RequestError(self.store.table.name, expected, "a group of several labels", fix)
        return is_multiple

    def _changes(self, request: Json) -> dict[str, ImageTags]:
        """Return the new tags of each image of a request; later parts overrule earlier ones."""
        changes: dict[str, ImageTags] = {}
        for part in _list(request, "changes"):
            if not isinstance(part, dict):
                raise _request_error("a change of images", part)
            labels = _labels(part.get("labels", {}))
            left_out = part.get("left_out")
            for index in _list(part, "images"):
                name = self.image_name(index)
                tags = changes.get(name, self.state.of(name)).with_labels(labels)
                if isinstance(left_out, bool):
                    tags = replace(tags, left_out=left_out)
                changes[name] = tags
        return changes


def _labels(value: Any) -> Mapping[str, Choice | None]:
    if not isinstance(value, dict):
        raise _request_error("labels of groups", value)
    return {group: _choice(choice) for group, choice in value.items()}


def _choice(value: Any) -> Choice | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(label, str) for label in value):
        return tuple(dict.fromkeys(value))
    raise _request_error("a label, a list of labels, or null", value)


def _list(request: Json, key: str) -> list[Any]:
    value = request.get(key)
    if not isinstance(value, list):
        raise _request_error(f"a list of {key}", value)
    return value


def _text(request: Json, key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise _request_error(f"the name of a {key}", value)
    return value


def _name(request: Json, key: str = "name") -> str:
    return check_name(request.get(key))


def _names(request: Json) -> list[str]:
    return [check_name(label) for label in _list({"labels": [], **request}, "labels")]


def _request_error(expected: str, found: object) -> RequestError:
    return RequestError("request", expected, repr_short(found), "Reload the page.")
