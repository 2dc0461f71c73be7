"""Python and JavaScript refuse the same mutations of graphs, manifests and zips."""

import base64
import importlib.util
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hostile_inputs import base_files, graph_cases
from inputs import DATA
from vectors import ROOT

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.bundle.manifest import Manifest
from ganport_runtime.errors import GanportError
from ganport_runtime.strictjson import parse

NODE = shutil.which("node")
SCRIPT = ROOT / "runtime" / "js" / "test" / "decide.js"
MAX_BYTES = 20_000
MANY = 10_000

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def load_mutations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("m", ROOT / "tests" / "fuzz" / "mutations.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def samples() -> dict[str, list[bytes]]:
    graphs = [path.read_bytes() for path in (*DATA.glob("*.onnx"), *DATA.glob("*/*.onnx"))]
    cases = {name: case for name, case in graph_cases().items() if name != "empty fields"}
    graphs += [base64.b64decode(case["model"]) for case in cases.values()]
    return {
        "graph": [graph for graph in graphs if len(graph) < MAX_BYTES],
        "manifest": [path.read_bytes() for path in DATA.glob("*/manifest.json")],
        "bundle": [base_files()["tiny.zip"]],
    }


def mutations(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Return `count` seeded mutations with their kind."""
    mutate, random, sources = load_mutations(), Random(seed), samples()
    found: list[tuple[str, bytes]] = []
    while len(found) < count:
        kind = random.choice(tuple(sources))
        changes: list[Callable[[bytes, Random], bytes]] = [mutate.mutate_bytes]
        changes += {"graph": [mutate.mutate_graph], "manifest": [mutate.mutate_json_bytes]}.get(
            kind, []
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # onnx warns about odd attributes
            data = random.choice(changes)(random.choice(sources[kind]), random)
        if len(data) < MAX_BYTES:
            found.append((kind, data))
    return found


def decide(kind: str, data: bytes, path: Path) -> str:
    try:
        if kind == "graph":
            check_graph(data, "graph")
        elif kind == "manifest":
            Manifest.from_json(parse(data, "manifest"), "manifest")
        else:
            path.write_bytes(data)
            Bundle.open(path).read("generator.onnx")
    except GanportError:
        return "refused"
    return "allowed"


def compare(cases: list[tuple[str, bytes]], folder: Path) -> None:
    lines = [f"{kind} {base64.b64encode(data).decode()}\n" for kind, data in cases]
    command = [str(NODE), str(SCRIPT)]
    done = subprocess.run(command, input="".join(lines), capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    expected = [decide(kind, data, folder / "bundle.ganport") for kind, data in cases]
    assert len(answers) == len(cases)
    assert {"allowed", "refused"} == set(expected)
    different = [
        (lines[i][:2000], expected[i], answers[i])
        for i in range(len(cases))
        if answers[i] != expected[i]
    ]
    assert different == []


def test_javascript_refuses_the_mutations_that_python_refuses(tmp_path: Path) -> None:
    compare(mutations(300, seed=0), tmp_path)


@pytest.mark.fuzz
@pytest.mark.timeout(1800)
def test_javascript_refuses_thousands_of_mutations_that_python_refuses(tmp_path: Path) -> None:
    compare(mutations(MANY, seed=1), tmp_path)
