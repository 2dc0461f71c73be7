"""The cases of all kinds of files from outside: each calls the public entries of its kind."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import numpy as np
from file_targets import FIXTURES, read_checkpoint, read_image, read_table, shared_folder
from mutations import mutate_bytes, mutate_graph, mutate_json, mutate_json_bytes, mutate_text

from ganport_runtime import Bundle, Generator
from ganport_runtime.devices.onnxruntime_session import batch_shape
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.verify import check_graphs

Case = Callable[[Random, Path], None]
DATA = Path(__file__).parents[1] / "runtime" / "data"
_BUNDLES = (
    *("tiny", "tiny-float", "tiny-flow", "tiny-translator"),
    *("tiny-gray", "tiny-rgba", "tiny-sprite"),
)


def prepare(kind: str) -> Case:
    """Return the case of a kind, after one case without limits that imports what it needs."""
    case: Case = {
        "bundle": _bundle,
        "graph": _graph,
        "request": _request,
        "table": read_table,
        "image": read_image,
        "checkpoint": read_checkpoint,
    }[kind]
    with suppress(GanportError):
        case(Random("prepare"), Path(tempfile.mkdtemp(dir=shared_folder())))
    return case


def _bundle(random: Random, folder: Path) -> None:
    """Open, verify and use a bundle with a changed file or as a changed zip."""
    name = random.choice((*_BUNDLES, "faces"))
    source = (FIXTURES if name == "faces" else DATA) / f"{name}.ganport"
    path = folder / "x.ganport"
    shutil.copytree(source, path, dirs_exist_ok=True)
    _change_file(path, random)
    if random.randrange(2):
        path = _zip(path, folder / "z.ganport", random)
    bundle = Bundle.open(path)
    for file in bundle.names():
        if file in bundle.manifest.files:
            _allow(lambda file=file: bundle.check_digest(file))
    list(check_graphs(bundle, trust_code=False))
    repr(Generator(bundle, "cpu").generate(seed=1, count=2))


def _change_file(folder: Path, random: Random) -> None:
    file = random.choice(sorted(folder.iterdir()))
    data = file.read_bytes()
    if file.name == "manifest.json":
        file.write_bytes(mutate_json_bytes(data, random))
        return
    if file.suffix == ".pt":
        file.write_bytes(_change_script(data, random))
    else:
        change = mutate_graph if file.suffix == ".onnx" else mutate_bytes
        file.write_bytes(change(data, random))
    if random.randrange(4):
        _sign(folder, file)


def _change_script(data: bytes, random: Random) -> bytes:
    """Change a member of a TorchScript archive, or its bytes."""
    if random.randrange(3) == 0:
        return mutate_bytes(data, random)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice([name for name in members if name.endswith((".py", ".pkl"))])
    members[name] = (mutate_text if name.endswith(".py") else mutate_bytes)(members[name], random)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _sign(folder: Path, file: Path) -> None:
    """Write the digest of a changed file, so that its content is read."""
    manifest = folder / "manifest.json"
    value = json.loads(manifest.read_bytes())
    data = file.read_bytes()
    if file.name in value["files"]:
        value["files"][file.name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        manifest.write_text(json.dumps(value))


def _zip(folder: Path, path: Path, random: Random) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    if random.randrange(2):
        path.write_bytes(mutate_bytes(path.read_bytes(), random))
    return path


def _graph(random: Random, folder: Path) -> None:
    """Load a changed graph, and run it on zeros if the runtime accepts it."""
    graphs = [*DATA.glob("*.onnx"), *DATA.glob("*/*.onnx"), *FIXTURES.glob("*/*.onnx")]
    data = mutate_graph(random.choice(sorted(graphs)).read_bytes(), random)
    runner = GraphRunner(data, "cpu", place="x.onnx")
    for rows in (1, 3):
        feeds = {x.name: np.zeros(batch_shape(x, rows), x.dtype) for x in runner.inputs}
        runner.run(feeds)


_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel in base64."""
_BODIES: dict[str, list[Any]] = {
    "/v1/generate": [
        {"bundle": "faces", "conditions": "pink hair blue eyes", "seed": 7},
        {"bundle": "faces", "conditions": [{"hair": {"pink": 0.5, "black": 0.5}}], "seeds": ["7"]},
        {"bundle": "faces", "count": 2, "seed": "18446744073709551615", "temperature": 0.5},
    ],
    "/v2/models/faces/infer": [
        {
            "inputs": [
                {"name": "z", "datatype": "FP32", "shape": [1, 4], "data": [0.1, 0.2, 0.3, 0.4]},
                {"name": "condition", "datatype": "FP32", "shape": [1, 5], "data": [1, 0, 0, 0, 1]},
            ]
        },
        {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["pink hair"]}]},
    ],
    "/v1/translate": [
        {"bundle": "changer", "images": [_PIXEL], "conditions": {"hair": "pink"}, "whole": True},
        {"bundle": "changer", "images": [_PIXEL, _PIXEL], "output": "raw", "timeout": 9.5},
    ],
}


@functools.cache
def _client() -> tuple[httpx.ASGITransport, Generator]:
    from ganport_runtime.batcher import Batcher
    from ganport_runtime.service.app import create_app
    from ganport_runtime.service.registry import ModelRegistry, ServedBundle
    from ganport_runtime.service.settings import Settings

    faces = Generator.load(DATA / "tiny.ganport", "cpu")
    changer = Generator.load(DATA / "tiny-translator.ganport", "cpu")
    bundles = (("faces", faces), ("changer", changer))
    registry = ModelRegistry(
        [ServedBundle(name, bundle, Batcher(bundle)) for name, bundle in bundles]
    )
    return httpx.ASGITransport(create_app(registry, Settings(max_images=16))), faces


def _request(random: Random, folder: Path) -> None:
    """Send a changed body to the service, and its values to the generator."""
    transport, faces = _client()
    path = random.choice(sorted(_BODIES))
    value = mutate_json(random.choice(_BODIES[path]), random)
    body = json.dumps(value).encode()
    if random.randrange(3) == 0:
        body = mutate_bytes(body, random)

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            kind = random.choice((*[b"application/json"] * 8, b"text/plain", b"\xff"))
            headers = {"Content-Type": kind}
            return await client.post(path, content=body, headers=headers)

    status = asyncio.run(post()).status_code
    assert status < 500, f"{status} for {body[:300]!r}"
    if isinstance(value, dict) and path == "/v1/generate":
        _allow(lambda: faces.generate(value.get("conditions"), seed=value.get("seed")))
        _allow(lambda: faces.generate(seeds=value.get("seeds"), count=value.get("count")))


def _allow(call: Callable[[], object]) -> None:
    with suppress(GanportError):
        call()
