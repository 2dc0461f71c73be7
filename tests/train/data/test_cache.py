import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_runtime.files import sha256_of
from ganport_runtime.images.format import ImageFormat
from ganport_train.data import cache as module
from ganport_train.data.cache import (
    Entry,
    check_free_space,
    default_cache_root,
    entry_folder,
    new_entry,
    open_entry,
)
from ganport_train.data.issues import DataError

SETTINGS = {"digest": "ab", "image": {"resolution": 4}, "conditions": [{"range": (0, 1)}]}
IMAGE = ImageFormat((4, 4)).to_json()
IMAGES = np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3)


def write(root: Path, images: NDArray[np.uint8] = IMAGES) -> None:
    with new_entry(root, SETTINGS) as writer:
        for pixels in images:
            writer.add(pixels)
        writer.arrays = {"keys": np.array([1, 2**64 - 1], np.uint64)}
        writer.metadata |= {"ids": ["1", "é"], "image": IMAGE}


def opened(root: Path) -> Entry:
    entry = open_entry(root, SETTINGS)
    assert entry is not None
    return entry


def test_new_entry_round_trip(tmp_path: Path) -> None:
    assert open_entry(tmp_path / "deep/cache", SETTINGS) is None
    write(tmp_path / "deep/cache")
    entry = opened(tmp_path / "deep/cache")
    np.testing.assert_array_equal(entry.images, IMAGES)
    assert isinstance(entry.images, np.memmap)
    assert not entry.images.flags.writeable
    assert entry.arrays["keys"].tolist() == [1, 2**64 - 1]
    assert entry.metadata == {"ids": ["1", "é"], "image": IMAGE}


@pytest.mark.parametrize(
    "change", [{"digest": "ac"}, {"image": {"resolution": 8}}, {"conditions": None}]
)
def test_open_entry_other_settings_returns_none(tmp_path: Path, change: dict[str, object]) -> None:
    write(tmp_path)
    assert open_entry(tmp_path, SETTINGS | change) is None


def test_open_entry_other_format_returns_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    assert open_entry(tmp_path, SETTINGS) is None


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_new_entry_error_leaves_nothing(
    tmp_path: Path, after: int, error: type[BaseException]
) -> None:
    with pytest.raises(error), new_entry(tmp_path, SETTINGS) as writer:
        for pixels in IMAGES[:after]:
            writer.add(pixels)
        raise error
    assert list(tmp_path.iterdir()) == []
    assert open_entry(tmp_path, SETTINGS) is None


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from ganport_train.data.cache import new_entry
with new_entry(Path(sys.argv[1]), {"digest": "cd"}) as writer:
    writer.add(np.zeros((4, 4, 3), np.uint8))
    os.kill(os.getpid(), signal.SIGKILL)
"""
DAY = 24 * 60 * 60


def test_new_entry_removes_day_old_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    write(tmp_path)
    assert left.exists()  # it may belong to an active writer
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + DAY + 60)
    write(tmp_path)
    assert list(tmp_path.iterdir()) == [entry_folder(tmp_path, SETTINGS)]


def test_new_entry_keeps_active_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SETTINGS | {"digest": "ac"}
    later = time.time() + 3 * DAY
    with new_entry(tmp_path, slow) as writer:
        writer.add(IMAGES[0])
        (images,) = tmp_path.glob("*/images.u8")
        os.utime(images, (later, later))  # as if the last image was just written
        monkeypatch.setattr(time, "time", lambda: later)
        write(tmp_path)
        writer.metadata["image"] = ImageFormat((4, 4)).to_json()
    assert open_entry(tmp_path, slow) is not None
    assert open_entry(tmp_path, SETTINGS) is not None


def test_new_entry_error_keeps_old_entry(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(OSError, match="full"), new_entry(tmp_path, SETTINGS):
        raise OSError("full")
    np.testing.assert_array_equal(opened(tmp_path).images, IMAGES)


# Only the size of the images is checked, because hashing them takes too long.
DAMAGE = [("images.u8", damage) for damage in ("cut", "absent", "longer")]
DAMAGE += product(
    ("keys.npy", "index.json", "index.sha256"), ("cut", "absent", "longer", "flipped")
)


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_open_entry_corrupt_returns_none(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path)
    path = entry_folder(tmp_path, SETTINGS) / name
    data = path.read_bytes()
    if damage == "absent":
        path.unlink()
    elif damage == "flipped":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        path.write_bytes(data[:-1] if damage == "cut" else data + b"\0")
    assert open_entry(tmp_path, SETTINGS) is None
    write(tmp_path)
    np.testing.assert_array_equal(opened(tmp_path).images, IMAGES)


def test_open_entry_moved_entry_returns_none(tmp_path: Path) -> None:
    write(tmp_path)
    other = SETTINGS | {"digest": "ac"}
    entry_folder(tmp_path, SETTINGS).rename(entry_folder(tmp_path, other))
    assert open_entry(tmp_path, other) is None


def test_open_entry_survives_replacement(tmp_path: Path) -> None:
    write(tmp_path)
    entry = opened(tmp_path)
    write(tmp_path, IMAGES[::-1])
    np.testing.assert_array_equal(entry.images, IMAGES)
    np.testing.assert_array_equal(opened(tmp_path).images, IMAGES[::-1])


def test_open_entry_pickled_array_returns_none(tmp_path: Path) -> None:
    write(tmp_path)
    folder = entry_folder(tmp_path, SETTINGS)
    np.save(folder / "keys.npy", np.array([{}], object), allow_pickle=True)
    index = json.loads((folder / "index.json").read_bytes())
    index["arrays"]["keys"] = sha256_of(folder / "keys.npy")
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "index.sha256").write_text(sha256_of(folder / "index.json"))
    assert open_entry(tmp_path, SETTINGS) is None


def test_default_cache_root_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anyone")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("GANPORT_CACHE", "/own")
    assert default_cache_root() == Path("/own")
    monkeypatch.delenv("GANPORT_CACHE")
    assert default_cache_root() == Path("/xdg/ganport")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_cache_root() == Path("/home/anyone/.cache/ganport")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_root() == Path("/home/anyone/.cache/ganport")


def test_check_free_space_too_little_raises(tmp_path: Path) -> None:
    check_free_space(tmp_path / "not/there/yet", 10, (64, 64, 3))
    with pytest.raises(DataError, match="Free some space, or set GANPORT_CACHE"):
        check_free_space(tmp_path, 1 << 40, (4096, 4096, 3))
    assert list(tmp_path.iterdir()) == []
