"""Tests of the light classifier: its accuracy is that of images that it has not seen."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ganport_train.synthetic.faces import draw_face
from ganport_train.tagging.classifier import (
    SIZE,
    Features,
    FeatureSpace,
    LabelClassifier,
    extract_features,
)

HAIR = ("pink", "black", "green", "blonde")
LEARNED, OTHERS = 60, 60


@pytest.fixture(scope="module")
def faces() -> tuple[Features, NDArray[np.int64]]:
    """Return the features of 120 faces, and the indices of their hair colors."""
    labels = np.random.default_rng(0).integers(0, len(HAIR), LEARNED + OTHERS)
    images = [draw_face(i, HAIR[label], "blue", 48) for i, label in enumerate(labels)]
    return np.stack([extract_features(image) for image in images]), labels


def test_classifier_finds_hair_colors_as_often_as_it_says(
    faces: tuple[Features, NDArray[np.int64]],
) -> None:
    features, labels = faces
    space = FeatureSpace.of(features)
    classifier = LabelClassifier.train(space, features[:LEARNED], labels[:LEARNED], len(HAIR))
    found, confidence = classifier.predict(features[LEARNED:])
    accuracy = np.mean(found == labels[LEARNED:])
    assert classifier.is_useful
    assert accuracy > 0.8
    assert accuracy == pytest.approx(classifier.accuracy, abs=0.12)
    assert accuracy == pytest.approx(confidence.mean(), abs=0.12)


def test_classifier_of_random_labels_is_not_useful(
    faces: tuple[Features, NDArray[np.int64]],
) -> None:
    features, _ = faces
    labels = np.random.default_rng(1).integers(0, 4, LEARNED)
    space = FeatureSpace.of(features)
    classifier = LabelClassifier.train(space, features[:LEARNED], labels, 4)
    assert not classifier.is_useful
    assert classifier.accuracy == pytest.approx(0.25, abs=0.2)


def test_classifier_takes_equal_images_and_no_images() -> None:
    features = np.zeros((30, SIZE), np.float16)
    labels = np.arange(30) % 2
    classifier = LabelClassifier.train(FeatureSpace.of(features), features, labels, 2)
    assert not classifier.is_useful
    labels, confidence = classifier.predict(features[:0])
    assert labels.shape == confidence.shape == (0,)


@pytest.mark.parametrize("size", [(1, 1), (300, 2), (64, 64)])
def test_features_of_any_size_are_finite(size: tuple[int, int]) -> None:
    features = extract_features(Image.new("RGB", size, "orange"))
    assert features.shape == (SIZE,)
    assert np.isfinite(features).all()
