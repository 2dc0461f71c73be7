from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.network import JudgeNetwork, prepare_images
from ganport_train.evaluation.judge.storage import save_judge

CPU = torch.device("cpu")
CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["black", "green", "aqua"]})


@pytest.fixture
def loaded(tmp_path: Path) -> Judge:
    torch.manual_seed(0)
    fields = {
        "conditions": CONDITIONS.to_json(),
        "resolution": 16,
        "width": 4,
        "settings": {"val_fraction": 0.25},
        "accuracy": {"hair": {"value": 0.75}, "eyes": {"value": 1}},
    }
    save_judge(tmp_path, JudgeNetwork(CONDITIONS.size, 4), fields)
    return Judge.load(tmp_path)


def noise(count: int, side: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_predict_returns_features_and_outputs_of_the_network(loaded: Judge) -> None:
    prediction = loaded.predict(noise(5))
    features, outputs = prediction.features, prediction.outputs
    assert (features.shape, features.dtype) == ((5, loaded.network.num_features), np.float32)
    assert (outputs.shape, outputs.dtype) == ((5, CONDITIONS.size), np.float32)
    np.testing.assert_array_equal(outputs, loaded.outputs(loaded.features(noise(5))))
    with torch.inference_mode():
        expected = loaded.network(prepare_images(noise(5), ImageFormat((16, 16)), CPU)).numpy()
    # Rounding of float32, 6e-8, over a dozen layers; another batch size takes other kernels.
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_predict_without_images_returns_empty_arrays(loaded: Judge) -> None:
    prediction = loaded.predict(noise(0))
    assert prediction.features.shape == (0, loaded.network.num_features)
    assert prediction.outputs.shape == (0, 5)


def test_features_do_not_depend_on_the_batch(loaded: Judge) -> None:
    images = noise(300)  # more than one batch
    parts = np.concatenate([loaded.features(images[:7]), loaded.features(images[7:])])
    np.testing.assert_allclose(loaded.features(images), parts, rtol=1e-4, atol=1e-5)


def test_features_of_a_memory_map_raise_no_warning(loaded: Judge, tmp_path: Path) -> None:
    noise(3).tofile(tmp_path / "images.u8")
    mapped = np.memmap(tmp_path / "images.u8", np.uint8, "r", shape=(3, 16, 16, 3))
    np.testing.assert_array_equal(loaded.features(mapped), loaded.features(noise(3)))


def test_load_keeps_the_metadata(loaded: Judge) -> None:
    assert (loaded.conditions, loaded.metadata.image.size) == (CONDITIONS, (16, 16))
    assert loaded.metadata.accuracy == {"hair": 0.75, "eyes": 1.0}
    assert loaded.metadata.val_fraction == 0.25
    assert not loaded.network.training
