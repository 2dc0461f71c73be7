"""Tests of the tagger's routes, and of a training on a folder that was tagged through them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ganport_models.selection import newest
from ganport_runtime.errors import RequestError
from ganport_train.cli.train import train_gan
from ganport_train.data.check import check_dataset
from ganport_train.pages.local_server import encode_preview
from ganport_train.pages.tagger import tagger_app
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore
from ganport_train.tagging.suggester import Suggester


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of ten sprites with transparency, and a file that is no image."""
    random = np.random.default_rng(0)
    for index in range(10):
        pixels = random.integers(0, 256, (20, 16, 4), dtype=np.uint8)
        pixels[..., 3] = 255 * (pixels[..., 3] > 100)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    (tmp_path / "99.png").write_bytes(b"<svg onload=alert(1)>")
    return tmp_path


@pytest.fixture
def client(folder: Path, client_of: Any) -> Any:
    session = TagSession(TagStore(folder))
    return client_of(tagger_app(session, Suggester(session)))


def test_page_and_state_are_shown(client: Any, folder: Path) -> None:
    assert "<title>Tag images</title>" in client.get("/").text
    state = client.get("/api/state").json()
    assert state["folder"] == str(folder.resolve())
    assert state["images"][:2] == ["0.png", "1.png"]
    assert client.get("/api/suggestions").json()["groups"] == {}


def test_image_keeps_its_transparency(client: Any, folder: Path) -> None:
    response = client.get("/image/3/full")
    assert response.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(io.BytesIO(response.content)).convert("RGBA"))
    pixels = np.asarray(Image.open(folder / "3.png"))
    assert np.array_equal(shown[..., 3], pixels[..., 3])
    opaque = pixels[..., 3] > 0
    assert np.array_equal(shown[opaque], pixels[opaque])


@pytest.mark.parametrize(
    "path",
    [
        "/image/10/full",
        "/image/11/full",
        "/image/999999999999/thumbnail",
        "/image/1/../2",
        "/image/0/huge",
    ],
)
def test_image_that_cannot_be_shown_is_an_error(client: Any, path: str) -> None:
    response = client.get(path)
    assert response.status_code in (400, 404)
    assert b"<svg" not in response.content


@pytest.mark.parametrize(
    "path", ["/image/-1/full", "/image/x/full", "/image/0.png", "/image/%2e%2e/full"]
)
def test_path_without_an_image_is_not_found(client: Any, path: str) -> None:
    assert client.get(path).status_code == 404


def test_image_that_disappeared_is_an_error(client: Any, folder: Path) -> None:
    (folder / "4.png").unlink()
    assert client.get("/image/4/full").json()["error"]["expected"] == "a readable file"


def test_large_image_is_reduced() -> None:
    file = io.BytesIO()
    Image.new("RGB", (3000, 1500), "teal").save(file, "PNG")
    response = encode_preview(file.getvalue(), "full")
    assert response.media_type == "image/webp"
    assert Image.open(io.BytesIO(response.body)).size == (1024, 512)


def test_preview_of_another_file_is_refused() -> None:
    with pytest.raises(RequestError):
        encode_preview(b"%PDF-1.4", "full")


def test_folder_tagged_through_the_page_is_checked_and_trains(
    client: Any,
    folder: Path,
    tiny: list[str],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = {"action": "add_group", "group": "hair", "labels": ["pink", "black"]}
    assert client.post("/api/change", group).status_code == 200
    parts = [
        {"images": [0, 1, 2, 3, 4], "labels": {"hair": "pink"}},
        {"images": [5, 6, 7, 8, 9], "labels": {"hair": "black"}},
        {"images": [10], "left_out": True},
    ]
    answer = client.post("/api/change", {"action": "tag", "changes": parts}).json()
    assert answer["rows"] == 10
    assert check_dataset(folder, resolution=16).errors == 0
    (folder / "99.png").unlink()
    overrides = [*tiny, "length.max_images=8", "logging.eval_images=0", "data.val_fraction=0.1"]
    run = tmp_path_factory.mktemp("runs") / "tagged"
    monkeypatch.setenv("GANPORT_CACHE", str(run.parent / "cache"))
    arguments = ["quick", "--data", str(folder), "--out", str(run), "--set", *overrides]
    result = CliRunner().invoke(train_gan, arguments)
    assert result.exit_code == 0, result.output
    fields = newest(run)[1]["conditions"]
    assert [(field["name"], field["labels"]) for field in fields] == [("hair", ["black", "pink"])]


def test_refused_change_names_the_expected_and_the_found_value(client: Any) -> None:
    response = client.post("/api/change", {"action": "add_label", "group": "hair", "label": "pink"})
    assert response.status_code == 400
    assert response.json()["error"]["found"] == "'hair'"
