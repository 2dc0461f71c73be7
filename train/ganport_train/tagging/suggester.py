"""Suggestions of labels, learned in the background from the tags so far."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import MAX_BYTES, load_image
from ganport_train.data.file_formats import readable_formats
from ganport_train.data.images import decoding_warnings
from ganport_train.data.issues import EntryError
from ganport_train.tagging.classifier import (
    MAX_IMAGES,
    MIN_IMAGES,
    SIZE,
    FeatureSpace,
    LabelClassifier,
    extract_features,
)
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.state import Choice

_PAUSE = 0.3
"""Seconds without a change before the classifiers learn again."""

_SUREST = 0.99
"""Largest confidence: a few left-out images do not show that an answer is certain."""

Json = dict[str, Any]


@dataclass(frozen=True)
class _Snapshot:
    """A copy of the labels: index of the label of each image, -1 without; -2 if left out."""

    revision: int
    groups: dict[str, tuple[str, ...]]
    labels: dict[str, NDArray[np.int64]]


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
        snapshot = self._take_snapshot()
        if not self._usable.any():
            return
        space = FeatureSpace.of(self._features[self._usable][:MAX_IMAGES])
        groups = {}
        for name, labels in snapshot.labels.items():
            rows = np.flatnonzero(self._usable & (labels >= 0))
            if len(rows) >= MIN_IMAGES and len(np.unique(labels[rows])) > 1:
                groups[name] = self._suggest(space, rows, labels, len(snapshot.groups[name]))
        self._latest = {"revision": snapshot.revision, "groups": groups}

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

    def _take_snapshot(self) -> _Snapshot:
        with self._session.changed:
            state, images = self._session.state, self._session.store.images
            # Suggestions are for groups of one label.
            groups = {name: ls for name, ls in state.groups.items() if name not in state.multiple}
            tags = [state.of(image) for image in images]
            revision = self._session.revision
        labels = {}
        for name, choices in groups.items():
            numbers: dict[Choice, int] = {label: number for number, label in enumerate(choices)}
            found = [numbers.get(entry.labels.get(name, ""), -1) for entry in tags]
            labels[name] = np.where([entry.left_out for entry in tags], -2, found)
        return _Snapshot(revision, groups, labels)

    def _suggest(
        self, space: FeatureSpace, rows: NDArray[np.int64], labels: NDArray[np.int64], count: int
    ) -> Json:
        learned = rows
        if len(rows) > MAX_IMAGES:
            learned = np.random.default_rng(0).choice(rows, MAX_IMAGES, replace=False)
        classifier = LabelClassifier.train(space, self._features[learned], labels[learned], count)
        open_rows = np.flatnonzero(self._usable & (labels == -1))
        found = classifier.predict(self._features[open_rows])
        numbers = zip(
            open_rows.tolist(), found.labels.tolist(), found.confidence.tolist(), strict=True
        )
        return {
            "accuracy": round(classifier.accuracy, 3),
            "learned": len(learned),
            "useful": classifier.is_useful,
            "labels": {
                index: [label, round(min(sure, _SUREST), 2)] for index, label, sure in numbers
            }
            if classifier.is_useful
            else {},
        }
