"""The modules that `import ganport_runtime` may load."""

import json
import os
import subprocess
import sys
from pathlib import Path

RUNTIME = Path(__file__).parents[2] / "runtime"
LEAN = ("*.py", *(f"{p}/*.py" for p in ("bundle", "conditions", "generation", "images", "noise")))
MODULES = sorted(
    ".".join(path.relative_to(RUNTIME).with_suffix("").parts)
    for pattern in LEAN
    for path in (RUNTIME / "ganport_runtime").glob(pattern)
    if path.stem not in ("__init__", "__main__")
)
SCRIPT = """
import importlib, json, sys
import numpy
before = set(sys.modules)
for module in {modules}:
    importlib.import_module(module)
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(new - sys.stdlib_module_names)))
"""
ALLOWED = {"ganport_runtime", "numpy"}


def brought_in(*modules: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(modules=modules)],
        env=os.environ | {"PYTHONPATH": str(RUNTIME)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(result.stdout))


def test_import_loads_only_the_standard_library_and_numpy() -> None:
    assert "ganport_runtime" in brought_in("ganport_runtime") <= ALLOWED


def test_every_module_but_the_commands_needs_only_numpy() -> None:
    assert len(MODULES) > 15
    assert brought_in(*MODULES) <= ALLOWED


def test_allow_list_check_of_a_foreign_import_fails() -> None:
    assert not brought_in("ganport_runtime.cli.sample") <= ALLOWED
