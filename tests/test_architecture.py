"""Tests of the architecture: import directions, cycles, file sizes, file counts."""

import ast
import functools
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    f"ganport_{name}": ROOT / name / f"ganport_{name}"
    for name in ("runtime", "models", "train", "export")
}
ALLOWED_PACKAGES = {
    "ganport_runtime": set[str](),
    "ganport_models": {"ganport_runtime"},
    "ganport_train": {"ganport_runtime", "ganport_models"},
    "ganport_export": {"ganport_runtime", "ganport_models"},
}
RUNTIME_LIBRARIES = {"numpy", "onnxruntime", "PIL", "click", "safetensors"}
EXTRA_LIBRARIES = {
    "service": {"msgspec", "prometheus_client", "starlette", "uvicorn"},
    "openvino.py": {"openvino"},
}
"""What one folder or file of the runtime may import in addition."""
MAX_FILES = 340
MAX_LINES = 300
MIN_LINES = 40
OTHER_FOLDERS = ("tests", "examples", "benchmarks")
SHORT_FILES = {"__init__.py", "__main__.py", "registry.py"}
SOURCES = [
    (package, file) for package, folder in PACKAGES.items() for file in sorted(folder.rglob("*.py"))
]
MODULES = {
    ".".join(
        part
        for part in (package, *file.relative_to(PACKAGES[package]).with_suffix("").parts)
        if part != "__init__"
    ): file
    for package, file in SOURCES
}


def read_lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


@functools.cache
def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def imports_of(file: Path) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(parse(file)) if isinstance(node, ast.Import | ast.ImportFrom)]


def imported_libraries(file: Path) -> set[str]:
    """Return the top-level names that a file imports anywhere."""
    names: set[str] = set()
    for node in imports_of(file):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        else:
            assert node.level == 0, f"{file}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


def imported_modules(file: Path, *, everywhere: bool) -> set[str]:
    """Return our modules that a file imports: at its top alone, or also inside functions."""
    found: set[str] = set()
    for node in imports_of(file) if everywhere else parse(file).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(MODULES)


def sibling(module: str, depth: int) -> str:
    """Return the sub-package of a module at a depth, or the module itself above that depth."""
    is_package = MODULES[module].name == "__init__.py"
    package = module.split(".") if is_package else module.split(".")[:-1]
    return ".".join(package[:depth]) if len(package) >= depth else module


def source_name(source: tuple[str, Path]) -> str:
    return str(source[1].relative_to(ROOT))


@pytest.mark.parametrize("source", SOURCES, ids=source_name)
def test_source_file_imports_only_allowed_packages(source: tuple[str, Path]) -> None:
    package, file = source
    others = imported_libraries(file) & set(PACKAGES) - {package}
    assert others <= ALLOWED_PACKAGES[package]


@pytest.mark.parametrize(
    "file", [file for package, file in SOURCES if package == "ganport_runtime"], ids=str
)
def test_runtime_file_imports_only_allowed_libraries(file: Path) -> None:
    libraries = imported_libraries(file) - set(sys.stdlib_module_names) - {"ganport_runtime"}
    extra = set().union(*(EXTRA_LIBRARIES.get(part, set()) for part in file.parts))
    assert libraries <= RUNTIME_LIBRARIES | extra


def test_modules_import_each_other_without_cycle() -> None:
    graph = {name: imported_modules(file, everywhere=False) for name, file in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


@pytest.mark.parametrize("depth", [2, 3])
def test_subpackages_import_each_other_without_cycle(depth: int) -> None:
    graph: dict[str, set[str]] = {}
    for name, file in MODULES.items():
        importer = sibling(name, depth)
        imports = {sibling(other, depth) for other in imported_modules(file, everywhere=True)}
        graph.setdefault(importer, set()).update(imports - {importer})
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("source", SOURCES, ids=source_name)
def test_source_file_length_is_within_limits(source: tuple[str, Path]) -> None:
    _, file = source
    count = len(read_lines(file))
    assert count <= MAX_LINES
    assert count >= MIN_LINES or file.name in SHORT_FILES


def test_no_file_of_tests_examples_and_benchmarks_is_longer_than_a_source_file() -> None:
    files = [file for name in OTHER_FOLDERS for file in (ROOT / name).rglob("*.py")]
    assert [str(file) for file in files if len(read_lines(file)) > MAX_LINES] == []


def test_number_of_source_files_is_within_limit() -> None:
    assert len(SOURCES) <= MAX_FILES


def test_packages_ship_type_information() -> None:
    assert all((folder / "py.typed").is_file() for folder in PACKAGES.values())


@pytest.mark.parametrize(
    ("walk", "most"),
    [
        ("Generator.generate", 7),
        ("train-gan quick", 12),
        ("POST /v1/generate", 14),
        ("export-gan", 14),
    ],
)
def test_architecture_page_lists_walk_within_limit(walk: str, most: int) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (section,) = [part for part in page.split("\n### ")[1:] if part.startswith(walk)]
    files = re.findall(r"^\d+\. `(.+)`$", section.split("\n## ")[0], re.MULTILINE)
    assert 0 < len(files) <= most
    assert [file for file in files if not (ROOT / file).is_file()] == []
