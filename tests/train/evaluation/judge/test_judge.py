"""A judge that was loaded sees the same whatever the batch, the size and the kind of array."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.judge import file, judge
from ganport_train.evaluation.judge.judge import Judge, prepare
from ganport_train.evaluation.judge.network import JudgeNetwork

CPU = torch.device("cpu")
CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["black", "green", "aqua"]})


@pytest.fixture
def loaded(tmp_path: Path) -> Judge:
    torch.manual_seed(0)
    facts = {
        "conditions": CONDITIONS.to_json(),
        "resolution": 16,
        "width": 4,
        "settings": {"held_out": 0.25},
        "accuracy": {"hair": {"value": 0.75}, "eyes": {"value": 1}},
    }
    file.save(tmp_path, JudgeNetwork(CONDITIONS.size, 4), facts)
    return Judge.load(tmp_path)


def noise(count: int, side: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_it_looks(loaded: Judge) -> None:
    look = loaded.look(noise(5))
    assert (look.features.shape, look.features.dtype) == ((5, loaded.network.size), np.float32)
    assert (look.outputs.shape, look.outputs.dtype) == ((5, CONDITIONS.size), np.float32)
    np.testing.assert_array_equal(look.outputs, loaded.outputs(loaded.features(noise(5))))
    with torch.inference_mode():
        expected = loaded.network(prepare(noise(5), 16, CPU)).numpy()
    np.testing.assert_allclose(look.outputs, expected, rtol=1e-5, atol=1e-6)


def test_no_pictures_no_outputs(loaded: Judge) -> None:
    look = loaded.look(noise(0))
    assert (look.features.shape, look.outputs.shape) == ((0, loaded.network.size), (0, 5))


def test_a_picture_is_seen_alone(loaded: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = loaded.features(noise(7))
    monkeypatch.setattr(judge, "_BATCH", 3)
    np.testing.assert_allclose(loaded.features(noise(7)), whole, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(judge, "_PIXELS", 1)  # pictures too large for two to fit
    np.testing.assert_allclose(loaded.features(noise(7)), whole, rtol=1e-4, atol=1e-5)


def test_pictures_mapped_from_disk_are_seen_without_a_warning(
    loaded: Judge, tmp_path: Path
) -> None:
    noise(3).tofile(tmp_path / "images.u8")
    mapped = np.memmap(tmp_path / "images.u8", np.uint8, "r", shape=(3, 16, 16, 3))
    np.testing.assert_array_equal(loaded.features(mapped), loaded.features(noise(3)))


def test_its_facts_are_those_of_the_card(loaded: Judge) -> None:
    assert (loaded.conditions, loaded.resolution) == (CONDITIONS, 16)
    assert loaded.real == {"hair": 0.75, "eyes": 1.0}
    assert loaded.card["settings"] == {"held_out": 0.25}
    assert not loaded.network.training


def test_levels_become_numbers_from_minus_1_to_1() -> None:
    levels = np.array([0, 255, 51], np.uint8)
    batch = prepare(np.broadcast_to(levels, (1, 16, 16, 3)), 16, CPU)
    assert batch.shape == (1, 3, 16, 16)
    assert batch[0, :, 3, 5].tolist() == pytest.approx([-1, 1, -0.6])


def test_other_sizes_are_resized_with_a_triangle_as_wide_as_the_step() -> None:
    # Four columns to two: the triangle about the first centre, 0.5, weighs 0.75, 0.75 and 0.25.
    columns = np.array([0, 70, 140, 210], np.uint8)
    images = np.broadcast_to(columns[None, None, :, None], (1, 4, 4, 3))
    found = (prepare(images, 2, CPU) + 1) * 127.5
    first = (0.75 * 0 + 0.75 * 70 + 0.25 * 140) / 1.75
    assert found[0, 0].tolist() == [pytest.approx([first, 210 - first], rel=1e-4)] * 2


@pytest.mark.parametrize("shape", [(9, 9), (40, 24), (1, 1)])
def test_a_plain_picture_stays_plain_at_any_size(shape: tuple[int, int]) -> None:
    batch = prepare(np.full((2, *shape, 3), 102, np.uint8), 16, CPU)
    assert batch.shape == (2, 3, 16, 16)
    assert batch.numpy() == pytest.approx(np.full(batch.shape, -0.2), abs=1e-5)
