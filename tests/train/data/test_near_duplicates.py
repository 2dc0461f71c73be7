import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ganport_train.data import near_duplicates as module
from ganport_train.data.image_options import ImageOptions
from ganport_train.data.images import decode
from ganport_train.data.near_duplicates import (
    DuplicateGroups,
    dissolved_families,
    find_duplicate_groups,
    merge_scenes,
)

Pixels = NDArray[np.uint8]


def scene(seed: int, size: int = 64) -> Pixels:
    """Return a smooth random image that differs for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def thumbnail(pixels: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return decode(buffer.getvalue(), ImageOptions(64)).thumbnail


def groups(*images: Pixels) -> DuplicateGroups:
    return find_duplicate_groups(np.stack([thumbnail(pixels) for pixels in images]))


def jpeg(pixels: Pixels, quality: int = 80) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "none": lambda pixels: pixels,
    "mirrored": lambda pixels: pixels[:, ::-1],
    "re-encoded": jpeg,
    "mirrored and re-encoded": lambda pixels: jpeg(pixels[:, ::-1], 60),
    "brightened": lambda pixels: np.minimum(pixels.astype(int) * 108 // 100, 255).astype(np.uint8),
    "darkened": lambda pixels: np.maximum(pixels.astype(int) - 12, 0).astype(np.uint8),
    "moved": lambda pixels: np.roll(pixels, 1, axis=1),
    "scaled": lambda pixels: np.asarray(Image.fromarray(pixels).resize((100, 100))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copy_joins_group_of_original(change: str) -> None:
    images = [scene(seed) for seed in range(20)]
    copies = [CHANGES[change](pixels) for pixels in images]
    labels = groups(*images, *copies).labels
    assert labels.tolist() == [*range(20), *range(20)]


def test_recolored_images_stay_apart() -> None:
    recolored = [scene(1), scene(1)[:, :, [1, 2, 0]], 255 - scene(1)]
    assert groups(*recolored).labels.tolist() == [0, 1, 2]


def test_groups_are_transitive() -> None:
    steps = [np.roll(scene(3, 128), shift, axis=1) for shift in range(0, 24, 2)]
    assert groups(steps[0], steps[-1]).labels.tolist() == [0, 1]
    assert len(set(groups(*steps).labels.tolist())) == 1


def test_uniform_images_group_only_when_equal() -> None:
    flat = [np.full((64, 64, 3), value, np.uint8) for value in (0, 200, 0, 90)]
    assert groups(*flat).labels.tolist() == [0, 1, 0, 2]


def test_groups_do_not_depend_on_blocks_or_order(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [scene(seed) for seed in range(30)]
    images += [jpeg(pixels[:, ::-1]) for pixels in images[::3]]
    whole = groups(*images)
    monkeypatch.setattr(module, "_BLOCK", 7)
    monkeypatch.setattr(module, "_MAX_PAIRS", 2)
    order = np.random.default_rng(0).permutation(len(images))
    shuffled = groups(*[images[i] for i in order])
    np.testing.assert_array_equal(shuffled.keys, whole.keys[order])
    together = whole.labels[order][:, None] == whole.labels[order][None]
    np.testing.assert_array_equal(shuffled.labels[:, None] == shuffled.labels[None], together)


def test_labels_follow_order_of_appearance() -> None:
    found = groups(scene(5), scene(4), scene(5)[:, ::-1], scene(6), scene(4))
    assert found.labels.tolist() == [0, 1, 0, 2, 1]
    assert found.labels.dtype == np.int64


def test_keys_depend_on_group_content_only() -> None:
    alone = groups(scene(1)).keys
    among = groups(scene(2), scene(1), scene(3), scene(1)[:, ::-1])
    assert alone.dtype == np.uint64
    assert among.keys[1] == among.keys[3] == alone[0]
    assert len(set(among.keys.tolist())) == 3


def test_many_near_duplicates_form_one_group() -> None:
    rng = np.random.default_rng(0)
    base = scene(1, 13)
    noisy = base + rng.integers(0, 2, (3000, 13, 13, 3), dtype=np.uint8) * (base < 255)
    found = find_duplicate_groups(noisy.astype(np.uint8), max_fraction=1.0)
    assert found.labels.max() == 0
    assert found.dissolved == ()


def simple_drawings(count: int) -> Pixels:
    """Return thumbnails of one figure in slightly different colors: alike, but no copies."""
    rng = np.random.default_rng(0)
    base = scene(1, 13).astype(int)
    return np.clip(base + rng.integers(-6, 7, (count, 1, 1, 3)), 0, 255).astype(np.uint8)


def test_family_of_most_images_is_none() -> None:
    drawings = simple_drawings(60)
    copies = [drawings[0], drawings[1][:, ::-1]]
    others = [scene(seed, 13) for seed in range(10, 50)]
    twins = [others[0]]
    found = find_duplicate_groups(np.stack([*drawings, *copies, *others, *twins]))
    assert len(found.dissolved) == 1
    assert found.dissolved[0] == len({tuple(d.ravel()) for d in drawings})
    labels = found.labels
    assert labels[60] == labels[0]
    assert labels[61] == labels[1]
    assert len(set(labels[2:60].tolist())) > 50
    assert labels[62] == labels[-1]
    (issue,) = dissolved_families(found)
    assert (issue.level, issue.found.split()[0]) == ("warning", "1")


def test_family_of_few_images_stays_one() -> None:
    found = find_duplicate_groups(simple_drawings(16))
    assert (found.labels.max(), found.dissolved) == (0, ())
    assert dissolved_families(found) == []


def test_merge_scenes_keeps_dissolved_families() -> None:
    found = find_duplicate_groups(simple_drawings(40))
    assert merge_scenes(found, [None] * 40).dissolved == found.dissolved == (40,)


def test_near_false_groups_exact_copies_only() -> None:
    images = [scene(1), jpeg(scene(1), 60), scene(1)[:, ::-1], scene(2), scene(1)]
    thumbnails = np.stack([thumbnail(pixels) for pixels in images])
    assert find_duplicate_groups(thumbnails).labels.tolist() == [0, 0, 0, 1, 0]
    found = find_duplicate_groups(thumbnails, near=False)
    assert found.labels.tolist() == [0, 1, 0, 2, 0]
    assert len(set(found.keys.tolist())) == 3


def strangers(count: int, seed: int = 0) -> DuplicateGroups:
    keys = np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)
    return DuplicateGroups(np.arange(count), keys)


def test_merge_scenes_without_scenes_keeps_groups() -> None:
    found = groups(scene(5), scene(4), scene(5)[:, ::-1])
    same = merge_scenes(found, [None, None, None])
    np.testing.assert_array_equal(same.labels, found.labels)
    np.testing.assert_array_equal(same.keys, found.keys)


def test_merge_scenes_joins_groups_of_scene() -> None:
    likeness = DuplicateGroups(
        np.array([0, 1, 2, 1, 3, 4]), np.array([9, 8, 7, 8, 6, 5], np.uint64)
    )
    found = merge_scenes(likeness, ["a", "a", None, "b", "b", None])
    assert found.labels.tolist() == [0, 0, 1, 0, 0, 2]
    assert len(set(found.keys.tolist())) == 3
    assert (found.keys[2], found.keys[5]) == (7, 5)


def test_merge_scenes_within_one_group_keeps_key() -> None:
    likeness = DuplicateGroups(np.array([0, 1, 0]), np.array([9, 8, 9], np.uint64))
    assert merge_scenes(likeness, ["a", None, "a"]).keys.tolist() == [9, 8, 9]


def test_merge_scenes_key_depends_on_images_only() -> None:
    alone = strangers(2)
    among = DuplicateGroups(np.arange(4), np.concatenate([strangers(2, 1).keys, alone.keys[::-1]]))
    expected = merge_scenes(alone, ["a", "a"]).keys[0]
    assert merge_scenes(among, [None, None, "z", "z"]).keys.tolist()[2:] == [expected, expected]


def test_merge_scenes_keys_are_uniform() -> None:
    keys = merge_scenes(strangers(30_000), [str(i // 3) for i in range(30_000)]).keys
    assert (keys.astype(float) < 0.05 * 2**64).mean() == pytest.approx(0.05, abs=0.007)
    assert (keys.astype(float) < 0.5 * 2**64).mean() == pytest.approx(0.5, abs=0.015)
