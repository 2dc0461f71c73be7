"""The studio in Chromium: `runtime/js/test/studio` drives it, and saves files for these tests."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from ganport_runtime import Generator
from ganport_runtime.bundle import Bundle
from ganport_runtime.generation.interpolation import spherical
from ganport_runtime.images.encode import read_metadata
from ganport_runtime.studio.site import write_site

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "runtime" / "js"
SERVE = [sys.executable, "-c", "from ganport_runtime.__main__ import serve_gan; serve_gan()"]
REQUEST = {"hair": "pink", "eyes": "black"}

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (shutil.which("chromium") or shutil.which("chromium-browser"))
        or not (PACKAGE / "node_modules" / "axe-core").is_dir(),
        reason="needs Chromium, and the packages of runtime/js: make test-js",
    ),
]


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder as any plain web server does."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def service(*arguments: str, **environment: str) -> Iterator[str]:
    command = [*SERVE, *arguments, "--device", "cpu", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    ) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1] + "/"
        process.terminate()


def rgba(image: NDArray[np.uint8]) -> bytes:
    return Image.fromarray(image).convert("RGBA").tobytes()


@pytest.fixture(scope="module")
def starter() -> Generator:
    return Generator.load("starter", "cpu")


@pytest.fixture(scope="module")
def saved(
    starter: Generator,
    graphs: Callable[[Path], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Run the browser tests; return the folder with the files that they saved."""
    out, site = (tmp_path_factory.mktemp("studio") / name for name in ("out", "site"))
    out.mkdir()
    expected = {"seed7": base64.b64encode(rgba(starter.generate(REQUEST, seed=7)[0])).decode()}
    graphs(out)
    (out / "expected.json").write_text(json.dumps(expected))
    write_site(Bundle.open("starter"), site)
    with (
        plain_server(site) as site_address,
        service("starter") as address,
        service("starter", GANPORT_API_KEYS="secret") as keyed,
    ):
        names = {"SITE": site_address, "SERVICE": address, "KEYED": keyed, "OUT": str(out)}
        variables = {f"STUDIO_{name}": value for name, value in names.items()}
        command = ["npm", "run", "--silent", "test:studio"]
        done = subprocess.run(
            command,
            cwd=PACKAGE,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20000:]
    return out


def test_saved_png_is_the_image_of_python_and_names_its_recipe(
    saved: Path, starter: Generator
) -> None:
    file = saved / "starter-7.png"
    assert np.array_equal(np.asarray(Image.open(file)), starter.generate(REQUEST, seed=7)[0])
    metadata = read_metadata(file)
    assert metadata["ganport.digest"] == starter.bundle.digest
    assert json.loads(metadata["ganport.pictures"]) == [{"seed": "7", "condition": REQUEST}]


def test_saved_sheet_and_its_index_hold_the_images(saved: Path, starter: Generator) -> None:
    sheet = np.asarray(Image.open(saved / "sheet.png"))
    frames = json.loads((saved / "sheet.json").read_text())["frames"]
    assert [frame["seed"] for frame in frames] == ["7", "8", "9", "10"]
    for frame, image in zip(frames, starter.generate(REQUEST, seed=7, count=4), strict=True):
        x, y, width, height = (frame["frame"][key] for key in "xywh")
        assert np.array_equal(sheet[y : y + height, x : x + width], image)


def noise(generator: Generator, place: Any, temperature: float | None) -> NDArray[np.float32]:
    """Return the noise of a seed, or of a place between two others."""
    if isinstance(place, str):
        [z] = generator.noise([int(place)], temperature)
    else:
        start, end = (noise(generator, seed, temperature) for seed in place["seeds"])
        [z] = spherical(start, end, [place["share"]])
    return np.asarray(z)


def images_of(generator: Generator, file: Path) -> list[NDArray[np.uint8]]:
    """Return the images of the metadata of a file."""
    entries = json.loads(read_metadata(file)["ganport.pictures"])
    places = [(entry.get("seed", entry), entry.get("temperature")) for entry in entries]
    z = np.stack([noise(generator, place, temperature) for place, temperature in places])
    return list(generator.generate([entry["condition"] for entry in entries], z=z))


@pytest.mark.parametrize("name", ["starter-7-912-25-33-25", "starter-7-912-25-to-11-at-40"])
def test_metadata_of_an_image_between_seeds_generates_it_again(
    saved: Path, starter: Generator, name: str
) -> None:
    file = saved / f"{name}.png"
    [image] = images_of(starter, file)
    assert np.abs(np.asarray(Image.open(file)).astype(int) - image).max() <= 1


def test_metadata_of_a_morph_generates_its_frames_again(saved: Path, starter: Generator) -> None:
    images = images_of(starter, saved / "morph.png")
    sheet = np.asarray(Image.open(saved / "morph.png")).astype(int)
    frames = json.loads((saved / "morph.json").read_text())["frames"]
    assert len(frames) == len(images) == 24
    for frame, image in zip(frames, images, strict=True):
        assert len(frame["seeds"]) == 2
        x, y, width, height = (frame["frame"][key] for key in "xywh")
        assert np.abs(sheet[y : y + height, x : x + width] - image).max() <= 1


def test_comment_of_the_animation_generates_its_frames_again(
    saved: Path, starter: Generator
) -> None:
    images = images_of(starter, saved / "morph.gif")
    with Image.open(saved / "morph.gif") as animation:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(animation)]
        assert len(frames) == len(images) == 46
        for index, frame in enumerate(frames):
            shown = np.asarray(frame).astype(int)
            distances = [np.abs(shown - image).mean() for image in images[:24]]
            # All frames share 255 colors, so the nearest image may be the next one.
            assert abs(np.argmin(distances) - min(index, 46 - index)) <= 2


def test_saved_animation_goes_there_and_back(saved: Path) -> None:
    with Image.open(saved / "morph.gif") as animation:
        assert (animation.size, animation.n_frames) == ((64, 64), 46)
        frames = []
        for index in range(animation.n_frames):
            animation.seek(index)
            frames.append(np.asarray(animation.convert("RGB")).astype(int))
    assert np.array_equal(frames[1], frames[-1]) and np.array_equal(frames[22], frames[24])
    assert np.abs(frames[0] - frames[23]).mean() > 5


def test_code_generates_the_images(saved: Path, starter: Generator) -> None:
    seed: dict[str, Any] = {}
    exec((saved / "seed.py").read_text(), seed)
    assert np.array_equal(seed["images"], starter.generate(REQUEST, seed=7))
    morph: dict[str, Any] = {}
    exec((saved / "morph.py").read_text(), morph)
    shown = np.frombuffer(base64.b64decode((saved / "morph.txt").read_text()), np.uint8)
    generated = np.frombuffer(rgba(morph["images"][0]), np.uint8)
    assert np.abs(shown.astype(int) - generated).max() <= 1
