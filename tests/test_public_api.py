"""Tests of the public API: every exported name stands in an example, and every example runs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("runtime", "models", "export")
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def examples_of(package: str) -> str:
    """Return the Python examples of a package's reference page as one script."""
    page = ROOT / "docs" / "api" / f"{package}.md"
    return "\n".join(BLOCK.findall(page.read_text(encoding="utf-8")))


def exported_names(package: str) -> set[str]:
    """Return the names that a package's root exports."""
    root = ROOT / package / f"ganport_{package}" / "__init__.py"
    tree = ast.parse(root.read_text(encoding="utf-8"))
    return {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }


def imported_names(script: str) -> set[str]:
    """Return the names that a script imports."""
    nodes = (node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in nodes for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_exported_name_stands_in_an_example(package: str) -> None:
    names = exported_names(package)
    assert names
    assert names <= imported_names(examples_of(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_of_reference_page_run(package: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", examples_of(package)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
