"""Write the shared vectors: `python tests/vectors/write_vectors.py [KIND …]`.

Add a case in `inputs.py`, `manifest_inputs.py` or `hostile_inputs.py` and run this script.
`README.md` describes the files.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import hostile_inputs
import inputs
import manifest_inputs
from vectors import FOLDER, run

ABOUT = {
    "conditions": "Requests of each kind of group, valid and invalid; blends of two requests.",
    "seeds": "Consecutive seeds modulo 2^64, and seeds to refuse. Seeds are decimal texts.",
    "noise": "Philox words (exact), and normals as the bits of float32 (within 1 ulp).",
    "manifests": "A manifest with one value replaced by JSON or removed; texts of manifests.",
    "bundles": "Zips and graph files with bytes replaced: [start, stop, hex].",
    "graphs": "ONNX graphs to refuse before a library reads them, and some to allow.",
    "tensors": "Safetensors files, valid and to refuse; the latent directions of a flow.",
    "images": "Images of bundles (uint8, within 1 level), noise of images, indexes of atlases.",
}


def shared_of(kind: str) -> Any:
    """Return what the cases of a file refer to."""
    if kind == "conditions":
        return {"groups": inputs.GROUPS}
    if kind == "manifests":
        others = ("tiny-flow", "tiny-translator", "tiny-float", "tiny-gray", "tiny-rgba")
        names = ("tiny", "tiny-sprite", *others)
        return {"manifests": {name: manifest_inputs.manifest(name) for name in names}}
    return {"files": hostile_inputs.encoded_files()} if kind == "bundles" else {}


def cases_of(kind: str) -> inputs.Cases:
    """Return the inputs of a file by the name of the case."""
    found = {
        "conditions": inputs.condition_cases,
        "seeds": inputs.seed_cases,
        "noise": inputs.noise_cases,
        "manifests": manifest_inputs.manifest_cases,
        "bundles": hostile_inputs.bundle_cases,
        "graphs": hostile_inputs.graph_cases,
        "tensors": inputs.tensor_cases,
        "images": inputs.image_cases,
    }
    return found[kind]()


def open_fields(kind: str, case: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an error that another language words otherwise.

    Those are the words of libraries, floats that a text spells, and commands of a package manager.
    """
    error = outcome.get("error", {})
    found, is_json = error.get("found", ""), error.get("expected") == "valid JSON"
    spelled = isinstance(case.get("request"), str) and found.endswith(".0")
    worded = any(text in found for text in hostile_inputs.WORDED)
    fields = ["found"] if worded or spelled or (is_json and "twice" not in found) else []
    fields += ["fix"] if "pip install" in error.get("fix", "") else []
    return {"open": fields} if fields else {}


def write(kind: str) -> None:
    """Write the file of one kind, one case on a line."""
    shared = shared_of(kind)
    lines = []
    for name, case in cases_of(kind).items():
        outcome = run(kind, shared, case)
        entry = {"name": name, "input": case} | outcome | open_fields(kind, case, outcome)
        lines.append(json.dumps(entry, ensure_ascii=False))
    head = json.dumps({"about": ABOUT[kind], "shared": shared}, ensure_ascii=False)[:-1]
    text = head + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"
    (FOLDER / f"{kind}.json").write_text(text, encoding="utf-8")
    print(f"{kind}.json: {len(lines)} cases")


if __name__ == "__main__":
    for kind in sys.argv[1:] or ABOUT:
        write(kind)
