"""Tests of the classifier of several labels: its probabilities are those of new images."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ganport_train.tagging.classifier import SIZE, Features, FeatureSpace, extract_features
from ganport_train.tagging.label_sets import Bools, LabelSetClassifier, Sigmoids

RATES = (0.4, 0.2, 0.08, 0.4, 0.0)
"""Frequencies of a red hat, a blue bag, a thin stick, a label that no image shows, and none."""
VISIBLE, INVISIBLE, UNUSED = slice(0, 3), 3, 4
LEARNED, OTHERS = 80, 120


def draw_things(index: int, has: Bools) -> Image.Image:
    random = np.random.default_rng(index)
    pixels = np.clip(120 + random.integers(-40, 40, (48, 48, 3)), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    if has[0]:
        draw.rectangle((8, 2, 40, 12), fill=(200, 40, 40))
    if has[1]:
        draw.ellipse((2 + int(random.integers(0, 6)), 26, 18, 44), fill=(40, 60, 200))
    if has[2]:
        draw.line((30, 44, 46, 20), fill=(20, 20, 20), width=3)
    return image


@pytest.fixture(scope="module")
def things() -> tuple[Features, Bools]:
    """Return the features of 200 images, and which of five labels each has."""
    has = np.random.default_rng(0).random((LEARNED + OTHERS, len(RATES))) < RATES
    images = [draw_things(index, row) for index, row in enumerate(has)]
    return np.stack([extract_features(image) for image in images]), has


@pytest.fixture(scope="module")
def classifier(things: tuple[Features, Bools]) -> LabelSetClassifier:
    features, has = things
    return LabelSetClassifier.train(FeatureSpace.of(features), features[:LEARNED], has[:LEARNED])


def test_visible_labels_are_found_as_often_as_their_probability_says(
    things: tuple[Features, Bools], classifier: LabelSetClassifier
) -> None:
    features, has = things
    found = classifier.predict(features[LEARNED:])
    assert classifier.known.tolist() == [True, True, True, False, False]
    correct = (found >= 0.5)[:, VISIBLE] == has[LEARNED:, VISIBLE]
    assert correct.mean() > 0.97
    assert found.mean(axis=0) == pytest.approx(has[LEARNED:].mean(axis=0), abs=0.1)


def test_probability_of_a_label_that_is_not_known_is_its_frequency(
    things: tuple[Features, Bools], classifier: LabelSetClassifier
) -> None:
    features, has = things
    found = classifier.predict(features[LEARNED:])
    assert np.ptp(found[:, [INVISIBLE, UNUSED]], axis=0) == pytest.approx(0)
    assert found[0, INVISIBLE] == pytest.approx(has[:LEARNED, INVISIBLE].mean(), abs=0.02)
    assert 0 < found[0, UNUSED] < 0.02


def test_accuracy_counts_images_whose_labels_are_all_found(
    things: tuple[Features, Bools], classifier: LabelSetClassifier
) -> None:
    features, has = things
    answers = (classifier.predict(features[LEARNED:]) >= 0.5) & classifier.known
    exact = (answers == has[LEARNED:]).all(axis=1).mean()
    assert classifier.accuracy == pytest.approx(exact, abs=0.12)


@pytest.mark.parametrize("count", [20, 60])
def test_random_labels_are_rarely_known(things: tuple[Features, Bools], count: int) -> None:
    features, _ = things
    space, known = FeatureSpace.of(features), list[bool]()
    for seed in range(6):
        has = np.random.default_rng(seed).random((count, 3)) < (0.5, 0.3, 0.1)
        known += LabelSetClassifier.train(space, features[:count], has).known.tolist()
    assert np.mean(known) < 0.15


def test_classifier_takes_equal_images_and_no_images() -> None:
    features, has = np.zeros((30, SIZE), np.float16), np.arange(60).reshape(30, 2) % 4 == 0
    classifier = LabelSetClassifier.train(FeatureSpace.of(features), features, has)
    assert not classifier.known.any()
    assert classifier.predict(features[:0]).shape == (0, 2)
    assert np.isfinite(classifier.predict(features[:3])).all()


@pytest.mark.parametrize("positives", [1, 3, 50, 99])
def test_sigmoids_have_the_least_loss(positives: int) -> None:
    random = np.random.default_rng(positives)
    has = (np.arange(100) < positives)[:, None]
    scores = has * 0.5 + random.normal(0, 0.2, (100, 1))
    sigmoids = Sigmoids.train(scores, has)
    assert sigmoids.slopes[0] > 0
    targets = np.where(has, (positives + 1) / (positives + 2), 1 / (102 - positives))
    least = sigmoids.losses(scores, targets)[0]
    for slope, offset in ((0.9, 0.0), (1.1, 0.0), (1.0, 0.1), (1.0, -0.1)):
        other = Sigmoids(slope * sigmoids.slopes, sigmoids.offsets + offset)
        assert other.losses(scores, targets)[0] > least - 1e-6


def test_sigmoid_never_falls_with_the_score() -> None:
    # The mean of the other images is lower for an image that has the label.
    has = (np.arange(40) % 4 == 0)[:, None]
    scores = (has.sum() - has) / 39
    sigmoids = Sigmoids.train(scores, has)
    assert sigmoids.slopes[0] == 0
    assert sigmoids.probabilities(scores)[0, 0] == pytest.approx(0.25, abs=0.05)
