"""The cases of data sets, images and checkpoints."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import shutil
import tempfile
import warnings
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from mutations import mutate_bytes, mutate_json_bytes, mutate_text

from ganport_runtime.images.decode import decode_image, load_image
from ganport_runtime.images.format import ImageFormat
from ganport_train.data.file_formats import readable_formats

FIXTURES = Path(__file__).parents[1] / "contract" / "fixtures"
_FORMATS = (
    ImageFormat((16, 16)),
    ImageFormat((16, 9), "gray"),
    ImageFormat((9, 16), "rgba"),
    ImageFormat((16, 16), "rgba", True, ("#000000", "#ff8800"), 2),
)


@functools.cache
def shared_folder() -> str:
    """Return a temporary folder of this process."""
    return tempfile.mkdtemp(prefix="ganport-fuzz-")


def read_table(random: Random, folder: Path) -> None:
    """Check a data set whose table or zip has changed."""
    from ganport_train.data.check import check_dataset

    sets = (FIXTURES / "faces.zip", FIXTURES / "attributes.zip", *_table_sets())
    source = random.choice(sets)
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    tables = [name for name in members if name.endswith((".csv", ".txt", ".json", ".jsonl"))]
    name = random.choice(tables)
    change = mutate_json_bytes if name.endswith(".json") else mutate_text
    members[name] = change(members[name], random)
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    if random.randrange(4) == 0:
        path.write_bytes(mutate_bytes(path.read_bytes(), random))
    json.dumps(check_dataset(path, resolution=16).to_json())


@functools.cache
def _table_sets() -> list[Path]:
    """Return data sets of the same images with other tables, and with text files of tags."""
    with zipfile.ZipFile(FIXTURES / "faces.zip") as archive:
        images = {name: archive.read(name) for name in archive.namelist() if name.endswith(".png")}
    rows = [
        {"file_name": name, "kind": f"k{i % 3}", "tags": ["a", "b"][: i % 3], "age": i}
        for i, name in enumerate(images)
    ]
    cells = [f"{r['file_name']},{r['kind']},{'|'.join(r['tags'])},{r['age']}\n" for r in rows]
    tables = {
        "nvidia": {
            "dataset.json": json.dumps({"labels": [[n, i % 3] for i, n in enumerate(images)]})
        },
        "csv": {"metadata.csv": "file_name,kind,tags,age\n" + "".join(cells)},
        "jsonl": {"metadata.jsonl": "\n".join(map(json.dumps, rows))},
        "texts": {
            f"{n.removesuffix('.png')}.txt": f"a, {'b' * (i % 2)}" for i, n in enumerate(images)
        },
    }
    return [_pack(name, images, table) for name, table in tables.items()]


def _pack(name: str, images: dict[str, bytes], table: dict[str, str]) -> Path:
    path = Path(shared_folder()) / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file, data in (*images.items(), *table.items()):
            archive.writestr(file, data)
    return path


@functools.cache
def _images() -> list[bytes]:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 4), np.uint8)
    rgba = Image.fromarray(pixels)
    rgb = rgba.convert("RGB")
    forms: list[tuple[Any, str, dict[str, Any]]] = [
        (rgb, "PNG", {}),
        (rgba, "PNG", {}),
        (rgb.convert("P"), "PNG", {"transparency": 3}),
        (rgb.convert("L"), "PNG", {}),
        (rgb, "JPEG", {"progressive": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12"}),
        (rgb, "JPEG", {"quality": 30}),
        (rgb.convert("CMYK"), "JPEG", {}),
        (rgb, "WEBP", {}),
        (rgba, "WEBP", {"lossless": True}),
        (rgb, "WEBP", {"save_all": True, "append_images": [rgb.rotate(90)]}),
        (rgb, "GIF", {"save_all": True, "append_images": [rgb.rotate(90)]}),
        (rgb.convert("P"), "BMP", {}),
        (rgba, "TIFF", {"compression": "tiff_lzw"}),
        (rgb.convert("CMYK"), "TIFF", {"compression": "jpeg"}),
        (rgba, "TGA", {"compression": "tga_rle"}),
    ]
    if "AVIF" in readable_formats():
        forms.append((rgb, "AVIF", {}))
    files = []
    for image, format, options in forms:
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        files.append(buffer.getvalue())
    return files


def read_image(random: Random, folder: Path) -> None:
    """Decode a changed image, as requests and as datasets do."""
    data = mutate_bytes(random.choice(_images()), random)
    if random.randrange(2):
        warnings.simplefilter("ignore")
        loaded = load_image(data, formats=readable_formats(), mode="rgba")
        assert loaded.pixels.mode == "RGBA"
        return
    form = random.choice(_FORMATS)
    found = decode_image(data, Path("x.png"), form, crop=bool(random.randrange(2)))
    assert found.shape == (*form.size, form.channels)


@functools.cache
def _training_state() -> tuple[Any, Path]:
    """Return the state of a small training, and a folder with its files."""
    import torch

    from ganport_train.runs.checkpoint_manager import ModelState

    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = ModelState({"generator": network}, {"generator": optimizer})
    folder = Path(shared_folder()) / "state"
    folder.mkdir(exist_ok=True)
    state.save(folder)
    return state, folder


def read_checkpoint(random: Random, folder: Path) -> None:
    """Load a changed checkpoint, or the changed files of a training state."""
    from ganport_models.checkpoint import Checkpoint

    if random.randrange(3) == 0:
        state, source = _training_state()
        shutil.copytree(source, folder, dirs_exist_ok=True)
        file = random.choice(sorted(folder.iterdir()))
        file.write_bytes(mutate_bytes(file.read_bytes(), random))
        state.load(folder)
        return
    source = random.choice(sorted(FIXTURES.glob("*/checkpoints/*")))
    path = folder / "checkpoint"
    shutil.copytree(source, path)
    metadata = path / "checkpoint.json"
    file = random.choice((metadata, metadata, path / "generator.safetensors"))
    change = mutate_json_bytes if file == metadata else mutate_bytes
    file.write_bytes(change(file.read_bytes(), random))
    if file != metadata and random.randrange(4):
        value = json.loads(metadata.read_bytes())
        data = file.read_bytes()
        entry = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        value["files"][file.name] |= {key: entry[key] for key in value["files"][file.name]}
        metadata.write_text(json.dumps(value))
    Checkpoint.load(path).generator()
