"""Suggestions of labels, learned in the background from the tags so far."""

from __future__ import annotations

from threading import Thread
from typing import Any

import numpy as np

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import MAX_BYTES, load_image
from ganport_train.data.file_formats import readable_formats
from ganport_train.data.images import decoding_warnings
from ganport_train.data.issues import EntryError
from ganport_train.tagging.classifier import MAX_IMAGES, SIZE, FeatureSpace, extract_features
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.suggestions import GroupTags, suggest

_PAUSE = 0.3
"""Seconds without a change before the classifiers learn again."""

Json = dict[str, Any]


class Suggester(Thread):
    """A daemon thread that reads all images once, and learns after each change of the tags."""

    def __init__(self, session: TagSession) -> None:
        super().__init__(daemon=True, name="suggestions")
        self._session = session
        self._features = np.zeros((len(session.store.images), SIZE), np.float16)
        self._usable = np.zeros(len(session.store.images), bool)
        self._read = 0
        self._latest: Json = {"revision": -1, "groups": {}}

    def run(self) -> None:
        """Read the images, then learn after each change."""
        with decoding_warnings():
            self._read_images()
        self.learn()
        while True:
            self._wait_for_change()
            self.learn()

    def latest(self) -> Json:
        """Return the last suggestions, and how many images are read."""
        return {**self._latest, "read": self._read, "total": len(self._usable)}

    def learn(self) -> None:
        """Learn from the current tags, and suggest labels for all images without."""
        revision, tags = self._take_snapshot()
        if not self._usable.any():
            return
        space = FeatureSpace.of(self._features[self._usable][:MAX_IMAGES])
        found = {
            name: suggest(space, self._features, self._usable, group)
            for name, group in tags.items()
        }
        groups = {name: result for name, result in found.items() if result}
        self._latest = {"revision": revision, "groups": groups}

    def _read_images(self) -> None:
        source = self._session.store.source
        for index, name in enumerate(self._session.store.images):
            try:
                image = load_image(source.read(name, MAX_BYTES), formats=readable_formats()).pixels
                self._features[index] = extract_features(image)
                self._usable[index] = True
            except (RequestError, EntryError):
                pass  # the page shows the error instead
            self._read = index + 1

    def _wait_for_change(self) -> None:
        with self._session.changed:
            while self._session.revision == self._latest["revision"]:
                self._session.changed.wait()
            while self._session.changed.wait(_PAUSE):
                pass

    def _take_snapshot(self) -> tuple[int, dict[str, GroupTags]]:
        """Return the revision, and a copy of the tags of each group."""
        with self._session.changed:
            state, revision = self._session.state, self._session.revision
            groups, multiple = state.groups, state.multiple
            tags = [state.of(image) for image in self._session.store.images]
        return revision, {
            name: GroupTags.of(name, labels, tags, multiple=name in multiple)
            for name, labels in groups.items()
        }
