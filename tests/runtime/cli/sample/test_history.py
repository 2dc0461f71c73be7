import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.images.animation import MAX_PIXELS
from ganport_runtime.images.encode import read_metadata
from ganport_runtime.images.sheet import PAPER


def sheet(level: int, size: tuple[int, int] = (24, 16)) -> bytes:
    """Return a PNG of one shade of red."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def png_with_header(width: int, height: int) -> bytes:
    """Return a PNG whose header states a size and whose data is empty."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b""))]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "samples").mkdir(parents=True)
    for seen in (0, 3200, 640, 1_000_000_000):
        (folder / "samples" / f"{seen:09d}.png").write_bytes(sheet(10 + seen % 199))
    (folder / "samples" / "notes.txt").write_text("not a sheet")
    return folder


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_history_orders_sheets_by_images_seen(sample: Any, run_folder: Path, name: str) -> None:
    written = sample("history", run_folder, "--fps", 4, "--hold", 2, name=name)
    assert "24 x 16, 4 frames, from 0 to 1,000,000,000 images seen" in written.out
    reds = [float(page[..., 0].mean()) for page in written.frames]
    expected = [10, 10 + 640 % 199, 10 + 3200 % 199, 10 + 1_000_000_000 % 199]
    np.testing.assert_allclose(reds, expected, atol=1)
    names = ["000000000.png", "000000640.png", "000003200.png", "1000000000.png"]
    assert json.loads(read_metadata(written.path)["ganport.history"]) == names


def test_history_holds_the_last_frame(run: Any, run_folder: Path, tmp_path: Path) -> None:
    run("sample-gan", "history", run_folder, "--fps", 4, "--hold", 2, "--out", tmp_path / "a.gif")
    times = []
    with Image.open(tmp_path / "a.gif") as image:
        for index in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(index)
            times.append(image.info["duration"])
        assert image.info["loop"] == 0
    assert times == [250, 250, 250, 2000]


@pytest.mark.parametrize(("every", "names"), [(2, [640, 10**9]), (3, [0, 10**9]), (9, [10**9])])
def test_history_every_keeps_the_last_sheet(
    sample: Any, run_folder: Path, every: int, names: list[int]
) -> None:
    path = sample("history", run_folder, "--every", every, name="a.webp").path
    found = json.loads(read_metadata(path)["ganport.history"])
    assert found == [f"{name:09d}.png" for name in names]


def test_history_centers_smaller_sheets_on_the_background(sample: Any, run_folder: Path) -> None:
    (run_folder / "samples/000000001.png").write_bytes(sheet(200, (40, 8)))
    pages = sample("history", run_folder, name="a.webp").frames
    assert {page.shape for page in pages} == {(16, 40, 3)}
    assert tuple(pages[1][12, 20]) == PAPER
    assert tuple(pages[1][4, 36]) == (200, 0, 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not an image", "000000001.png: "),
        (sheet(5)[:60], "000000001.png: "),
        (png_with_header(24, 16), "000000001.png: "),
        (png_with_header(100_000, 100_000), "000000001.png: "),
        (png_with_header(8000, 8000), f"{MAX_PIXELS:,} pixels"),
    ],
)
def test_history_with_a_malicious_sheet_prints_one_line(
    run: Any, run_folder: Path, tmp_path: Path, data: bytes, message: str
) -> None:
    (run_folder / "samples/000000001.png").write_bytes(data)
    result = run("sample-gan", "history", run_folder, "--out", tmp_path / "a.gif")
    assert result.code == 1
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert message in result.err
    assert not (tmp_path / "a.gif").exists()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, "samples: "),
        (lambda folder: (folder / "samples").mkdir(), "found 0 other files"),
        (lambda folder: (folder / "samples").write_text("x"), "samples: "),
        (lambda folder: (folder / "samples/0.png").mkdir(parents=True), "0.png: "),
    ],
)
def test_history_of_a_folder_without_sheets_fails(
    run: Any, tmp_path: Path, prepare: Any, message: str
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    prepare(folder)
    result = run("sample-gan", "history", folder, "--out", tmp_path / "a.gif")
    assert result.code == 1
    assert message in result.err
    assert result.err.count("\n") == 1
