"""The shared vectors: what the Python runtime makes of the input of each case.

`README.md` describes the files. `write_vectors.py` records the outcomes, `test_vectors.py` and the
tests of `runtime/js` compare their own with them.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ganport_runtime import Generator
from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.bundle.manifest import Manifest
from ganport_runtime.bundle.readers import read_tensors
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.request import check_temperature, resolve_count, resolve_seeds
from ganport_runtime.noise import normal_rows, philox4x32, seed_range
from ganport_runtime.service.encoding import GeneratedImages, describe_atlas
from ganport_runtime.strictjson import parse

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
Case = Mapping[str, Any]
PLACEHOLDER = "@value@"
BUNDLE_NAME = "bundle.ganport"


def run(kind: str, shared: Any, case: Case) -> dict[str, Any]:
    """Return `{"result": …}` or `{"error": …}` for the input of a case."""
    try:
        return {"result": json.loads(json.dumps(RUNNERS[kind](shared, case)))}
    except GanportError as error:
        fields = {key: getattr(error, key) for key in ("place", "expected", "found", "fix")}
        fields["place"] = fields["place"].replace(f"{ROOT}/", "")
        return {"error": {"code": type(error).__name__} | fields}


def _conditions(shared: Any, case: Case) -> Any:
    conditions = Conditions.from_json(shared["groups"][case["groups"]], "conditions")
    if "fraction" in case:
        return {"request": conditions.blend(case["first"], case["second"], case["fraction"])}
    request = case["request"]
    return {
        "vector": [float(number) for number in conditions.encode(request)],
        "complete": conditions.complete(request),
        "caption": conditions.caption(request),
    }


def _seeds(_shared: Any, case: Case) -> Any:
    if "seeds" in case:
        seeds = case["seeds"]
        count = resolve_count(None, {}, seeds=seeds)
        return [str(seed) for seed in resolve_seeds(None, seeds, count)]
    return [str(seed) for seed in seed_range(int(case["seed"]), case["count"])]


def _noise(_shared: Any, case: Case) -> Any:
    if "counter" in case:
        counter, key = (
            [np.array([int(word, 16)], np.uint64) for word in case[name]]
            for name in ("counter", "key")
        )
        return [f"{int(word[0]):08x}" for word in philox4x32(counter, key)]
    row = normal_rows((int(case["seed"]),), (case["size"],), case.get("stream", 0))[0]
    if "temperature" in case:
        row = row * np.float32(check_temperature(case["temperature"]))
    return [f"{word:08x}" for word in row.view(np.uint32).tolist()]


def _manifests(shared: Any, case: Case) -> Any:
    value = parse(manifest_text(shared, case).encode(), "manifest.json")
    manifest = Manifest.from_json(value, "manifest.json")
    image = manifest.image.format
    return {
        "schema_version": manifest.schema_version,
        "condition_size": manifest.conditions.size,
        "z_shape": list(manifest.z_shape),
        "image": [image.height, image.width, image.channels, manifest.image.range],
    }


def manifest_text(shared: Any, case: Case) -> str:
    """Return the text of a manifest with one value replaced by the JSON of the case."""
    if "text" in case:
        return str(case["text"])
    value = json.loads(json.dumps(shared["manifests"][case["manifest"]]))
    inner = value
    for step in case["path"][:-1]:
        inner = inner[step]
    if "json" in case:
        inner[case["path"][-1]] = PLACEHOLDER
    else:
        del inner[case["path"][-1]]
    return json.dumps(value).replace(f'"{PLACEHOLDER}"', case.get("json", ""))


def _bundles(shared: Any, case: Case) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / case.get("name", BUNDLE_NAME)
        path.write_bytes(patched(shared, case))
        try:
            generator = Generator.load(path, "cpu")
        except GanportError as error:
            raise type(error)(
                error.place.replace(f"{folder}/", ""), error.expected, error.found, error.fix
            ) from None
        return {"digest": generator.bundle.digest, "capabilities": list(generator.capabilities)}


def patched(shared: Any, case: Case) -> bytes:
    """Return the bytes of a file with the patches of the case, from the last to the first."""
    data = base64.b64decode(shared["files"][case["file"]])
    for start, stop, replacement in reversed(case["patches"]):
        data = data[:start] + bytes.fromhex(replacement) + data[stop:]
    return data


def _tensors(_shared: Any, case: Case) -> Any:
    if "bundle" in case:
        directions = Generator.load(ROOT / case["bundle"], "cpu").directions
        return {name: direction.tobytes().hex() for name, direction in directions.items()}
    header = case["header"].encode()
    length = case.get("length", len(header)).to_bytes(8, "little")
    tensors = read_tensors(length + header + bytes.fromhex(case["body"]), "tensors.safetensors")
    return [
        [name, tensor.dtype.name, list(tensor.shape), tensor.tobytes().hex()]
        for name, tensor in tensors.items()
    ]


def _graphs(_shared: Any, case: Case) -> Any:
    check_graph(base64.b64decode(case["model"]), "graph.onnx")
    return "allowed"


def _images(_shared: Any, case: Case) -> Any:
    path = case["bundle"]
    generator = Generator.load(path if path == "starter" else ROOT / path, "cpu")
    arguments = {key: int(case[key]) for key in ("seed", "count") if key in case}
    conditions, temperature = case.get("conditions"), case.get("temperature")
    if case["call"] == "generate":
        images = generator.generate(conditions, temperature=temperature, **arguments)
    else:
        inputs = tiles(case["count"], generator.image.size, generator.image.channels)
        images = getattr(generator, case["call"])(inputs, conditions)
    if case["call"] == "encode":
        return {"shape": list(images.shape), "numbers": [float(x) for x in images.reshape(-1)]}
    result = {"shape": list(images.shape), "pixels": base64.b64encode(images.tobytes()).decode()}
    if "columns" in case:
        made = GeneratedImages.of(images, generator.last_seeds, conditions, generator, temperature)
        index = describe_atlas(made, case["columns"], "sheet.png")
        result["index"] = msgspec.to_builtins(index)
    return result


def tiles(count: int, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return images (count, H, W, C): byte i of all is 37 * i mod 251; alpha is opaque."""
    shape = (count, *size, channels)
    images = (37 * np.arange(np.prod(shape)) % 251).astype(np.uint8).reshape(shape)
    if channels == 4:
        images[..., 3] = 255
    return images


RUNNERS: dict[str, Callable[[Any, Case], Any]] = {
    "conditions": _conditions,
    "seeds": _seeds,
    "noise": _noise,
    "manifests": _manifests,
    "bundles": _bundles,
    "graphs": _graphs,
    "tensors": _tensors,
    "images": _images,
}
