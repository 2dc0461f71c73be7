"""The inputs of the vectors of manifests."""

from __future__ import annotations

import json
from typing import Any

from inputs import DATA, Cases


def manifest(name: str) -> Any:
    return json.loads((DATA / f"{name}.ganport" / "manifest.json").read_bytes())


def nested(depth: int) -> str:
    return '{"a": ' + "[" * depth + "1" + "]" * depth + "}"


GRAPH = ["graphs", 0]
ENTRY = json.dumps({"sha256": "0" * 64, "size": 0})
CHANGES: list[tuple[list[Any], str]] = [
    *[([key], "null") for key in manifest("tiny")],
    (["schema_version"], '"1"'), (["schema_version"], "true"), (["schema_version"], "0"),
    (["schema_version"], "3"), (["schema_version"], "1.0"), (["schema_version"], "1e0"),
    (["schema_version"], "123456789012345678901234567890123"), (["schema_version"], "2"),
    (["name"], '""'), (["name"], '"a\\u001b[31m"'), (["name"], '" a"'), (["name"], '"猫"'),
    (["name"], '"' + "x" * 201 + '"'), (["version"], '"' + "1" * 65 + '"'), (["license"], "3"),
    (["graphs"], "[]"), (["graphs"], "{}"),
    ([*GRAPH, "interface"], '"gan.dream/7"'),
    ([*GRAPH, "inputs", 0, "name"], '"noise"'), ([*GRAPH, "inputs"], "[]"),
    ([*GRAPH, "inputs", 0, "dtype"], '"int64"'), ([*GRAPH, "inputs", 0, "dtype"], '"uint8"'),
    ([*GRAPH, "inputs", 0, "shape"], "[4]"), ([*GRAPH, "inputs", 0, "shape"], '["batch", "n"]'),
    ([*GRAPH, "inputs", 0, "shape"], '["batch", 0]'),
    ([*GRAPH, "inputs", 0, "shape"], '["batch", 4.0]'),
    ([*GRAPH, "inputs", 0, "shape"], '["batch", 4, 4]'),
    ([*GRAPH, "inputs", 0, "shape"], '["batch", 1073741824]'),
    ([*GRAPH, "inputs", 0, "shape"], '["batch", 3, 2, 2]'),
    ([*GRAPH, "inputs", 1, "shape"], '["batch", 6]'), ([*GRAPH, "output", "name"], '"picture"'),
    ([*GRAPH, "output", "shape"], '["batch", 8, 9, 3]'),
    ([*GRAPH, "output", "dtype"], '"float32"'), ([*GRAPH, "output"], "[]"),
    ([*GRAPH, "files", 0, "path"], '"other.onnx"'), ([*GRAPH, "files", 0, "path"], '"../x"'),
    ([*GRAPH, "files", 0, "role"], '"pickle"'), ([*GRAPH, "files", 0, "precision"], '"fp8"'),
    ([*GRAPH, "files", 0, "form"], "3"), ([*GRAPH, "files", 0, "form"], '"phase"'),
    (["noise"], "{}"), (["noise", "algorithm"], '"mt19937"'), (["noise", "temperature"], "-1"),
    (["noise", "temperature"], "100.5"), (["noise", "temperature"], "0.7"),
    (["noise", "temperature"], "true"), (["noise", "temperature"], "1e400"),
    (["image", "size"], "[8]"), (["image", "size"], "[9000, 8]"), (["image", "size"], "[8, 8, 8]"),
    (["image", "range"], "[0, 1]"), (["image", "colour"], '"BGR"'), (["image", "dtype"], '"u2"'),
    (["batch", "min"], "2"), (["batch", "opt"], "65"), (["batch", "max"], "1000000000"),
    (["files"], "[]"), (["files", "generator.onnx", "sha256"], '"' + "A" * 64 + '"'),
    (["files", "generator.onnx", "size"], "-1"), (["files", "generator.onnx", "size"], "1e3"),
    (["files", "generator.onnx", "size"], "1000000000000"), (["files", "manifest.json"], ENTRY),
    (["files", "Generator.onnx"], ENTRY), (["files", "a/b"], ENTRY), (["files", "a."], ENTRY),
    (["files", "ä"], ENTRY), (["files", ""], ENTRY), (["conditions"], "{}"),
    (["conditions", 0, "slice"], "[0, 4]"), (["conditions", 0, "slice"], "[0, 3, 6]"),
    (["conditions", 0, "slice"], "[false, 3]"),
    (["conditions", 0, "kind"], '"two_hot"'), (["conditions", 0, "name"], '""'),
    (["conditions", 0, "name"], '"eyes"'), (["conditions", 0, "labels"], "[]"),
    (["conditions", 0, "labels"], '["a", "a", "b"]'), (["conditions", 0, "labels", 1], "7"),
    (["conditions", 0, "default"], '"purple"'), (["conditions", 0, "default"], "null"),
    (["conditions", 0, "default"], '{"pink": 1.0}'), (["parity"], "[]"), (["provenance"], "3"),
    (["unknown"], '{"any": [null, 1, "x"]}'), (["parity"], '{"a": 1, "a": 2}'),
    (["parity"], '{"a": NaN}'), (["parity"], '{"a": -Infinity}'), (["parity"], '{"a": 01}'),
    (["parity"], '{"a": "\\ud800"}'), (["parity"], '{"a": "\\ud83d\\ude00"}'),
    (["parity"], '{"__proto__": {"x": 1}, "constructor": 2}'), (["parity"], '{"a": [1,]}'),
    (["parity"], '{"a": tru}'), (["parity"], '{"a": "x}'), (["parity"], '{"a" 1}'),
    (["parity"], nested(61)),
    (["parity"], nested(65)),
]  # fmt: skip
SPRITE_CHANGES: list[tuple[list[Any], str]] = [
    *[(["image", key], "null") for key in manifest("tiny-sprite")["image"]],
    (["image", "mode"], '"cmyk"'), (["image", "mode"], '"rgb"'), (["image", "mode"], '"gray"'),
    (["image", "range"], '"half"'), (["image", "range"], '"unit"'), (["image", "layout"], '"HW"'),
    (["image", "layout"], '"NCHW"'), (["image", "pixelated"], "1"), (["image", "palette"], "[]"),
    (["image", "palette"], '["#ff0000", "#FF0000"]'), (["image", "palette"], '["red"]'),
    (["image", "palette"], json.dumps([f"#{n:06x}" for n in range(257)])),
    (["image", "palette"], json.dumps([f"#{n:06x}" for n in range(256)])),
    (["image", "alpha"], '"premultiplied"'), (["image", "alpha_levels"], "3"),
    (["image", "alpha_levels"], "256"), (["image", "size"], "[20, 12]"),
]  # fmt: skip
TEXTS = [
    "", "null", "[]", "3", '"x"', "{", "{} x", "\ufeff{}", '{"schema_version": 1}', "{'a': 1}",
]  # fmt: skip


def manifest_cases() -> Cases:
    cases: Cases = {}
    for name in ("tiny", "tiny-flow", "tiny-translator", "tiny-float", "tiny-gray", "tiny-rgba"):
        cases[f"{name} as it is"] = {"manifest": name, "path": ["name"], "json": f'"{name}"'}
    for name, changes in (("tiny", CHANGES), ("tiny-sprite", SPRITE_CHANGES)):
        for path, text in changes:
            case = {"manifest": name, "path": path, "json": text}
            cases[f"{name} {'.'.join(map(str, path))} = {text}"[:100]] = case
        image = [["image", key] for key in manifest(name)["image"]]
        for path in ([[key] for key in manifest(name)] + image) if name == "tiny" else image:
            cases[f"{name} without {'.'.join(path)}"] = {"manifest": name, "path": path}
    return cases | {f"text {text!r}": {"text": text} for text in TEXTS}
